// The rollout's state machine: a pure function from a record and an event to the next record.
import type { Event } from "./event.ts";
import { addScrape, addWatched, beginWatch, shareWasSet } from "./evidence.ts";
import { isBreached } from "./bake.ts";
import { findGoldenFault } from "./golden.ts";
import { explainHold, judge } from "./judge.ts";
import {
  abort,
  close,
  done,
  go,
  heldFor,
  hold,
  percent,
  reason,
  retry,
  setShare,
  stumble,
  unhold,
  write,
} from "./moves.ts";
import type { Measurement, Observed, Wish } from "./ports.ts";
import type { Action, Phase, Rollout } from "./record.ts";
import { undo } from "./undo.ts";

/** The record after an event, and the action that it now asks for; null when all is done. */
export interface Next {
  rollout: Rollout;
  action: Action | null;
}

/**
 * Moves a rollout on:
 * IDLE → LOCKED → PREFLIGHT → CANARY_UP (0 %) → GOLDEN → SET → VERIFY → OBSERVE … → PROMOTE →
 * DRAIN → BAKE → RETIRE → CLOSE → DONE, with HOLD between and ABORT from anywhere. Depends on its
 * arguments only, so a record read back from disk continues exactly as it would have. An event that
 * has no meaning in a phase changes nothing.
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
    return go({ ...done(rollout, event.at), started: true }, "canary-up", { do: "start" }, event.at);
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

function judgeGolden(rollout: Rollout, event: Event): Rollout {
  const { at } = event;
  if (event.type === "failed") return abort(rollout, "rolled-back", event.failure, at);
  if (event.type !== "golden") return rollout;
  const { rows, flips, maxDelta } = event.result;
  const tested = { ...rollout, golden: { rows, flips, maxDelta } };
  const fault = findGoldenFault(event.result);
  if (fault === null) return advance(done(tested, at), at);
  const what = `the canary of ${rollout.to.version} answers differently from the model that was validated`;
  const fix = "build the release again from the validated model; compare the libraries of both environments";
  return abort(tested, "rolled-back", reason("rollout.golden", "gate", what, fault, fix), at);
}

/** To the next share, or to PROMOTE after the last. */
function advance(rollout: Rollout, at: number): Rollout {
  const step = rollout.step + 1;
  const share = rollout.from === null ? undefined : rollout.plan.steps[step];
  const fresh = { ...rollout, hold: null, heldMs: 0, stepAt: null };
  if (share === undefined) return go(fresh, "promote", { do: "promote" }, at);
  return setShare({ ...fresh, step }, "set", share, at);
}

/** VERIFY, OBSERVE and HOLD: one scrape, or the lack of one. */
function watchCanary(rollout: Rollout, event: Event): Rollout {
  const { at } = event;
  if (event.type === "measured") return expire(weigh(rollout, event.measurement, at), at);
  if (event.type === "unmeasured") {
    const lost = rollout.evidence.lost + 1;
    const blind = { ...rollout, evidence: { ...rollout.evidence, lost } };
    return expire(lost < 3 ? blind : hold(blind, "metrics", at), at);
  }
  // In HOLD the share may have to be set again: its lease ran out while nobody could see.
  if (rollout.action?.do !== "set") return rollout;
  if (event.type === "acted") {
    const evidence = shareWasSet(rollout.evidence);
    return go({ ...done(rollout, at), evidence }, rollout.phase, { do: "measure" }, at);
  }
  if (event.type !== "failed") return rollout;
  return expire(go(stumble(rollout, event.failure, at), rollout.phase, { do: "measure" }, at), at);
}

function weigh(rollout: Rollout, measurement: Measurement, at: number): Rollout {
  const isOff = Math.abs(measurement.share - rollout.share) > 1e-3;
  const before = isOff ? { ...rollout.evidence, mixed: true } : rollout.evidence;
  const seen = { ...rollout, evidence: addScrape(before, measurement) };
  const judgement = judge(seen, at);
  if (judgement.is === "abort") return abort(seen, "rolled-back", judgement.why, at);
  if (judgement.is === "hold") {
    const held = hold(seen, judgement.cause, at);
    return judgement.cause === "split" && isOff ? setShare(held, "hold", rollout.share, at) : held;
  }
  const free = unhold(seen, at);
  if (judgement.is !== "pass") return go(free, judgement.is, { do: "measure" }, at);
  return advance(write(free, "observed", `pass at ${percent(rollout.share)}`, at), at);
}

