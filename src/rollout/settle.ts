// After PROMOTE: whether it is in force, the watch over it, and the end of the revision before.
import { isBreached } from "./bake.ts";
import type { Event } from "./event.ts";
import { addWatched, beginWatch } from "./evidence.ts";
import { abort, close, go, percent, reason, retry, write } from "./moves.ts";
import type { Rollout } from "./record.ts";

/** DRAIN: the target, not the answer to the promotion, says whether it is in force. */
export function confirmPromotion(rollout: Rollout, event: Event): Rollout {
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
export function watchPromoted(rollout: Rollout, event: Event): Rollout {
  const { at } = event;
  const { bakeMs, holdMs, maxHarm } = rollout.plan;
  const elapsed = at - (rollout.bakeAt ?? at);
  if (event.type === "unmeasured") {
    const evidence = { ...rollout.evidence, lost: rollout.evidence.lost + 1 };
    const blind = { ...rollout, evidence };
    if (elapsed < bakeMs + holdMs) return blind;
    return retireFrom(write(blind, "observed", "the counters could not be read: watching ended", at), at);
  }
  if (event.type === "failed") return abort(rollout, "failed", event.failure, at);
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

/** The revision before is not needed any more. */
export function retireFrom(rollout: Rollout, at: number): Rollout {
  return go(rollout, "retire", { do: "retire", which: "from" }, at);
}
