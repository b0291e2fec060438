// Begins, takes up, finishes and undoes rollouts on a target, under its lock.
import { MlshipError } from "../errors.ts";
import { Driver } from "./driver.ts";
import type { Driving } from "./driver.ts";
import { failureOf } from "./event.ts";
import { tellEnded, tellFound, tellLeftover } from "./findings.ts";
import type { GoldenRows } from "./golden.ts";
import type { HeldLock, Target } from "./ports.ts";
import { isFinished } from "./record.ts";
import type { Rollout } from "./record.ts";

/**
 * Drives a rollout to its end, or takes up one that a driver left where it stands. The record is
 * saved before every act. The outcome is in the result: `errorOf` turns it into an error.
 * @throws MlshipError `rollout.locked` (exit 6); `rollout.lock-lost`, `rollout.unfinished`,
 *   `rollout.stuck` (exit 7); and what the record's store throws, since nothing is done unrecorded.
 */
export async function drive(driving: Driving & { rollout: Rollout; golden: GoldenRows }): Promise<Rollout> {
  const { target, holder, rollout, golden } = driving;
  return await locked(driving, await target.lock.acquire(holder), async (held) => {
    const record = await target.records.load();
    if (record !== null && !isFinished(record) && record.id !== rollout.id) {
      throw new MlshipError({
        code: "rollout.unfinished",
        what: `the rollout of ${record.to.version} is not finished`,
        fix: "run the command again: it finishes or undoes that rollout first",
        exit: "attention",
      });
    }
    if (record !== null && record.id === rollout.id && isFinished(record)) return record;
    // A wish that an earlier rollout left behind is not meant for this one.
    await target.records.takeWish();
    const driver = new Driver(driving, held, golden, rollout);
    return await driver.run(rollout.phase === "idle" ? { type: "locked" } : null);
  });
}

/** What `reconcile` found and did, in sentences; none when there was nothing to do. */
export interface Reconciled {
  said: string[];
  /** The rollout that was finished or taken back. */
  rollout: Rollout | null;
}

/**
 * What a command does before it begins anything of its own: finishes or takes back a rollout whose
 * driver is dead, and stops servers that no rollout speaks of. The target is trusted over the record.
 * @throws MlshipError `rollout.locked`, exit 6, when the driver lives; otherwise as `drive`.
 */
export async function reconcile(driving: Driving): Promise<Reconciled> {
  const { target, holder } = driving;
  const needed = await leftovers(target);
  if (!needed) return { said: [], rollout: null };
  return await locked(driving, await target.lock.acquire(holder), async (held) => {
    const record = await target.records.load();
    const observed = await target.observe();
    if (record !== null && !isFinished(record)) {
      const said = [tellFound(record, observed)];
      // A promotion has several parts, and its driver may have died between them: repeated, it confirms
      // the first and does the rest, before anything is taken from the revision that it replaced.
      if (observed.stable?.id === record.to.id) await target.fleet.promote(record.to);
      const driver = new Driver(driving, held, null, record);
      const rollout = await driver.run({ type: "recovered", observed });
      return { said: [...said, tellEnded(rollout)], rollout };
    }
    const said: string[] = [];
    const { canary, previous, share, stable } = observed;
    if (share > 0) await target.traffic.fallback();
    for (const left of [canary, previous]) {
      if (left === null || left.id === stable?.id) continue;
      await target.fleet.retire(left);
      said.push(tellLeftover(left.version, left === canary ? share : 0));
    }
    return { said, rollout: null };
  });
}

/** Whether anything waits for `reconcile`; changes nothing. */
async function leftovers(target: Target): Promise<boolean> {
  const record = await target.records.load();
  if (record !== null && !isFinished(record)) return true;
  const { canary, previous } = await target.observe();
  return canary !== null || previous !== null;
}

/** Does something under the lock and releases it, unless it was lost. */
async function locked<T>(
  { onEvent }: Driving,
  held: HeldLock,
  work: (held: HeldLock) => Promise<T>,
): Promise<T> {
  let isLost = false;
  try {
    return await work(held);
  } catch (error) {
    isLost = error instanceof MlshipError && error.code === "rollout.lock-lost";
    throw error;
  } finally {
    if (!isLost) {
      await held.release().catch((error: unknown) => {
        const { what } = failureOf(error);
        onEvent({ type: "note", text: `the lock could not be released and will run out by itself: ${what}` });
      });
    }
  }
}
