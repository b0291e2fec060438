// The moves that the state machine is made of: each gives the record after it.
import type { MlshipError } from "../errors.ts";
import { eValue } from "./odds.ts";
import type { Action, Failure, HoldCause, Outcome, Phase, Rollout, Verdict } from "./record.ts";

/** Entries of the log that are kept at each end. */
const keptOfLog = 100;

/** Adds an entry to the log; of a log beyond 200 entries the middle is left out. */
export function write(
  rollout: Rollout,
  kind: "intent" | "done" | "observed",
  action: string,
  at: number,
): Rollout {
  const seq = (rollout.log.at(-1)?.seq ?? -1) + 1;
  const log = [...rollout.log, { seq, kind, action, at }];
  if (log.length > 2 * keptOfLog) log.splice(keptOfLog, 1);
  return { ...rollout, log };
}

/** An action in words. */
function describe(action: Action, rollout: Rollout): string {
  if (action.do === "set") return `set ${percent(action.share)}`;
  if (action.do === "fallback") return "all requests to stable";
  if (action.do === "expand") return `start all of ${rollout.to.version}`;
  if (action.do === "promote") return `promote ${rollout.to.version}`;
  if (action.do === "revert") return `promote ${rollout.from?.version ?? "nothing"} again`;
  if (action.do === "start") return `start ${rollout.to.version}`;
  if (action.do !== "retire") return action.do;
  return `retire ${action.which === "to" ? rollout.to.version : (rollout.from?.version ?? "nothing")}`;
}

/** A share for people: `5 %`. */
export function percent(share: number): string {
  return `${Number((share * 100).toFixed(3))} %`;
}

/** Goes to a phase with an action to be done in it, whose intent is logged unless it changes nothing. */
export function go(rollout: Rollout, phase: Phase, action: Action, at: number): Rollout {
  const attempts = phase === rollout.phase ? rollout.attempts : 0;
  const moved = { ...rollout, phase, action, attempts };
  const isLook =
    action.do === "read" || action.do === "measure" || action.do === "whole" || action.do === "lock";
  return isLook ? moved : write(moved, "intent", describe(action, rollout), at);
}

/** Logs that the present action was done. */
export function done(rollout: Rollout, at: number): Rollout {
  return rollout.action === null ? rollout : write(rollout, "done", describe(rollout.action, rollout), at);
}

/** Logs a failed attempt at the present action, and counts it. */
export function stumble(rollout: Rollout, failure: Failure, at: number): Rollout {
  const name = rollout.action === null ? "nothing" : describe(rollout.action, rollout);
  const noted = write(rollout, "observed", `${name} failed: ${failure.what}`, at);
  return { ...noted, attempts: rollout.attempts + 1 };
}

/** Asks for a share: recorded as in force from the intent on. */
export function setShare(rollout: Rollout, phase: Phase, share: number, at: number): Rollout {
  return go({ ...rollout, share }, phase, { do: "set", share }, at);
}

/** Takes all traffic off the canary, on the way back. */
export function fallBack(rollout: Rollout, at: number): Rollout {
  return go({ ...rollout, share: 0 }, "abort", { do: "fallback" }, at);
}

/** Waits, with the time that the step has left for waiting running. */
export function hold(rollout: Rollout, cause: HoldCause, at: number): Rollout {
  if (rollout.hold?.cause === cause) return { ...rollout, phase: "hold", action: { do: "measure" } };
  const waiting = { ...unhold(rollout, at), hold: { cause, since: at } };
  return go(write(waiting, "observed", `hold: ${cause}`, at), "hold", { do: "measure" }, at);
}

/** Ends a hold; what it took stays counted. */
export function unhold(rollout: Rollout, at: number): Rollout {
  return { ...rollout, hold: null, heldMs: heldFor(rollout, at) };
}

/** Milliseconds that the present step has held. */
export function heldFor(rollout: Rollout, at: number): number {
  return rollout.heldMs + (rollout.hold === null ? 0 : Math.max(0, at - rollout.hold.since));
}

/** Takes everything back: traffic off first, then what was started. Keeps the first reason given. */
export function abort(rollout: Rollout, outcome: Outcome, why: Failure, at: number): Rollout {
  if (rollout.outcome !== null) return rollout;
  if (!rollout.started) return close(rollout, outcome, why, at);
  const noted = write({ ...rollout, outcome, why, hold: null }, "observed", `abort: ${why.what}`, at);
  if (rollout.share > 0) return fallBack(noted, at);
  // While it bakes users get what is taken back: the warm revision serves again before anything else is
  // asked, unless somebody else has just said what serves.
  const isServing = rollout.phase === "bake" && why.code !== "rollout.moved";
  return go(noted, "abort", { do: isServing ? "revert" : "read" }, at);
}

/** Ends the rollout: only the ledger is left to be written. */
export function close(rollout: Rollout, outcome: Outcome, why: Failure | null, at: number): Rollout {
  const ended = { ...rollout, outcome, why, hold: null, share: 0, verdict: verdictOf(rollout) };
  return go(ended, "close", { do: "ledger" }, at);
}

/** Gives the same action once more after a failure, up to `most` attempts; then what `otherwise` says. */
export function retry(
  rollout: Rollout,
  failure: Failure,
  most: number,
  at: number,
  otherwise: (rollout: Rollout) => Rollout,
): Rollout {
  const after = stumble(rollout, failure, at);
  return after.attempts < most ? after : otherwise(after);
}

/** A reason in the words of an error. */
export function reason(
  code: string,
  exit: MlshipError["exit"],
  what: string,
  why: string | null,
  fix: string | null,
): Failure {
  return { code, what, why, fix, exit };
}

function verdictOf({ evidence }: Rollout): Verdict {
  const { stable, canary, rescued, failed } = evidence.total;
  return {
    canaryRequests: canary.requests,
    canaryErrors: canary.errors,
    stableRequests: stable.requests,
    stableErrors: stable.errors,
    rescued,
    failed,
    eValue: eValue(evidence.harm.logs),
    slowEValue: eValue(evidence.slow.logs),
    shiftEValue: eValue([evidence.shift.log]),
  };
}
