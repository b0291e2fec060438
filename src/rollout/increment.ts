// What happened between two readings of the counters.
import type { Counts, Measurement } from "./ports.ts";

/** Requests, attempts and errors of one scrape interval. */
export interface Increment {
  stable: Counts;
  canary: Counts;
  rescued: number;
  failed: number;
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
  };
  const { stable, canary, rescued, failed } = increment;
  const all = [stable.requests, stable.errors, canary.requests, canary.errors, rescued, failed];
  return all.every((value) => value >= 0) ? increment : null;
}

/** Sum of two counts. */
export function add(a: Counts, b: Counts): Counts {
  return { requests: a.requests + b.requests, errors: a.errors + b.errors };
}

function subtract(a: Counts, b: Counts): Counts {
  return { requests: a.requests - b.requests, errors: a.errors - b.errors };
}