/** A hold that used up the step's time ends the rollout. */
function expire(rollout: Rollout, at: number): Rollout {
  if (rollout.phase !== "hold" || rollout.hold === null) return rollout;
  if (heldFor(rollout, at) < rollout.plan.holdMs) return rollout;
  return abort(rollout, "inconclusive", explainHold(rollout, rollout.hold.cause), at);
}

/** DRAIN: the target, not the answer to the promotion, says whether it is in force. */
function confirmPromotion(rollout: Rollout, event: Event): Rollout {
  const { at } = event;
  if (event.type === "failed") {
    return retry(rollout, event.failure, 5, at, (tired) => go(tired, "drain", { do: "give-up" }, at));
  }
  if (event.type !== "read") return rollout;
  if (event.observed.stable?.id !== rollout.to.id) {
    const { attempts } = rollout;
    if (attempts < 3) return { ...go(rollout, "promote", { do: "promote" }, at), attempts };
    const what = `${rollout.to.version} could not be promoted`;
    const why = "the target still serves another revision after three attempts";
    return abort(rollout, "failed", reason("rollout.not-promoted", "unavailable", what, why, null), at);
  }
  const serving = write({ ...rollout, share: 0 }, "observed", `${rollout.to.version} serves`, at);
  if (rollout.from === null) return close(serving, "promoted", null, at);
  if (rollout.plan.bakeMs === 0 || rollout.interrupted) return retireFrom(serving, at);
  const evidence = beginWatch(serving.evidence);
  return go({ ...serving, evidence, bakeAt: at }, "bake", { do: "measure" }, at);
}

/** BAKE: the new stable revision against what stable was before. */
function watchPromoted(rollout: Rollout, event: Event): Rollout {
  const { at } = event;
  const { bakeMs, holdMs, maxHarm } = rollout.plan;
  const elapsed = at - (rollout.bakeAt ?? at);
  if (event.type === "unmeasured") {
    const evidence = { ...rollout.evidence, lost: rollout.evidence.lost + 1 };
    const blind = { ...rollout, evidence };
    if (elapsed < bakeMs + holdMs) return blind;
    return retireFrom(write(blind, "observed", "the counters could not be read: watching ended", at), at);
  }
  if (event.type !== "measured") return rollout;
  const evidence = addWatched(rollout.evidence, event.measurement, maxHarm);
  const seen = { ...rollout, evidence };
  const { counts } = evidence.bake;
  const what = `${rollout.to.version} failed after its promotion`;
  const fix = "read its log, fix the model or its handler, and deploy a new version";
  if (isBreached(evidence.bake)) {
    const why = `${counts.errors} of ${counts.requests} requests failed, ${percent(evidence.bake.baseline)} before`;
    return abort(seen, "rolled-back", reason("rollout.bake", "gate", what, why, fix), at);
  }
  if (evidence.unready.stable >= 2) {
    const why = "none of its servers passed the readiness probe twice in a row";
    return abort(seen, "rolled-back", reason("rollout.bake", "gate", what, why, fix), at);
  }
  return elapsed < bakeMs || evidence.unready.stable > 0 ? seen : retireFrom(seen, at);
}

function retireFrom(rollout: Rollout, at: number): Rollout {
  return go(rollout, "retire", { do: "retire", which: "from" }, at);
}

/** A person's decision; it is logged as one. */
function onWish(rollout: Rollout, wish: Wish, at: number): Rollout {
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
function onInterrupt(rollout: Rollout, at: number): Rollout {
  const { phase } = rollout;
  if (phase === "abort" || phase === "close") return rollout;
  if (phase === "bake") return retireFrom({ ...rollout, interrupted: true }, at);
  if (phase === "drain" || phase === "retire") return { ...rollout, interrupted: true };
  return abort({ ...rollout, interrupted: true }, "interrupted", interruption(rollout, "interrupted"), at);
}

/** The driver died: a promotion in force is finished, anything else is taken back. */
function onRecovery(rollout: Rollout, observed: Observed, at: number): Rollout {
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
