// mlship.plan/v1: what a rollout will do, decided before anything is done.
import { MlshipError } from "../errors.ts";
import type { Problem } from "../errors.ts";
import { digestDocument } from "../digest.ts";
import type { Digest } from "../digest.ts";
import { beginEvidence, excessToExclude } from "./evidence.ts";
import { cleanRequestsNeeded } from "./harmless.ts";
import { percent } from "./moves.ts";
import type { Holder, Revision } from "./ports.ts";
import type { Plan, Rollout } from "./record.ts";

/** What the project says about its rollouts. */
export interface RolloutValues {
  name: string;
  channel: string;
  /** Shares of the canary in percent, rising; 100 at the end may be left out. */
  steps: number[];
  intervalMs: number;
  /** Share of all requests that the rollout may spoil, 0 to 1. */
  maxHarm: number;
  holdMs: number;
  bakeMs: number;
  startTimeoutMs: number;
  /** Requests that come now, when known. */
  requestsPerSecond: number | null;
}

/** A rollout before it begins. */
export interface RolloutPlan {
  schema: "mlship.plan/v1";
  /** Over everything but itself. */
  digest: Digest;
  /** `none`: the revision serves already. `direct`: promoted without a canary. */
  kind: "none" | "first" | "direct" | "canary";
  name: string;
  channel: string;
  from: Revision | null;
  to: Revision;
  plan: Plan;
  /** What will be done, in words and in order. */
  steps: string[];
}

/**
 * Plans the way from what serves to a revision.
 * @throws MlshipError `rollout.plan`, exit 2, with every reason why the plan cannot work.
 */
export function planRollout(values: RolloutValues, to: Revision, from: Revision | null): RolloutPlan {
  const { name, channel, intervalMs, maxHarm, holdMs, bakeMs, startTimeoutMs } = values;
  const isNone = from?.id === to.id;
  const kind: RolloutPlan["kind"] = isNone
    ? "none"
    : from === null
      ? "first"
      : values.steps[0] === 100
        ? "direct"
        : "canary";
  const shares = values.steps.filter((step) => step < 100).map((step) => step / 100);
  const steps = kind === "canary" ? shares : [];
  const plan = { steps, intervalMs, maxHarm, holdMs, bakeMs, startTimeoutMs };
  const problems = [...findFaults(values), ...(kind === "canary" ? findStarvation(values, plan) : [])];
  if (problems.length > 0) {
    throw new MlshipError({
      code: "rollout.plan",
      what: "the rollout's plan cannot work",
      fix: "change `deploy.canary` in mlship.yaml",
      exit: "usage",
      problems,
    });
  }
  const words = kind === "none" ? [`nothing: ${to.version} serves already`] : tell(plan, to, from);
  const content = { schema: "mlship.plan/v1" as const, kind, name, channel, from, to, plan, steps: words };
  return { ...content, digest: digestDocument(content) };
}

/**
 * Plans the way back to a revision that served before: the same way, without a canary and without a
 * watch, since it has proved itself. It is started if it is not warm, checked with its golden rows,
 * promoted, and the other one is stopped.
 * @throws MlshipError as `planRollout`
 */
export function planRollback(values: RolloutValues, to: Revision, from: Revision | null): RolloutPlan {
  return planRollout({ ...values, steps: [100], bakeMs: 0 }, to, from);
}

/** The record that a driver begins with. */
export function beginRollout(
  { name, channel, from, to, plan }: RolloutPlan,
  { id, reason, holder, now }: { id: string; reason: string; holder: Holder; now: Date },
): Rollout {
  return {
    schema: "mlship.rollout/v1",
    id,
    name,
    channel,
    from,
    to,
    plan,
    reason,
    holder: { user: holder.user, host: holder.host, doing: holder.doing, epoch: 0 },
    phase: "idle",
    action: { do: "lock" },
    step: -1,
    share: 0,
    stepAt: null,
    hold: null,
    heldMs: 0,
    bakeAt: null,
    started: false,
    retired: false,
    attempts: 0,
    interrupted: false,
    golden: null,
    evidence: beginEvidence(plan),
    log: [],
    outcome: null,
    why: null,
    verdict: null,
    volatile: { startedAt: now.toISOString(), endedAt: null, elapsedMs: 0 },
  };
}

function findFaults({ steps, maxHarm, ...times }: RolloutValues): Problem[] {
  const problems: Problem[] = [];
  const fix = "give rising percentages above 0 and up to 100: [5, 25, 50]";
  if (steps.length === 0) problems.push({ what: "there is no step", fix });
  for (const [index, step] of steps.entries()) {
    if (!(step > 0 && step <= 100)) problems.push({ what: `step ${step} is not a share in percent`, fix });
    const before = steps[index - 1];
    if (before !== undefined && step <= before) {
      problems.push({ what: `step ${step} does not rise above ${before}`, fix });
    }
  }
  if (!(maxHarm > 0 && maxHarm < 1)) {
    problems.push({
      what: `maxHarm ${maxHarm} is not between 0 and 1`,
      fix: "0.01 allows 1 % of requests to suffer",
    });
  }
  const { intervalMs, holdMs, bakeMs, startTimeoutMs } = times;
  for (const [key, value] of Object.entries({ intervalMs, holdMs, bakeMs, startTimeoutMs })) {
    if (!Number.isFinite(value) || value < 0)
      problems.push({ what: `${key} is ${value}, which is no duration` });
  }
  return problems;
}

/** Steps that would run out of time before enough requests came to judge them. */
function findStarvation({ requestsPerSecond }: RolloutValues, plan: Plan): Problem[] {
  if (requestsPerSecond === null) return [];
  let gathered = 0;
  return plan.steps.flatMap((share, index) => {
    const needed = neededAfter(plan, index);
    const expected = ((plan.intervalMs + plan.holdMs) / 1000) * requestsPerSecond * share;
    const missing = needed - gathered;
    gathered = Math.max(gathered + (plan.intervalMs / 1000) * requestsPerSecond * share, needed);
    if (missing <= expected) return [];
    const what = `the step at ${percent(share)} needs ${Math.ceil(missing)} canary requests to be judged, and ${Math.floor(expected)} are to be expected in its time`;
    return [{ what, fix: "use larger steps or more time, or [100] to promote after the golden rows alone" }];
  });
}

/** Clean canary requests that must have been seen before the step after `index` may begin. */
function neededAfter(plan: Plan, index: number): number {
  return cleanRequestsNeeded(excessToExclude(plan.maxHarm, plan.steps[index + 1] ?? 1));
}

function tell(plan: Plan, to: Revision, from: Revision | null): string[] {
  const start = [
    `start ${to.version} without traffic`,
    `replay the golden rows through it and compare every answer`,
  ];
  if (from === null) return [...start, `let ${to.version} serve`];
  const canary = plan.steps.map(
    (share, index) =>
      `send it ${percent(share)} of requests for at least ${plan.intervalMs / 1000} s, until about ${neededAfter(plan, index)} of them succeeded`,
  );
  const bake = plan.bakeMs === 0 ? [] : [`keep ${from.version} warm for ${plan.bakeMs / 1000} s and watch`];
  return [
    ...start,
    ...canary,
    `let ${to.version} serve in place of ${from.version}`,
    ...bake,
    `stop ${from.version}`,
  ];
}
