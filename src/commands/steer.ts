// `mlship promote` and `mlship abort`: a person decides for the rollout that another command drives.
import { readChannel, serving } from "../artifacts/channel.ts";
import { MlshipError } from "../errors.ts";
import type { Wish } from "../rollout/ports.ts";
import { isFinished, type Rollout } from "../rollout/record.ts";
import type { Host } from "./host.ts";
import { openProject } from "./project.ts";
import type { ProjectOptions, Result, ResultDocument } from "./result.ts";
import { setRight } from "./roll.ts";
import { openTarget } from "./target.ts";

/** mlship.steer/v1: what was asked for, and what came of it. */
export interface SteerDocument extends ResultDocument {
  schema: "mlship.steer/v1";
  name: string;
  channel: string;
  wish: Wish;
  /** What a dead driver had left, and what was done about it. */
  found: string[];
  /** The version of the rollout that was steered; null when only leftovers were set right. */
  version: string | null;
  outcome: Rollout["outcome"];
  serving: string | null;
  endpoint: string | null;
}

/** How long the driver may take to answer, in ms: it looks every second, and taking back drains servers. */
const patience = 60_000;
const poll = 250;

/**
 * Leaves the wish for the driver and waits until the rollout has moved. Without a living driver an
 * unfinished rollout is set right instead, which is what `abort` is for and what `promote` cannot use.
 */
export async function steer(
  wish: Wish,
  host: Host,
  selection: ProjectOptions,
): Promise<Result<SteerDocument>> {
  const project = await openProject(host, selection);
  const { name } = project.config;
  const store = await host.store(project.config.artifacts.store);
  const target = await openTarget(project, host, store);
  const production = serving(await readChannel(store, name, project.channel));
  const about = { schema: "mlship.steer/v1", name, channel: project.channel, wish } as const;
  const finish = async (
    more: Pick<SteerDocument, "found" | "version" | "outcome">,
  ): Promise<Result<SteerDocument>> => {
    const { stable, endpoint } = await target.observe();
    return { document: { ...about, ...more, serving: stable?.version ?? null, endpoint }, exit: "done" };
  };
  const driver = await target.lock.holder();
  const record = await target.records.load();
  if (driver === null || record === null || isFinished(record)) {
    const found = await setRight({ project, host, store, target, production, doing: `mlship ${wish}` });
    const after = await target.records.load();
    if (found.length === 0 || wish === "promote") throw nothingUnderWay(wish, name, found);
    return await finish({ found, version: record?.to.version ?? null, outcome: after?.outcome ?? null });
  }
  const step = host.progress.step(
    `${wish} ${record.to.version}, driven by ${driver.user}@${driver.host} (${driver.doing})`,
  );
  await target.records.wish(wish);
  const until = host.clock.monotonic() + patience;
  const before = progressOf(record);
  for (;;) {
    await host.clock.sleep(poll, host.signal);
    const now = await target.records.load();
    if (
      now === null ||
      now.id !== record.id ||
      isFinished(now) ||
      (wish === "promote" && progressOf(now) > before)
    ) {
      step.done(now?.outcome ?? "moved on");
      return await finish({ found: [], version: record.to.version, outcome: now?.outcome ?? null });
    }
    if (host.clock.monotonic() < until) continue;
    step.fail();
    throw new MlshipError({
      code: "steer.unanswered",
      what: `the driver of the rollout did not answer within ${patience / 1000} s`,
      why: `${driver.user}@${driver.host}, process ${driver.pid}, holds the lock since ${driver.since}`,
      fix: "end that process; the share of the canary then falls to 0 by itself, and mlship abort takes the rest back",
      exit: "attention",
    });
  }
}

/** Grows with every step of a rollout. */
function progressOf({ step, phase }: Rollout): number {
  return phase === "promote" || phase === "drain" || phase === "bake" || phase === "retire" ? 1000 : step;
}

function nothingUnderWay(wish: Wish, name: string, found: string[]): MlshipError {
  return new MlshipError({
    code: "steer.nothing",
    what: `no rollout of ${name} is under way that could be ${wish === "promote" ? "promoted" : "aborted"}`,
    ...(found.length === 0 ? {} : { why: found.join(" ") }),
    fix:
      wish === "promote" ? "begin one with mlship deploy" : "mlship rollback goes back to the version before",
    exit: "usage",
  });
}
