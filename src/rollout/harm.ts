// FAIL: an anytime-valid test that errors come from the canary more often than its share of requests.
import type { Increment } from "./increment.ts";
import { eValue, logOdds, odds } from "./odds.ts";

/**
 * Probability that a good canary is ever taken back by this test, however often it is looked at: one
 * half of 0.001, which it shares with the tests of durations and answers (Bonferroni).
 */
export const harmAlpha = 0.0005;

/** Sums of the test: log e-value per odds ratio, and scrapes that saw a canary error. */
export interface Harm {
  logs: number[];
  errorScrapes: number;
}

export function beginHarm(): Harm {
  return { logs: odds.map(() => 0), errorScrapes: 0 };
}

/** Adds one scrape: attempts at both sides, and those that failed. */
export function addToHarm(harm: Harm, { canary, stable }: Increment): Harm {
  const scrape = logOdds(
    { counted: canary.requests, events: canary.errors },
    { counted: stable.requests, events: stable.errors },
  );
  return {
    logs: harm.logs.map((before, index) => before + (scrape[index] ?? 0)),
    errorScrapes: harm.errorScrapes + (canary.errors > 0 ? 1 : 0),
  };
}

/**
 * Whether the canary is to blame: by Ville's inequality an e-process of a good canary passes 1/α
 * with probability at most α. Three errors from two scrapes are asked for besides, so that no
 * single stumble can convict.
 */
export function isHarmful(harm: Harm, canaryErrors: number): boolean {
  return canaryErrors >= 3 && harm.errorScrapes >= 2 && eValue(harm.logs) >= 1 / harmAlpha;
}
