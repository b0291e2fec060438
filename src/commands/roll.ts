// Rolls a release out on a target and shows how it goes: shared by deploy and rollback.
import type { ObjectStore } from "../artifacts/ports.ts";
import type { Release } from "../artifacts/release.ts";
import type { Driving, News } from "../rollout/driver.ts";
import { drive, reconcile } from "../rollout/engine.ts";
import { beginRollout, type RolloutPlan, type RolloutValues } from "../rollout/plan.ts";
import type { Revision, Target } from "../rollout/ports.ts";
import type { Failure, Rollout } from "../rollout/record.ts";
import { holderOf, type Host } from "./host.ts";
import { openLedger } from "./ledger.ts";
import type { Project } from "./project.ts";
import { showRollout } from "./show-rollout.ts";
import { fetchGolden } from "./target.ts";

/** The outcome of a rollout as documents carry it. */
export interface RolloutSummary {
  outcome: Exclude<Rollout["outcome"], null>;
  why: Failure | null;
  verdict: Rollout["verdict"];
  /** Rows that were replayed before any user request, and how the answers compared. */
  golden: Rollout["golden"];
  interrupted: boolean;
  /** The last line that the canary's servers logged, when it failed requests. */
  lastWords: string | null;
}

/** Where a command works. */
export interface Site {
  project: Project;
  host: Host;
  store: ObjectStore;
  target: Target;
  /** The version that the channel's log says serves. */
  production: string | null;
  /** The command: `mlship deploy`. */
  doing: string;
}

/** What the project says about its rollouts. */
export function rolloutValues({ config, channel }: Project): RolloutValues {
  const { steps, intervalMs, maxHarm, holdMs, bakeMs, startTimeoutMs } = config.deploy.canary;
  return {
    name: config.name,
    channel,
    steps,
    intervalMs,
    maxHarm,
    holdMs,
    bakeMs,
    startTimeoutMs,
    requestsPerSecond: null,
  };
}

/**
 * Serves again what should serve, and finishes or takes back what a killed command left.
 * @returns what was found and done, in sentences
 * @throws MlshipError `rollout.locked`, exit 6, when another command drives a rollout now
 */
export async function setRight(site: Site): Promise<string[]> {
  const recovered = await site.target.recover();
  const { said } = await reconcile(drivingOf(site, () => {}));
  const told = [...recovered, ...said];
  for (const sentence of told) site.host.progress.note(sentence);
  return told;
}

/** Drives a planned rollout of a release to its end. */
export async function roll(
  site: Site,
  plan: RolloutPlan,
  release: Release,
  reason: string,
): Promise<RolloutSummary> {
  const { host, store } = site;
  const show = showRollout(host.progress);
  const driving = drivingOf(site, show.news);
  const golden = await fetchGolden(store, release);
  const begun = beginRollout(plan, {
    id: host.nonce(),
    reason,
    holder: driving.holder,
    now: host.clock.now(),
  });
  try {
    const rollout = await drive({ ...driving, rollout: begun, golden });
    const { outcome, why, verdict, interrupted } = rollout;
    show.end(rollout);
    const lastWords =
      verdict !== null && verdict.canaryErrors > 0 ? await lastLine(site.target, plan.to) : null;
    return { outcome: outcome ?? "failed", why, verdict, golden: rollout.golden, interrupted, lastWords };
  } catch (error) {
    show.end(null);
    throw error;
  }
}

async function lastLine(target: Target, revision: Revision): Promise<string | null> {
  const line = (await target.logs(revision, 1)).trim();
  // Without the time and the number of the server, which stand before every line.
  return line === "" ? null : line.replace(/^\S+Z \[\d+\] */, "");
}

function drivingOf(
  { project, host, store, target, production, doing }: Site,
  onEvent: (news: News) => void,
): Driving {
  const { clock, signal } = host;
  const ledger = openLedger(store, project, production);
  return { target, ledger, holder: holderOf(host, doing), clock, signal, onEvent };
}
