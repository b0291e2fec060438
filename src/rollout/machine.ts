// The rollout's state machine: a pure function from a record and an event to the next record.
import { advance, judgeGolden } from "./advance.ts";
import type { Event } from "./event.ts";
import { shareWasSet } from "./evidence.ts";
import { watchExpansion } from "./expand.ts";
import { onInterrupt, onRecovery, onWish } from "./interventions.ts";
import { abort, close, done, go, reason, retry, stumble, write } from "./moves.ts";
import { watchCanary } from "./observe.ts";
import type { Action, Phase, Rollout } from "./record.ts";
import { confirmPromotion, watchPromoted } from "./settle.ts";
import { undo } from "./undo.ts";

/** The record after an event, and the action that it now asks for; null when all is done. */
export interface Next {
  rollout: Rollout;
  action: Action | null;
}

/**
 * Moves a rollout on:
 * IDLE → LOCKED → PREFLIGHT → CANARY_UP (0 %) → GOLDEN → SET → VERIFY → OBSERVE … → EXPAND → GOLDEN →
 * PROMOTE → DRAIN → BAKE → RETIRE → CLOSE → DONE, with HOLD between and ABORT from anywhere; without
 * steps PREFLIGHT → EXPAND → GOLDEN → PROMOTE. Depends on its arguments only, so a record read back
 * from disk continues exactly as it would have. An event that has no meaning in a phase changes nothing.
 */
export function next(rollout: Rollout, event: Event): Next {
  if (event.type === "lock-lost") return { rollout, action: { do: "stop" } };
  const after = move(rollout, event);
  return { rollout: after, action: after.action };
}

function move(rollout: Rollout, event: Event): Rollout {
  if (rollout.phase === "done") return rollout;
  if (event.type === "wish") return onWish(rollout, event.wish, event.at);
  if (event.type === "interrupted") return onInterrupt(rollout, event.at);
  if (event.type === "recovered") return onRecovery(rollout, event.observed, event.at);
  return inPhase[rollout.phase](rollout, event);
}

const inPhase: Record<Phase, (rollout: Rollout, event: Event) => Rollout> = {
  idle: (rollout, { type, at }) => (type === "locked" ? go(rollout, "locked", { do: "read" }, at) : rollout),
  locked: checkPlace,
  preflight(rollout, event) {
    if (event.type === "failed") return close(rollout, "failed", event.failure, event.at);
    if (event.type !== "acted") return rollout;
    const started = { ...done(rollout, event.at), started: true };
    return rollout.from === null || rollout.plan.steps.length === 0
      ? advance(started, event.at)
      : go(started, "canary-up", { do: "start" }, event.at);
  },
  "canary-up"(rollout, event) {
    if (event.type === "failed") {
      const outcome = event.failure.exit === "gate" ? "rolled-back" : "failed";
      return abort(rollout, outcome, event.failure, event.at);
    }
    return event.type === "acted"
      ? go(done(rollout, event.at), "golden", { do: "golden" }, event.at)
      : rollout;
  },
  golden: judgeGolden,
  set(rollout, event) {
    const { at } = event;
    if (event.type === "acted") {
      const evidence = shareWasSet(rollout.evidence);
      return go({ ...done(rollout, at), evidence, stepAt: at }, "verify", { do: "measure" }, at);
    }
    if (event.type !== "failed") return rollout;
    return retry(rollout, event.failure, 3, at, (tired) => abort(tired, "failed", event.failure, at));
  },
  verify: watchCanary,
  observe: watchCanary,
  hold: watchCanary,
  expand: watchExpansion,
  promote(rollout, event) {
    const { at } = event;
    if (event.type !== "acted" && event.type !== "failed") return rollout;
    // It may have been done although it failed: what the target runs decides.
    const attempts = rollout.attempts + 1;
    const after = event.type === "acted" ? done(rollout, at) : stumble(rollout, event.failure, at);
    return { ...go(after, "drain", { do: "read" }, at), attempts };
  },
  drain: confirmPromotion,
  bake: watchPromoted,
  retire(rollout, event) {
    const { at } = event;
    if (event.type === "acted") return close(done(rollout, at), "promoted", null, at);
    if (event.type !== "failed") return rollout;
    return retry(rollout, event.failure, 3, at, (tired) => {
      const left = `${rollout.from?.version ?? "the revision before"} is still warm`;
      return close(write(tired, "observed", left, at), "promoted", null, at);
    });
  },
  abort: undo,
  close(rollout, event) {
    const { at } = event;
    if (event.type === "acted") return { ...done(rollout, at), phase: "done", action: null };
    if (event.type !== "failed") return rollout;
    return retry(rollout, event.failure, 3, at, (tired) => go(tired, "close", { do: "give-up" }, at));
  },
  done: (rollout) => rollout,
};

/** LOCKED: the target must still be as it was when the plan was made. */
function checkPlace(rollout: Rollout, event: Event): Rollout {
  const { at } = event;
  if (event.type === "failed") {
    return retry(rollout, event.failure, 3, at, (tired) => close(tired, "failed", event.failure, at));
  }
  if (event.type !== "read") return rollout;
  const { stable, canary } = event.observed;
  const isAsPlanned = stable?.id === rollout.from?.id && (canary === null || canary.id === rollout.to.id);
  if (isAsPlanned) return go(rollout, "preflight", { do: "preflight" }, at);
  const why = `${rollout.from?.id ?? "nothing"} was to be followed, but ${stable?.id ?? "nothing"} serves${canary === null ? "" : ` and ${canary.id} is a canary`}`;
  const fix = "run the command again: it plans from what serves now";
  return close(
    rollout,
    "failed",
    reason("rollout.moved", "attention", "the target changed after the plan was made", why, fix),
    at,
  );
}
