// How a finished rollout is told to whoever asked for it: as an error, or as none.
import { MlshipError } from "../errors.ts";
import type { Failure, Rollout } from "./record.ts";

/** The error that an outcome other than `promoted` ends the command with; null when all went well. */
export function errorOf(rollout: Rollout): MlshipError | null {
  if (rollout.outcome === "promoted" && rollout.interrupted) {
    return new MlshipError({
      code: "rollout.watch-interrupted",
      what: `watching ${rollout.to.version} after its promotion was interrupted; it serves`,
      fix: "see `mlship status`; `mlship rollback` takes it back",
      exit: "interrupted",
    });
  }
  return rollout.outcome === "promoted" || rollout.why === null ? null : failureError(rollout.why);
}

/** The error that the record kept in words. */
function failureError({ code, what, why, fix, exit }: Failure): MlshipError {
  return new MlshipError({
    code,
    what,
    exit,
    ...(why === null ? {} : { why }),
    ...(fix === null ? {} : { fix }),
  });
}
