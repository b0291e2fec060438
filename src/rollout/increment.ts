// What happened between two readings of the counters.
import type { Answers, Counts, Measurement } from "./ports.ts";

/** Requests, attempts and errors of one scrape interval. */
export interface Increment {
  stable: Counts;
  canary: Counts;
  rescued: number;
  failed: number;
  /** What the servers counted in it; null when that cannot be known. */
  served: Measurement["served"];
}

/**
 * The increment from one measurement to the next, or null when it cannot be known: there is none
 * before, a counter fell, or the era changed (counters began again, a server was restarted).
 */
export function incrementBetween(before: Measurement | null, after: Measurement): Increment | null {
  if (before === null || before.era !== after.era) return null;
  const increment = {
    stable: subtract(after.stable, before.stable),
    canary: subtract(after.canary, before.canary),
    rescued: after.rescued - before.rescued,
    failed: after.failed - before.failed,
    served: servedBetween(before.served, after.served),
  };
  const { stable, canary, rescued, failed } = increment;
  const all = [stable.requests, stable.errors, canary.requests, canary.errors, rescued, failed];
  return all.every((value) => value >= 0) ? increment : null;
}

/** Sum of two counts. */
export function add(a: Counts, b: Counts): Counts {
  return { requests: a.requests + b.requests, errors: a.errors + b.errors };
}

/** How often an answer was given. An answer may be called like something that every object has. */
export function timesSaid(said: Record<string, number>, answer: string): number {
  return Object.hasOwn(said, answer) ? (said[answer] ?? 0) : 0;
}

function subtract(a: Counts, b: Counts): Counts {
  return { requests: a.requests - b.requests, errors: a.errors - b.errors };
}

function servedBetween(before: Measurement["served"], after: Measurement["served"]): Measurement["served"] {
  if (before === null || after === null) return null;
  const stable = answersBetween(before.stable, after.stable);
  const canary = answersBetween(before.canary, after.canary);
  return stable === null || canary === null ? null : { stable, canary };
}

/** Null when a server among them began again, or counts in other buckets. */
function answersBetween(before: Answers, after: Answers): Answers | null {
  if (before.seconds.length !== after.seconds.length) return null;
  const seconds = after.seconds.map(({ bound, count }, at) => {
    const earlier = before.seconds[at];
    return { bound, count: earlier?.bound === bound ? count - earlier.count : Number.NaN };
  });
  const said = Object.fromEntries(
    Object.entries(after.said).map(([answer, count]) => [answer, count - timesSaid(before.said, answer)]),
  );
  const counts = [...seconds.map(({ count }) => count), ...Object.values(said)];
  const isGone = Object.keys(before.said).some((answer) => !Object.hasOwn(said, answer));
  return isGone || !counts.every((count) => count >= 0) ? null : { seconds, said };
}
