// FAIL: an anytime-valid test that errors come from the canary more often than its share of requests.
import type { Increment } from "./increment.ts";

/** Probability that a good canary is ever taken back by this test, however often it is looked at. */
export const harmAlpha = 0.001;

/** Odds ratios of canary against stable that the alternative mixes, with equal weight. */
const odds = [1.5, 2, 4, 8, 16, 32, 64, 256, 1024];

/** Sums of the test: log e-value per odds ratio, and scrapes that saw a canary error. */
export interface Harm {
  logs: number[];
  errorScrapes: number;
}

export function beginHarm(): Harm {
  return { logs: odds.map(() => 0), errorScrapes: 0 };
}

/**
 * Adds one scrape. If both sides fail equally often, an error belongs to the canary with
 * probability at most p, its measured share of attempts in this scrape, whatever the error rate is:
 * outages and bursts that hit both sides cancel. Against odds ratio ψ, k canary errors of e are
 * ψ^k / (1 + (ψ - 1)p)^e times likelier. The count k is hypergeometric, and the expectation of this
 * convex function is at most that under the binomial (Hoeffding 1963, theorem 4), so the product
 * over scrapes and its mean over ψ are e-processes (Lindon and Malek, "Anytime-valid inference for
 * multinomial count data", NeurIPS 2022).
 */
export function addToHarm(harm: Harm, increment: Increment): Harm {
  const attempts = increment.canary.requests + increment.stable.requests;
  const p = attempts === 0 ? 0 : increment.canary.requests / attempts;
  const canary = increment.canary.errors;
  const errors = canary + increment.stable.errors;
  return {
    logs: odds.map((ratio, index) => {
      const before = harm.logs[index] ?? 0;
      return p === 0 ? before : before + canary * Math.log(ratio) - errors * Math.log1p((ratio - 1) * p);
    }),
    errorScrapes: harm.errorScrapes + (canary > 0 ? 1 : 0),
  };
}

/** The mixture's e-value, capped so that JSON can carry it. */
export function eValue(logs: number[]): number {
  const top = Math.max(...logs);
  const mean = logs.reduce((sum, log) => sum + Math.exp(log - top), 0) / logs.length;
  return Math.exp(Math.min(top + Math.log(mean), 700));
}

/**
 * Whether the canary is to blame: by Ville's inequality an e-process of a good canary passes 1/α
 * with probability at most α. Three errors from two scrapes are asked for besides, so that no
 * single stumble can convict.
 */
export function isHarmful(harm: Harm, canaryErrors: number): boolean {
  return canaryErrors >= 3 && harm.errorScrapes >= 2 && eValue(harm.logs) >= 1 / harmAlpha;
}
