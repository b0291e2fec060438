// OBSERVE: what the evidence of a step amounts to, now.
import { excessToExclude, excludes, stableFails } from "./evidence.ts";
import { cleanRequestsNeeded, harmlessAlpha } from "./harmless.ts";
import { isHarmful } from "./harm.ts";
import { percent, reason } from "./moves.ts";
import type { Failure, HoldCause, Rollout } from "./record.ts";
import { isPerhapsTooSlow, isTooSlow, worstThreshold } from "./slow.ts";
import { isPerhapsShifted, isShifted, recentShift } from "./shift.ts";
import { compareSplit, isInForce } from "./split.ts";
import { findOpenQuery, findQueryBreach } from "./watched-queries.ts";

/** `abort`: the canary is bad. `hold`: cannot be judged now. `pass`: the next share is safe. */
export type Judgement =
  | { is: "abort"; why: Failure }
  | { is: "hold"; cause: HoldCause }
  | { is: "verify" | "observe" | "pass" };

/** The share after this step: 1 after the last. */
function nextShare(rollout: Rollout): number {
  return rollout.plan.steps[rollout.step + 1] ?? 1;
}

/** Why the canary is bad, by everything seen so far; null while that is not shown. */
export function findBreach(rollout: Rollout): Failure | null {
  const { evidence } = rollout;
  const trouble = evidence.last?.trouble ?? null;
  if (trouble !== null) return troubled(rollout, trouble);
  if (isHarmful(evidence.harm, evidence.total.canary.errors)) return harmful(rollout);
  if (isTooSlow(evidence.slow)) return tooSlow(rollout);
  if (isShifted(evidence.shift)) return shifted(rollout);
  const beyond = findQueryBreach(rollout.plan.queries ?? [], evidence.queries ?? []);
  if (beyond !== null) return outOfBounds(rollout, beyond);
  // Where stable has no server either, or others took its servers, the canary is not to blame.
  const isBlamed = evidence.unready.stable < 2 && evidence.last?.moving !== true;
  return isBlamed && evidence.unready.canary >= 2 ? canaryDown(rollout) : null;
}

/** Judges a step by everything seen so far. A canary is judged bad before anything else is asked. */
export function judge(rollout: Rollout, at: number): Judgement {
  const { evidence, plan, share } = rollout;
  const why = findBreach(rollout);
  if (why !== null) return { is: "abort", why };
  if (evidence.unready.stable >= 2) return { is: "hold", cause: "stable-down" };
  if (evidence.unready.canary >= 2) return { is: "hold", cause: "canary-moving" };
  const set = evidence.last?.share ?? share;
  if (!isInForce(share, set)) return { is: "hold", cause: "split" };
  if (stableFails(evidence, rollout.hold?.cause === "stable-errors")) {
    return { is: "hold", cause: "stable-errors" };
  }
  const split = compareSplit(evidence.step.users, evidence.step.canary, set);
  if (split === "wrong") return { is: "hold", cause: "split" };
  const isOver = at - (rollout.stepAt ?? at) >= plan.intervalMs;
  if (split === "too-few") return isOver ? { is: "hold", cause: "evidence" } : { is: "verify" };
  if (!isOver || evidence.unready.canary > 0) return { is: "observe" };
  const isSafe = excludes(evidence, excessToExclude(plan.maxHarm, nextShare(rollout)));
  if (!isSafe || findDoubt(rollout) !== null) return { is: "hold", cause: "evidence" };
  return findOpen(rollout) === null ? { is: "pass" } : { is: "hold", cause: "queries" };
}

/** Why the plan's queries do not let the step pass. */
function findOpen({ evidence, plan, step }: Rollout): string | null {
  return findOpenQuery(plan.queries ?? [], evidence.queries ?? [], step);
}

/**
 * Why the canary seems bad in durations or answers although that is not shown yet; null when it does not.
 * That errors are few is known sooner than these tests can speak: without this a canary that answers
 * everything the same would pass a short step.
 */
export function findDoubt({ evidence, plan }: Rollout): string | null {
  if (isPerhapsShifted(evidence.shift, plan.maxShift)) {
    return `${percent(nearly(recentShift(evidence.shift) ?? 0))} of its answers seem to be others than stable's`;
  }
  return isPerhapsTooSlow(evidence.slow) ? "it seems to be slower than stable" : null;
}

