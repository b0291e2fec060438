// A whole rollout of the kit's model, as `mlship deploy` drives it once everything is judged and pushed.
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Driving, News } from "../../../src/rollout/driver.ts";
import { drive, reconcile } from "../../../src/rollout/engine.ts";
import type { LedgerEntry } from "../../../src/rollout/ledger.ts";
import { beginRollout, planRollout } from "../../../src/rollout/plan.ts";
import type { Rollout } from "../../../src/rollout/record.ts";
import { golden } from "../kit.ts";
import { holderCalled, type Opened, type Release } from "./target.ts";

/** What a driver did. */
export interface Shipped {
  /** What was found of an earlier driver, in sentences. */
  said: string[];
  rollout: Rollout;
  entries: LedgerEntry[];
}

/** Finishes what an earlier driver left, then rolls the release out. @param signal aborted as by Ctrl-C */
export async function ship(
  { target }: Opened,
  { revision, served }: Release,
  onEvent: (news: News) => void = () => undefined,
  signal: AbortSignal = new AbortController().signal,
): Promise<Shipped> {
  const entries: LedgerEntry[] = [];
  const driving: Driving = {
    target,
    ledger: { append: (entry) => Promise.resolve(void entries.push(entry)) },
    holder: holderCalled("mlship deploy"),
    clock: {
      now: () => new Date(),
      monotonic: () => performance.now(),
      sleep: (ms, until) => delay(ms, undefined, until === undefined ? {} : { signal: until }),
    },
    signal,
    onEvent,
  };
  const recovered = await target.recover();
  const { said } = await reconcile(driving);
  const { stable } = await target.observe();
  const { canary, strategy } = served.deploy;
  const values = { name: served.name, channel: "production", strategy, ...canary, requestsPerSecond: null };
  const plan = planRollout({ ...values, reachable: null }, revision, stable);
  const begun = beginRollout(plan, {
    id: randomBytes(8).toString("hex"),
    reason: `deploy of ${revision.version}`,
    holder: driving.holder,
    now: new Date(),
  });
  const rollout = await drive({ ...driving, rollout: begun, golden });
  return { said: [...recovered, ...said], rollout, entries };
}
