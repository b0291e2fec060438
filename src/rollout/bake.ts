// BAKE: whether the promoted revision fails more often than stable did before it.
import { add } from "./increment.ts";
import { eValue } from "./odds.ts";
import type { Counts } from "./ports.ts";

/** Probability that a revision that keeps its promise is ever taken back by this test. */
export const bakeAlpha = 0.001;

/** How far above the limit the alternative lies, as shares of the way from the limit to 1. */
const ways = [0.02, 0.05, 0.1, 0.25, 0.5, 0.9];

/** Sums of the test. `baseline` is the error rate that stable had before. */
export interface Bake {
  counts: Counts;
  baseline: number;
  logs: number[];
  errorScrapes: number;
}

/** @param stable what stable did during the canary; below 100 requests it is no baseline, and 0 is taken */
export function beginBake(stable: Counts): Bake {
  return {
    counts: { requests: 0, errors: 0 },
    baseline: stable.requests < 100 ? 0 : Math.min(1, stable.errors / stable.requests),
    logs: ways.map(() => 0),
    errorScrapes: 0,
  };
}

/**
 * Adds one scrape to a one-sample sequential likelihood ratio test (a mixture over rates) of
 * "the error rate is at most baseline + maxHarm". There is no other side any more, so an outage of
 * something that both revisions need counts against the new one: taking it back is then the
 * cautious answer, not a verdict on the model.
 */
export function addToBake(bake: Bake, scrape: Counts, maxHarm: number): Bake {
  const limit = limitOf(bake, maxHarm);
  const errors = Math.min(scrape.errors, scrape.requests);
  return {
    ...bake,
    counts: add(bake.counts, { requests: scrape.requests, errors }),
    logs: ways.map((way, index) => {
      const rate = limit + (1 - limit) * way;
      const ofErrors = errors * Math.log(rate / limit);
      const ofOthers = (scrape.requests - errors) * Math.log((1 - rate) / (1 - limit));
      return (bake.logs[index] ?? 0) + ofErrors + ofOthers;
    }),
    errorScrapes: bake.errorScrapes + (errors > 0 ? 1 : 0),
  };
}

/** Whether the promoted revision breaks the promise that it was promoted on (Ville). */
export function isBreached(bake: Bake): boolean {
  return bake.counts.errors >= 3 && bake.errorScrapes >= 2 && eValue(bake.logs) >= 1 / bakeAlpha;
}

/** The error rate that is still allowed; kept off 0 and 1, where no likelihood is defined. */
function limitOf(bake: Bake, maxHarm: number): number {
  return Math.min(0.99, Math.max(1e-6, bake.baseline + maxHarm));
}
