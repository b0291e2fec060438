// The way forward: from GOLDEN to the next share, to the full set, to PROMOTE.
import type { Event } from "./event.ts";
import { findGoldenFault } from "./golden.ts";
import { abort, done, go, reason, setShare } from "./moves.ts";
import type { Rollout } from "./record.ts";

/** GOLDEN: the canary before its first request, and the full set before all of them. */
export function judgeGolden(rollout: Rollout, event: Event): Rollout {
  const { at } = event;
  if (event.type === "failed") return abort(rollout, "rolled-back", event.failure, at);
  if (event.type !== "golden") return rollout;
  const { rows, flips, maxDelta } = event.result;
  const tested = { ...rollout, golden: { rows, flips, maxDelta } };
  const fault = findGoldenFault(event.result);
  if (fault === null) return advance(done(tested, at), at);
  const what = `${rollout.to.version} answers differently from the model that was validated`;
  const fix = "build the release again from the validated model; compare the libraries of both environments";
  return abort(tested, "rolled-back", reason("rollout.golden", "gate", what, fault, fix), at);
}

/** To the next share; after the last, or without any, to the full set; and once that is proven to PROMOTE. */
export function advance(rollout: Rollout, at: number): Rollout {
  const step = rollout.step + 1;
  const share = rollout.from === null ? undefined : rollout.plan.steps[step];
  const fresh = { ...rollout, hold: null, heldMs: 0, stepAt: null };
  if (rollout.expandAt !== null) return go(fresh, "promote", { do: "promote" }, at);
  if (share === undefined) return go({ ...fresh, expandAt: at }, "expand", { do: "expand" }, at);
  return setShare({ ...fresh, step }, "set", share, at);
}
