// PASS: an anytime-valid test that excludes an excess error rate of δ or more in the canary.
import type { Increment } from "./increment.ts";
import { logRatio, nearestPair } from "./nearest.ts";
import type { Counts } from "./ports.ts";

/** Probability that a canary whose excess is δ ever passes as harmless. */
export const harmlessAlpha = 0.05;

/**
 * Requests without an error that exclude an excess of δ: ln(1/α) / -ln(1 - δ), about 3/δ, the
 * "rule of three" (Hanley and Lippman-Hand, JAMA 1983).
 */
export function cleanRequestsNeeded(delta: number): number {
  return delta >= 1 ? 0 : Math.ceil(Math.log(1 / harmlessAlpha) / -Math.log1p(-delta));
}

/** Error rates of both sides while something that both need fails: the alternatives kept in reserve. */
const outageRates = [0.03, 0.1, 0.25, 0.5, 0.9];

/** How much of each scrape's bet is on those: little, so that a clean canary hardly needs more requests. */
const reserve = (delta: number) => delta / 10;

/**
 * Log e-value of one scrape against "the canary's error rate is at least stable's plus δ".
 * The alternative is that both sides fail at the rate expected, or, with a small weight, at one that
 * an outage of both gives: without the latter the scrape in which an outage begins would weigh as
 * much as hundreds of clean requests, though it says nothing of the canary. A mixture of e-values
 * with weights set beforehand is an e-value, and it holds scrape by scrape, so error rates may
 * change over time.
 * @param rate error rate expected of both sides, from earlier scrapes only
 */
export function logHarmless(increment: Increment, delta: number, rate: number): number {
  if (increment.canary.requests === 0 || delta >= 1) return 0;
  const inReserve = reserve(delta);
  const logs = [
    Math.log1p(-inReserve) + logEqual(increment, delta, rate),
    ...outageRates.map((one) => Math.log(inReserve / outageRates.length) + logEqual(increment, delta, one)),
  ];
  const top = Math.max(...logs);
  return top + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - top), 0));
}

/**
 * Log e-value of one scrape for the alternative that both sides fail at `rate`. The null is
 * represented by its member nearest to that (in Kullback-Leibler divergence, weighted by requests),
 * which makes the likelihood ratio an e-value for every member of the convex null: Turner and
 * Grünwald, "Exact anytime-valid confidence intervals for contingency tables and beyond", 2023.
 */
function logEqual({ stable, canary }: Increment, delta: number, rate: number): number {
  const counted = { stable: stable.requests, canary: canary.requests };
  const nearest = nearestPair(counted, delta, { stable: rate, canary: rate });
  if (nearest.canary <= rate) return 0;
  return logRatio(stable, rate, nearest.stable) + logRatio(canary, rate, nearest.canary);
}

/** Error rate to expect: stable's recent one, drawn towards 0.1 % by 500 imagined requests. */
export function expectedRate(recent: Counts): number {
  return Math.min(0.5, (recent.errors + 0.5) / (recent.requests + 500));
}

/** Whether an excess of δ is excluded at α. */
export function isHarmless(log: number): boolean {
  return log >= Math.log(1 / harmlessAlpha);
}
