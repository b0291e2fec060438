// What breaks into a rollout from outside: a person's wish, Ctrl-C, a driver that died.
import { advance } from "./advance.ts";
import { abort, close, go, reason, write } from "./moves.ts";
import type { Observed, Wish } from "./ports.ts";
import type { Rollout } from "./record.ts";
import { retireFrom } from "./settle.ts";

/** A person's decision; it is logged as one. */
export function onWish(rollout: Rollout, wish: Wish, at: number): Rollout {
  const noted = write(rollout, "observed", `a person asked to ${wish}`, at);
  if (wish === "abort") {
    if (rollout.phase === "abort" || rollout.phase === "close") return noted;
    const what = `the rollout of ${rollout.to.version} was aborted by a person`;
    return abort(noted, "rolled-back", reason("rollout.aborted", "gate", what, null, null), at);
  }
  if (rollout.phase === "bake") return retireFrom(noted, at);
  const isStep = rollout.phase === "verify" || rollout.phase === "observe" || rollout.phase === "hold";
  return isStep ? advance(noted, at) : noted;
}

/** Ctrl-C: before the promotion is in force all is taken back, after it the watch is cut short. */
export function onInterrupt(rollout: Rollout, at: number): Rollout {
  const { phase } = rollout;
  if (phase === "abort" || phase === "close") return rollout;
  if (phase === "bake") return retireFrom({ ...rollout, interrupted: true }, at);
  if (phase === "drain" || phase === "retire") return { ...rollout, interrupted: true };
  return abort({ ...rollout, interrupted: true }, "interrupted", interruption(rollout, "interrupted"), at);
}

/** The driver died: a promotion in force is finished, anything else is taken back. */
export function onRecovery(rollout: Rollout, observed: Observed, at: number): Rollout {
  const { phase, from, to } = rollout;
  if (phase === "close") return go(rollout, "close", { do: "ledger" }, at);
  if (phase === "abort") return { ...go(rollout, "abort", { do: "read" }, at), attempts: 0 };
  if (observed.stable?.id === to.id) {
    const unwatched = from !== null && rollout.plan.bakeMs > 0 && phase !== "retire";
    const what = `${to.version} was already promoted${unwatched ? "; the watch over it ended early" : ""}`;
    const kept = write({ ...rollout, share: 0 }, "observed", what, at);
    return from === null ? close(kept, "promoted", null, at) : retireFrom(kept, at);
  }
  return abort(rollout, "interrupted", interruption(rollout, "left by its driver"), at);
}

function interruption(rollout: Rollout, how: string) {
  const what = `the rollout of ${rollout.to.version} was ${how} and taken back`;
  const fix = "run `mlship deploy` again: it begins a new rollout of the same release";
  return reason("rollout.interrupted", "interrupted", what, null, fix);
}
