// ABORT: takes a rollout back, one read of the target at a time, until nothing of it is left.
import { addLastLook } from "./evidence.ts";
import type { Event } from "./event.ts";
import { close, done, fallBack, go, reason, stumble, write } from "./moves.ts";
import type { Observed } from "./ports.ts";
import type { Rollout } from "./record.ts";

/** Reads of a target that still shows something to take back, and failures, before a person is asked. */
const patience = 12;

/**
 * The record after an event in ABORT. The target is trusted over the record: every step is followed
 * by a read, which decides the next. Traffic is off before servers go (a weighted backend without
 * ready servers answers 503 for its share), and what serves is never retired.
 */
export function undo(rollout: Rollout, event: Event): Rollout {
  const { at } = event;
  const { action } = rollout;
  if (event.type === "acted" && action?.do === "fallback") {
    return go(done({ ...rollout, share: 0 }, at), "abort", { do: "measure" }, at);
  }
  if (event.type === "acted" && action?.do === "retire") {
    return go(done({ ...rollout, retired: true }, at), "abort", { do: "read" }, at);
  }
  if (event.type === "acted") return go(done(rollout, at), "abort", { do: "read" }, at);
  if (event.type === "measured") {
    const evidence = addLastLook(rollout.evidence, event.measurement);
    return go({ ...rollout, evidence }, "abort", { do: "read" }, at);
  }
  if (event.type === "unmeasured") return go(rollout, "abort", { do: "read" }, at);
  if (event.type === "failed") {
    return withPatience(stumble(rollout, event.failure, at), at, (tired) =>
      go(tired, "abort", { do: "read" }, at),
    );
  }
  return event.type === "read" ? undoWhatIsSeen(rollout, event.observed, at) : rollout;
}

function undoWhatIsSeen(rollout: Rollout, seen: Observed, at: number): Rollout {
  const { from, to } = rollout;
  if (seen.stable?.id === to.id) {
    if (from === null) {
      const kept = write(rollout, "observed", "kept: there is no revision to go back to", at);
      return close(kept, "promoted", null, at);
    }
    return again({ ...rollout, retired: false }, at, (next) => go(next, "abort", { do: "revert" }, at));
  }
  if (seen.share > 0) return again(rollout, at, (next) => fallBack(next, at));
  if (!rollout.retired || seen.canary?.id === to.id || seen.previous?.id === to.id) {
    return again(rollout, at, (next) => go(next, "abort", { do: "retire", which: "to" }, at));
  }
  if (seen.stable?.id === from?.id) return close(rollout, rollout.outcome ?? "failed", rollout.why, at);
  if (rollout.why?.code === "rollout.moved") return close(rollout, "failed", rollout.why, at);
  const what = "another revision serves than the one before this rollout";
  const fix = "see `mlship status`, then `mlship rollback` to the version that should serve";
  const why = `expected ${from?.id ?? "none"}, found ${seen.stable?.id ?? "none"}`;
  return close(rollout, "failed", reason("rollout.moved", "attention", what, why, fix), at);
}

function again(rollout: Rollout, at: number, move: (rollout: Rollout) => Rollout): Rollout {
  return withPatience({ ...rollout, attempts: rollout.attempts + 1 }, at, move);
}

function withPatience(rollout: Rollout, at: number, move: (rollout: Rollout) => Rollout): Rollout {
  return rollout.attempts < patience ? move(rollout) : go(rollout, "abort", { do: "give-up" }, at);
}
