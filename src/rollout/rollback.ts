// Rollback: the same way forward, to a release that served before.
import { MlshipError } from "../errors.ts";
import type { LedgerEntry } from "./ledger.ts";
import { planRollout } from "./plan.ts";
import type { RolloutPlan, RolloutValues } from "./plan.ts";
import type { Revision } from "./ports.ts";

/**
 * The revision to go back to: the last one promoted before what serves now, or the last one of the
 * wanted version. A revision that was taken back never served alone and is no goal.
 * @param entries the ledger of the channel, oldest first
 * @throws MlshipError `rollout.nothing-to-roll-back`, `rollout.version-unknown` (exit 2),
 *   `rollout.already-serving` (exit 2)
 */
export function chooseRollback(
  entries: LedgerEntry[],
  stable: Revision | null,
  version: string | null,
): Revision {
  const promoted = entries.filter((entry) => entry.outcome === "promoted").map((entry) => entry.to);
  if (version !== null) {
    const wanted = promoted.findLast((revision) => revision.version === version);
    if (wanted === undefined) {
      const known = [...new Set(promoted.map((revision) => revision.version))];
      throw refuse("version-unknown", `version ${version} never served here`, `known: ${known.join(", ")}`);
    }
    if (wanted.id === stable?.id) throw refuse("already-serving", `version ${version} serves already`, null);
    return wanted;
  }
  const present = promoted.findLastIndex((revision) => revision.id === stable?.id);
  const before = promoted
    .slice(0, present === -1 ? undefined : present)
    .findLast((revision) => revision.id !== stable?.id);
  if (before === undefined) {
    throw refuse("nothing-to-roll-back", "there is no earlier release to go back to", null);
  }
  return before;
}

/** Starts the old revision if it is not warm, checks it with its golden rows, promotes it, stops the other. */
export function planRollback(values: RolloutValues, to: Revision, from: Revision | null): RolloutPlan {
  // The old revision has proved itself: there is nothing to watch for, and the way is to be short.
  return planRollout({ ...values, steps: [100], bakeMs: 0 }, to, from);
}

function refuse(code: string, what: string, why: string | null): MlshipError {
  const fix = "see `mlship history`, and name a version with `mlship rollback --to VERSION`";
  return new MlshipError({
    code: `rollout.${code}`,
    what,
    fix,
    exit: "usage",
    ...(why === null ? {} : { why }),
  });
}
