// What a person sees of a rollout at one instant, made of its record alone: live, from another machine, in events.
import { z } from "zod";
import { bakeAlpha } from "../rollout/bake.ts";
import { excessToExclude } from "../rollout/evidence.ts";
import { harmAlpha } from "../rollout/harm.ts";
import { eValue } from "../rollout/odds.ts";
import { cleanRequestsNeeded, harmlessAlpha } from "../rollout/harmless.ts";
import { phases, type HoldCause, type Rollout } from "../rollout/record.ts";
import { shiftAlpha } from "../rollout/shift.ts";
import { slowAlpha } from "../rollout/slow.ts";

const count = z.number().nonnegative();
const share = z.number().min(0).max(1);
const counts = z.strictObject({ requests: count, errors: count });

/** Schema of the view. Shares and fractions are 0 to 1. */
export const rolloutViewSchema = z.strictObject({
  phase: z.enum(phases),
  /** Which step of the canary, from 1; null before the first and without steps. */
  step: z.strictObject({ at: z.int().positive(), of: z.int().positive() }).nullable(),
  /** Share that the canary is to have. */
  wanted: share,
  /** Share of the users' requests that reached it since it was set; null while none came. */
  measured: share.nullable(),
  /** Attempts at each side since the rollout began; since the promotion, while that is watched. */
  stable: counts,
  canary: counts,
  /** Attempts that the canary failed and stable answered. */
  rescued: count,
  /** Requests that users saw fail. */
  failed: count,
  /** Servers that pass their readiness probe; null while nothing was measured. */
  ready: z.strictObject({ stable: count, canary: count }).nullable(),
  /** Why the canary's servers cannot go on. */
  trouble: z.string().nullable(),
  /** What the step waits for; null while it does not wait. */
  waiting: z.string().nullable(),
  /** How far the evidence is on its way to let the share rise; null where nothing is judged. */
  toPass: share.nullable(),
  /** How far it is on its way to take the canary back. */
  toFail: share.nullable(),
  /** Seconds until the step can be decided, as requests come now; null when that cannot be said. */
  secondsLeft: count.nullable(),
});
export type RolloutView = z.infer<typeof rolloutViewSchema>;

/** Why a step takes longer than its interval. */
const waits: Record<HoldCause, string> = {
  evidence: "more requests are needed to decide",
  metrics: "waiting for the counters",
  split: "waiting for the split to be exact",
  "stable-down": "waiting for stable to come back",
  "canary-moving": "waiting for the canary's servers, which were moved",
  "stable-errors": "waiting, since stable fails as well",
  queries: "waiting for the queries' values",
};

/** The phases in which the canary has its share and is judged. */
const judged: ReadonlySet<string> = new Set(["set", "verify", "observe", "hold", "expand"]);
/** Those of them that wait for a verdict. */
const deciding: ReadonlySet<string> = new Set(["verify", "observe", "hold"]);

/** The view of a rollout as its record stands. */
export function viewOf(rollout: Rollout): RolloutView {
  const { phase, plan, evidence, share: wanted, hold } = rollout;
  const { last, step, total } = evidence;
  const isWatched = phase === "bake";
  // The full set comes up after the last pass: until then only what speaks against the canary counts.
  const toPass = isJudged(rollout) && phase !== "expand" ? passOf(rollout) : null;
  return {
    phase,
    step:
      rollout.step < 0 || plan.steps.length === 0 ? null : { at: rollout.step + 1, of: plan.steps.length },
    wanted,
    // Until the new share is in force, the split that was measured is that of the one before.
    measured: phase !== "set" && wanted > 0 && step.users > 0 ? Math.min(1, step.canary / step.users) : null,
    stable: isWatched ? evidence.bake.counts : total.stable,
    canary: total.canary,
    rescued: total.rescued,
    failed: total.failed,
    ready: last === null ? null : last.ready,
    trouble: last?.trouble ?? null,
    waiting: hold === null ? null : waits[hold.cause],
    toPass,
    toFail: failOf(rollout),
    secondsLeft: leftOf(rollout, toPass),
  };
}

function isJudged({ phase, share: wanted }: Rollout): boolean {
  return wanted > 0 && judged.has(phase);
}

/** The excess of errors that must be excluded before the next share. */
function excessOf({ plan, step }: Rollout): number {
  return excessToExclude(plan.maxHarm, plan.steps[step + 1] ?? 1);
}

/** Log e-value over what it must reach. */
function passOf(rollout: Rollout): number {
  const delta = excessOf(rollout);
  if (delta >= 1) return 1;
  const logs = rollout.evidence.harmless.filter((test) => test.delta <= delta).map(({ log }) => log);
  return within(Math.max(0, ...logs) / Math.log(1 / harmlessAlpha));
}

/** The same towards taking it back, of the test that is nearest to it: of the canary, and of the promoted version while it is watched. */
function failOf(rollout: Rollout): number | null {
  const { phase, evidence } = rollout;
  if (phase !== "bake" && !isJudged(rollout)) return null;
  if (phase === "bake") return towards(logOf(evidence.bake.logs), bakeAlpha);
  const { harm, slow, shift } = evidence;
  return Math.max(
    towards(logOf(harm.logs), harmAlpha),
    towards(logOf(slow.logs), slowAlpha),
    towards(shift.log, shiftAlpha),
  );
}

function logOf(logs: number[]): number {
  return logs.length === 0 ? 0 : Math.log(eValue(logs));
}

/** An e-value convicts at 1 / alpha. */
const towards = (log: number, alpha: number) => within(Math.max(0, log) / Math.log(1 / alpha));

function leftOf(rollout: Rollout, toPass: number | null): number | null {
  const { phase, plan, evidence, stepAt, bakeAt, volatile } = rollout;
  const now = volatile.elapsedMs;
  if (phase === "bake") return bakeAt === null ? null : seconds(plan.bakeMs - (now - bakeAt));
  if (toPass === null || stepAt === null || !deciding.has(phase)) return null;
  const elapsed = now - stepAt;
  const ofInterval = Math.max(0, plan.intervalMs - elapsed);
  if (toPass >= 1) return seconds(ofInterval);
  const missing = (1 - toPass) * cleanRequestsNeeded(excessOf(rollout));
  if (evidence.step.canary === 0 || elapsed <= 0) return null;
  return seconds(Math.max(ofInterval, missing / (evidence.step.canary / elapsed)));
}

const within = (fraction: number) => Math.min(1, Math.max(0, fraction));
const seconds = (ms: number) => Math.max(0, Math.ceil(ms / 1000));
