// Leaves a wish for the process that drives a rollout, and waits until it has come true.
import { MlshipError } from "../errors.ts";
import type { Holder, Wish } from "../rollout/ports.ts";
import { isFinished, type Rollout } from "../rollout/record.ts";
import type { Site } from "./site.ts";

/** A rollout under way, and the living process that drives it. */
export interface Driven {
  record: Rollout;
  driver: Holder;
}

/** How long the driver may take to answer, in ms: it looks every second, and taking back drains servers. */
const patience = 60_000;
const poll = 250;

/** The rollout that another process drives now; null when none does. */
export async function drivenNow({ target }: Site): Promise<Driven | null> {
  const driver = await target.lock.holder();
  const record = await target.records.load();
  return driver === null || record === null || isFinished(record) ? null : { record, driver };
}

/**
 * Asks and waits: for `abort` until the rollout is over, for `promote` until it has moved on.
 * @returns how the rollout ended; null while it goes on
 * @throws MlshipError `steer.unanswered`, exit 7.
 */
export async function askDriver(
  { host, target }: Site,
  wish: Wish,
  { record, driver }: Driven,
): Promise<Rollout["outcome"]> {
  const step = host.progress.step(
    `${wish} ${record.to.version}, driven by ${driver.user}@${driver.host} (${driver.doing})`,
  );
  await target.records.wish(wish);
  let until = host.clock.monotonic() + patience;
  const before = progressOf(record);
  for (;;) {
    await host.clock.sleep(poll, host.signal);
    const now = await target.records.load();
    const isOver = now === null || now.id !== record.id || isFinished(now);
    if (isOver || (wish === "promote" && progressOf(now) > before)) {
      step.done(now?.outcome ?? "moved on");
      return now?.id === record.id ? now.outcome : null;
    }
    // It has heard: making the full set takes as long as servers take to start.
    if (wish === "promote" && promoting.has(now.phase)) until = host.clock.monotonic() + patience;
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

/** On the way from the last share to serving everybody. */
const promoting: ReadonlySet<Rollout["phase"]> = new Set(["expand", "golden", "promote", "drain"]);

/** Grows with every step of a rollout, and when it serves everybody. */
function progressOf({ step, phase }: Rollout): number {
  const late: readonly string[] = ["bake", "retire"];
  return 1000 * (late.indexOf(phase) + 1) + step;
}
