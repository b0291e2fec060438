// Everything that the scrapes of a rollout add up to, and nothing that grows with their number.
import { addToBake, beginBake } from "./bake.ts";
import { addToHarm, beginHarm } from "./harm.ts";
import { expectedRate, isHarmless, logHarmless } from "./harmless.ts";
import { add, incrementBetween } from "./increment.ts";
import type { Increment } from "./increment.ts";
import type { Counts, Measurement } from "./ports.ts";
import type { Evidence } from "./evidence-record.ts";
import type { Plan } from "./record.ts";
import { addToShift, beginShift } from "./shift.ts";
import { addToSlow, beginSlow } from "./slow.ts";

const none: Counts = { requests: 0, errors: 0 };

/**
 * The excess error rate that must be excluded before the canary's share rises to `share`, so that
 * it can spoil at most `maxHarm` of all requests there.
 */
export function excessToExclude(maxHarm: number, share: number): number {
  return Math.min(1, maxHarm / share);
}

/** No evidence yet, with one PASS test for every share that the plan goes to after its first. */
export function beginEvidence(plan: Plan): Evidence {
  return {
    last: null,
    mixed: false,
    scrapes: 0,
    dropped: 0,
    total: { stable: none, canary: none, rescued: 0, failed: 0 },
    step: { users: 0, canary: 0 },
    recent: none,
    harm: beginHarm(),
    slow: beginSlow(),
    shift: beginShift(),
    harmless: [...plan.steps.slice(1), 1].map((share) => ({
      delta: excessToExclude(plan.maxHarm, share),
      log: 0,
    })),
    bake: beginBake(none),
    unready: { stable: 0, canary: 0 },
    lost: 0,
  };
}

/** The share was set: the interval in progress is a mixture, and the split is measured anew. */
export function shareWasSet(evidence: Evidence): Evidence {
  return { ...evidence, mixed: true, step: { users: 0, canary: 0 } };
}

/** Adds what was counted since the last scrape, while both sides serve. */
export function addScrape(evidence: Evidence, now: Measurement, plan: Plan): Evidence {
  const [seen, increment] = look(evidence, now);
  if (increment === null || evidence.mixed) return seen;
  const { stable, canary, rescued } = increment;
  const rate = expectedRate(evidence.recent);
  // Decided by earlier scrapes alone: leaving a scrape out for what it shows would bias the test.
  const frozen = stableFails(evidence, false);
  // What stable's servers say of themselves says little while some of them are gone.
  const isBlurred = frozen || evidence.unready.stable > 0;
  const { served } = increment;
  return {
    ...seen,
    scrapes: evidence.scrapes + 1,
    step: {
      users: evidence.step.users + Math.max(0, stable.requests + canary.requests - rescued),
      canary: evidence.step.canary + canary.requests,
    },
    recent: {
      requests: evidence.recent.requests * 0.9 + stable.requests,
      errors: evidence.recent.errors * 0.9 + stable.errors,
    },
    harm: addToHarm(evidence.harm, increment),
    slow: served === null ? seen.slow : addToSlow(evidence.slow, served, plan.maxSlowdown, isBlurred),
    shift: served === null ? seen.shift : addToShift(evidence.shift, served, plan.maxShift, isBlurred),
    harmless: evidence.harmless.map(({ delta, log }) => ({
      delta,
      log: frozen ? log : log + logHarmless(increment, delta, rate),
    })),
  };
}

/** Begins the watch over the promoted revision: stable's counts so far are the baseline. */
export function beginWatch(evidence: Evidence): Evidence {
  const unready = { stable: 0, canary: 0 };
  return { ...evidence, mixed: true, bake: beginBake(evidence.total.stable), unready, lost: 0 };
}

/** Adds what was counted since the last scrape, when the promoted revision serves alone. */
export function addWatched(evidence: Evidence, now: Measurement, maxHarm: number): Evidence {
  const { mixed, bake, total } = evidence;
  const [seen, increment] = look(evidence, now);
  if (increment === null) return seen;
  // Stable's and the canary's totals stay those of the canary's time.
  const sums = { ...total, failed: total.failed + increment.failed };
  return { ...seen, total: sums, bake: mixed ? bake : addToBake(bake, increment.stable, maxHarm) };
}

/** Adds to the totals only: for the last look at a canary whose share is 0 again. */
export function addLastLook(evidence: Evidence, now: Measurement): Evidence {
  return look(evidence, now)[0];
}

/** Whether the share may rise so far that an excess of `delta` would be too much. */
export function excludes(evidence: Evidence, delta: number): boolean {
  return delta >= 1 || evidence.harmless.some((test) => test.delta <= delta && isHarmless(test.log));
}

/**
 * Whether stable itself fails so often (10 %, and three errors within about ten scrapes) that
 * nothing can be learnt about the canary now. Once so, it stays so until 5 %.
 */
export function stableFails(evidence: Evidence, already: boolean): boolean {
  const { requests, errors } = evidence.recent;
  return errors >= (already ? 1 : 3) && errors > requests * (already ? 0.05 : 0.1);
}

/** Readiness, totals and the base of the next increment: what every look at the counters gives. */
function look(evidence: Evidence, now: Measurement): [Evidence, Increment | null] {
  const { last, dropped, total } = evidence;
  const increment = incrementBetween(last, now);
  const seen = { ...evidence, last: now, mixed: false, lost: 0, unready: unreadyIn(evidence, now) };
  if (increment === null) return [{ ...seen, dropped: dropped + (last === null ? 0 : 1) }, null];
  const sums = {
    stable: add(total.stable, increment.stable),
    canary: add(total.canary, increment.canary),
    rescued: total.rescued + increment.rescued,
    failed: total.failed + increment.failed,
  };
  return [{ ...seen, total: sums }, increment];
}

function unreadyIn(evidence: Evidence, now: Measurement): { stable: number; canary: number } {
  const { stable, canary } = evidence.unready;
  return {
    stable: now.ready.stable > 0 ? 0 : stable + 1,
    canary: now.ready.canary > 0 ? 0 : canary + 1,
  };
}
