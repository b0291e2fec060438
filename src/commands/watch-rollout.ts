// Follows a rollout that another process drives, from its record: on any machine that reaches the target.
import { isFinished, type Rollout } from "../rollout/record.ts";
import { showRollout } from "./show-rollout.ts";
import type { Site } from "./site.ts";

/** Milliseconds between two looks: the driver writes about once a second. */
const poll = 1000;
/** Looks without a change of the record before it is asked whether its driver lives. */
const patience = 15;

/**
 * Shows the rollout as it goes on.
 * @returns true when it ended or there is none, false when Ctrl-C ended the watch
 */
export async function watchRollout({ host, target }: Site): Promise<boolean> {
  const { progress, clock, signal } = host;
  const first = await target.records.load();
  if (first === null || isFinished(first)) {
    progress.note("no rollout is under way");
    return true;
  }
  progress.note(
    `${first.reason}, begun ${first.volatile.startedAt} by ${first.holder.user}@${first.holder.host}`,
  );
  const show = showRollout(progress);
  let [seen, unchanged] = [first, 0];
  show.news({ type: "measured", rollout: first });
  for (;;) {
    if (!(await slept(clock.sleep(poll, signal), signal))) {
      show.end(null);
      return false;
    }
    const now = await target.records.load();
    if (now === null || now.id !== first.id) {
      show.end(null);
      progress.note("another rollout has begun: watch again to follow it");
      return true;
    }
    unchanged = isSame(now, seen) ? unchanged + 1 : 0;
    if (unchanged === patience && (await target.lock.holder()) === null)
      progress.note("nobody drives it any more: the next mlship command finishes it or takes it back");
    seen = now;
    show.news({ type: "measured", rollout: now });
    if (!isFinished(now)) continue;
    show.end(now);
    return true;
  }
}

/** Whether the time passed: false when Ctrl-C came first. */
async function slept(time: Promise<void>, signal: AbortSignal): Promise<boolean> {
  try {
    await time;
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

function isSame(one: Rollout, other: Rollout): boolean {
  return one.volatile.elapsedMs === other.volatile.elapsedMs && one.log.length === other.log.length;
}
