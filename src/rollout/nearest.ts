// Two Bernoulli rates a fixed distance apart: which pair of them lies nearest to what is expected.
import type { Counts } from "./ports.ts";

/** Rates of stable and canary. */
export interface Rates {
  stable: number;
  canary: number;
}

/**
 * The pair (r, r + δ) nearest to the expected rates, in Kullback-Leibler divergence weighted by the
 * counts of each side. The likelihood ratio of the expected pair against it is an e-value for every
 * pair beyond that edge: Turner and Grünwald, "Exact anytime-valid confidence intervals for
 * contingency tables and beyond", 2023.
 */
export function nearestPair(counted: Rates, delta: number, expected: Rates): Rates {
  let low = 0;
  let high = 1 - delta;
  for (let round = 0; round < 40; round += 1) {
    const middle = (low + high) / 2;
    const slope =
      counted.stable * divergenceSlope(expected.stable, middle) +
      counted.canary * divergenceSlope(expected.canary, middle + delta);
    if (slope > 0) high = middle;
    else low = middle;
  }
  const stable = (low + high) / 2;
  return { stable, canary: stable + delta };
}

/** Log likelihood ratio of a rate against another, for counts of one side. */
export function logRatio(counts: Counts, rate: number, nullRate: number): number {
  const errors = Math.min(counts.errors, counts.requests);
  const good = counts.requests - errors;
  const ofErrors = errors === 0 ? 0 : errors * Math.log(rate / Math.max(nullRate, Number.MIN_VALUE));
  return ofErrors + good * (Math.log1p(-rate) - Math.log1p(-Math.min(nullRate, 1 - Number.EPSILON)));
}

/** d/dr of the divergence KL(q ‖ r) between two Bernoulli laws. */
function divergenceSlope(q: number, r: number): number {
  return (r - q) / Math.max(r * (1 - r), Number.MIN_VALUE);
}
