// FAIL: an anytime-valid test that the canary's requests take longer than stable's, on histograms.
import { eValue, logOdds, odds } from "./odds.ts";
import type { Answers } from "./ports.ts";
import { addToScatter, beginScatter, memory, temper } from "./scatter.ts";
import type { Scatter } from "./scatter.ts";

/** Probability that a canary that is not slower is ever taken back by this test. */
export const slowAlpha = 0.00025;

/** Seconds below which a difference is scheduling and not the model. */
const fastEnough = 0.01;
/** Recent requests of stable that its 95th percentile is read from. */
const leastForPercentile = 50;
/** Slow canary requests, and scrapes with one, that a verdict needs besides its e-value. */
const leastSlow = 5;
const leastScrapes = 3;

/** Sums of the test. */
export interface Slow {
  /** Log e-value per odds ratio. */
  logs: number[];
  /** Stable's requests per bucket; each scrape forgets a twentieth. */
  recent: number[];
  scatter: Scatter;
  /** The threshold in force, in seconds: stable's, and the one that the canary must exceed. */
  limits: { stable: number; canary: number } | null;
  /** Requests since the rollout began that were slower than their side's threshold, and all. */
  stable: { counted: number; slow: number };
  canary: { counted: number; slow: number };
  /** Scrapes that saw a slow canary request. */
  slowScrapes: number;
}

export function beginSlow(): Slow {
  const none = { counted: 0, slow: 0 };
  return {
    logs: odds.map(() => 0),
    recent: [],
    scatter: beginScatter(),
    limits: null,
    stable: none,
    canary: none,
    slowScrapes: 0,
  };
}

/**
 * Adds one scrape. Stable's threshold is the bound that 95 % of its recent requests stayed within;
 * the canary's is the largest bound below `maxSlowdown` times that. If the canary is no slower than
 * the quotient of both, its requests exceed their threshold at most as often as stable's exceed
 * theirs, so a slow one comes from the canary at most in proportion. The thresholds are chosen by
 * earlier scrapes only, so the product stays an e-process while durations drift on both sides.
 * @param served what both sides counted in this scrape
 * @param isFrozen nothing can be learnt now, as earlier scrapes showed
 */
export function addToSlow(
  slow: Slow,
  served: { stable: Answers; canary: Answers },
  maxSlowdown: number,
  isFrozen: boolean,
): Slow {
  const limits = limitsFrom(slow.recent, served.stable, maxSlowdown);
  const after = { ...slow, recent: remember(slow.recent, served.stable) };
  if (limits === null || isFrozen) return after;
  const stable = countBeyond(served.stable, limits.stable);
  const canary = countBeyond(served.canary, limits.canary);
  const scrape = logOdds(
    { counted: canary.counted, events: canary.slow },
    { counted: stable.counted, events: stable.slow },
  );
  const expected = shareBeyond(slow.recent, served.stable, limits.stable);
  return {
    ...after,
    logs: slow.logs.map((before, index) => before + temper(scrape[index] ?? 0, slow.scatter)),
    scatter: addToScatter(slow.scatter, stable.counted, stable.slow, expected),
    limits,
    stable: together(slow.stable, stable),
    canary: together(slow.canary, canary),
    slowScrapes: slow.slowScrapes + (canary.slow > 0 ? 1 : 0),
  };
}

/** Whether the canary is shown to be too slow (Ville). */
export function isTooSlow(slow: Slow): boolean {
  const isSeen = slow.canary.slow >= leastSlow && slow.slowScrapes >= leastScrapes;
  return isSeen && eValue(slow.logs) >= 1 / slowAlpha;
}

/** Thresholds of both sides by stable's recent requests; null when they are too few or too slow to tell. */
function limitsFrom(recent: number[], { seconds }: Answers, maxSlowdown: number): Slow["limits"] {
  const total = recent.reduce((sum, count) => sum + count, 0);
  if (recent.length !== seconds.length || total < leastForPercentile) return null;
  let within = 0;
  let stable = Number.POSITIVE_INFINITY;
  for (const [index, { bound }] of seconds.entries()) {
    within += recent[index] ?? 0;
    if (bound < fastEnough || within < 0.95 * total) continue;
    stable = bound;
    break;
  }
  const canary = seconds.findLast(({ bound }) => bound < maxSlowdown * stable)?.bound ?? 0;
  return Number.isFinite(stable) && canary > stable ? { stable, canary } : null;
}

function countBeyond({ seconds }: Answers, bound: number): { counted: number; slow: number } {
  const counted = seconds.at(-1)?.count ?? 0;
  const within = seconds.find((bucket) => bucket.bound === bound)?.count ?? counted;
  return { counted, slow: counted - within };
}

/** Share of recent requests beyond a bound, drawn towards 5 % by ten imagined ones. */
function shareBeyond(recent: number[], { seconds }: Answers, bound: number): number {
  const total = recent.reduce((sum, count) => sum + count, 0);
  const beyond = recent.reduce((sum, count, at) => sum + ((seconds[at]?.bound ?? 0) > bound ? count : 0), 0);
  return (beyond + 0.5) / (total + 10);
}

/** Requests per bucket rather than within each bound, the older ones fading. */
function remember(recent: number[], { seconds }: Answers): number[] {
  return seconds.map(({ count }, at) => memory * (recent[at] ?? 0) + count - (seconds[at - 1]?.count ?? 0));
}

function together(a: Slow["stable"], b: Slow["stable"]): Slow["stable"] {
  return { counted: a.counted + b.counted, slow: a.slow + b.slow };
}