/** Why a step that waited to its deadline is inconclusive, and what a person can do. */
export function explainHold(rollout: Rollout, cause: HoldCause): Failure {
  const { evidence, plan, share } = rollout;
  const delta = excessToExclude(plan.maxHarm, nextShare(rollout));
  const step = evidence.step;
  const { requests, errors } = evidence.total.canary;
  const doubt = findDoubt(rollout);
  const because: Record<HoldCause, [why: string, fix: string]> = {
    evidence:
      doubt === null
        ? [
            `the canary answered ${requests} requests (${errors} errors); about ${cleanRequestsNeeded(delta)} without an error are needed to exclude ${percent(delta)} more errors with ${percent(1 - harmlessAlpha)} confidence`,
            "send more traffic, allow more time or a larger first step, or move it on yourself with `mlship promote`",
          ]
        : [
            `${doubt}, and the time was up before that was certain`,
            "compare both versions' answers and durations, allow more time, or move it on yourself with `mlship promote`",
          ],
    metrics: ["the counters could not be read", "see `mlship status`, then deploy again"],
    split: [
      `${percent(share)} were set, ${step.canary} of ${step.users} requests reached the canary`,
      "check what else changes the split of this target, then deploy again",
    ],
    "stable-down": [
      "no server of the stable revision was ready, so there was nothing to compare with",
      "see `mlship status` for the stable revision, then deploy again",
    ],
    "canary-moving": [
      "its servers were taken away by something else, and others did not become ready in their place",
      "see `mlship status` for what its servers wait for, then deploy again",
    ],
    queries: [
      findOpen(rollout) ?? "the queries of `deploy.canary.prometheus` were not answered in time",
      "see that each query gives one number within its bounds, then deploy again, or move it on yourself with `mlship promote`",
    ],
    "stable-errors": [
      `the stable revision itself failed ${evidence.total.stable.errors} of ${evidence.total.stable.requests} requests`,
      "find what both revisions depend on, then deploy again; `mlship promote` moves a canary on regardless",
    ],
  };
  const [why, fix] = because[cause];
  const what = `the canary of ${rollout.to.version} stayed inconclusive at ${percent(share)}; nothing was promoted`;
  return reason("rollout.inconclusive", "inconclusive", what, why, fix);
}

function harmful({ evidence, to }: Rollout): Failure {
  const { canary, stable, rescued, failed } = evidence.total;
  return reason(
    "rollout.harmful",
    "gate",
    `the canary of ${to.version} failed too often`,
    `${canary.errors} of ${canary.requests} canary requests failed, ${stable.errors} of ${stable.requests} on stable; stable answered ${rescued} requests in its place, ${failed} failed for users`,
    "correct the model or its handler, raise the version and deploy again",
  );
}

function canaryDown({ to }: Rollout): Failure {
  return reason(
    "rollout.canary-down",
    "gate",
    `the canary of ${to.version} stopped being ready`,
    "none of its servers passed the readiness probe twice in a row",
    "read its log, fix the model or its resources, and deploy a new version",
  );
}

function troubled({ to }: Rollout, trouble: string): Failure {
  return reason(
    "rollout.canary-trouble",
    "gate",
    `the canary of ${to.version} cannot go on`,
    trouble,
    "fix the model or its resources, and deploy a new version",
  );
}

function tooSlow({ evidence, to }: Rollout): Failure {
  const worst = worstThreshold(evidence.slow);
  const tell = (side: "canary" | "stable") => {
    const { slow, counted } = worst?.[side] ?? { slow: 0, counted: 0 };
    return `${slow} of ${counted} requests took longer than ${seconds(worst?.limits?.[side] ?? 0)}`;
  };
  return reason(
    "rollout.slow",
    "gate",
    `the canary of ${to.version} is too slow`,
    `${tell("canary")}, on stable ${tell("stable")}`,
    "make the model or its handler faster, give it more cpu, or raise `deploy.canary.maxSlowdown`",
  );
}

function shifted({ evidence, plan, to }: Rollout): Failure {
  const shift = nearly(recentShift(evidence.shift) ?? 0);
  return reason(
    "rollout.shifted",
    "gate",
    `the canary of ${to.version} answers differently from stable`,
    `over the same minutes ${percent(shift)} of its answers are others, more than ${percent(plan.maxShift)}`,
    "check the model; raise `deploy.canary.maxShift` when it is meant to answer otherwise",
  );
}

function outOfBounds({ to }: Rollout, why: string): Failure {
  return reason(
    "rollout.metric",
    "gate",
    `the canary of ${to.version} left the bounds of a query`,
    why,
    "correct the model, or the query and its bounds in `deploy.canary.prometheus`",
  );
}

/** As exact as so few answers can tell. */
function nearly(share: number): number {
  return Number(share.toFixed(2));
}

function seconds(value: number): string {
  return value < 1 ? `${Number((value * 1000).toFixed(1))} ms` : `${value} s`;
}
