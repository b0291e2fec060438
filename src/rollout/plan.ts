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
import { isInForce } from "./split.ts";
import { fillQuery, type WatchedQuery } from "./watched-queries.ts";

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
  /** `blue-green`: the full set is proven without traffic, then everything switches at once. */
  strategy: "canary" | "blue-green";
  /** What the canary is taken back for: see `Plan`. */
  maxSlowdown: number;
  maxShift: number;
  /** Shares that the target's split can give, 0 to 1 and rising; null when it can give any. */
  reachable: number[] | null;
  /** Requests that come now, at the most; null when that is not known. */
  requestsPerSecond: number | null;
  /** Queries to be watched, placeholders and all, and the namespace that these may name. */
  watched?: { queries: WatchedQuery[]; namespace: string } | undefined;
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
  const { name, channel } = values;
  const kind = from?.id === to.id ? "none" : wayOf(values, from);
  const plan = { ...refuseImpossible(values, kind), ...queriesOf(values, kind, to, from) };
  const words = kind === "none" ? [`nothing: ${to.version} serves already`] : tell(plan, to, from);
  const content = { schema: "mlship.plan/v1" as const, kind, name, channel, from, to, plan, steps: words };
  return { ...content, digest: digestDocument(content) };
}

/** How a revision that does not serve yet takes over from the one that does. */
export function wayOf({ strategy, steps }: RolloutValues, from: Revision | null): RolloutPlan["kind"] {
  if (from === null) return "first";
  return strategy === "blue-green" || steps[0] === 100 ? "direct" : "canary";
}

/**
 * What would be done on this way.
 * @throws MlshipError `rollout.plan`, exit 2, with every reason why that cannot work.
 */
export function refuseImpossible(values: RolloutValues, kind: RolloutPlan["kind"]): Plan {
  const { intervalMs, maxHarm, maxSlowdown, maxShift, holdMs, bakeMs, startTimeoutMs } = values;
  const shares = values.steps.filter((step) => step < 100).map((step) => step / 100);
  const steps = kind === "canary" ? shares : [];
  const plan = { steps, intervalMs, maxHarm, maxSlowdown, maxShift, holdMs, bakeMs, startTimeoutMs };
  const starving = kind === "canary" ? findStarvation(values, plan) : [];
  const problems = [...findFaults(values), ...findUnreachable(values, steps), ...starving];
  if (problems.length === 0) return plan;
  const rate = Number((values.requestsPerSecond ?? 0).toPrecision(2));
  throw new MlshipError({
    code: "rollout.plan",
    what: "the rollout's plan cannot work",
    ...(starving.length > 0 && { why: `users send at most ${rate} requests in a second now` }),
    fix: "change `deploy.canary` in mlship.yaml",
    exit: "usage",
    problems,
  });
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
    expandAt: null,
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

/** The queries of a way with a canary, filled. */
function queriesOf(
  { watched }: RolloutValues,
  kind: RolloutPlan["kind"],
  canary: Revision,
  stable: Revision | null,
): Pick<Plan, "queries"> {
  if (watched === undefined || kind !== "canary" || stable === null) return {};
  const { namespace, queries } = watched;
  return {
    queries: queries.map((one) => ({ ...one, query: fillQuery(one.query, { canary, stable, namespace }) })),
  };
}

function findFaults({ steps, maxHarm, maxSlowdown, maxShift, ...times }: RolloutValues): Problem[] {
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
  if (!(maxSlowdown > 1)) {
    problems.push({
      what: `maxSlowdown ${maxSlowdown} is not above 1`,
      fix: "2 allows less than twice as slow",
    });
  }
  if (!(maxShift > 0 && maxShift <= 1)) {
    problems.push({
      what: `maxShift ${maxShift} is not between 0 and 1`,
      fix: "0.3 lets 30 % of the answers change",
    });
  }
  const { intervalMs, holdMs, bakeMs, startTimeoutMs } = times;
  for (const [key, value] of Object.entries({ intervalMs, holdMs, bakeMs, startTimeoutMs })) {
    if (!Number.isFinite(value) || value < 0)
      problems.push({ what: `${key} is ${value}, which is no duration` });
  }
  return problems;
}

/** Shares that the split cannot give. */
function findUnreachable({ reachable }: RolloutValues, steps: number[]): Problem[] {
  if (reachable === null) return [];
  return steps
    .filter((step) => !reachable.some((share) => isInForce(step, share)))
    .map((step) => ({
      what: `${percent(step)} of requests cannot be sent to the canary with what serves now`,
      fix: `use shares among ${reachable.slice(0, 8).map(percent).join(", ")}, more replicas, or \`split: router\``,
    }));
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
  const prove = "replay the golden rows through it and compare every answer";
  const whole = [`start all servers of ${to.version} without traffic`, prove];
  if (from === null) return [...whole, `let ${to.version} serve`];
  const names = plan.queries?.map(({ name }) => name).join(", ");
  const kept = names === undefined ? "" : `, while ${names} keep their bounds`;
  const canary = plan.steps.map(
    (share, index) =>
      `send it ${percent(share)} of requests for at least ${plan.intervalMs / 1000} s, until about ${neededAfter(plan, index)} of them succeeded${kept}`,
  );
  const tried = canary.length === 0 ? [] : [`start ${to.version} without traffic`, prove, ...canary];
  const bake = plan.bakeMs === 0 ? [] : [`keep ${from.version} warm for ${plan.bakeMs / 1000} s and watch`];
  const switched = `let ${to.version} serve in place of ${from.version}`;
  return [...tried, ...whole, switched, ...bake, `stop ${from.version}`];
}
