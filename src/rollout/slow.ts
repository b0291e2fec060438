// FAIL: an anytime-valid test that the canary's requests take longer than stable's, on histograms.
import { eValue, logOdds, odds } from "./odds.ts";
import type { Answers } from "./ports.ts";
import { addToScatter, beginScatter, memory, seeming, temper } from "./scatter.ts";
import type { Scatter } from "./scatter.ts";

/** Probability that a canary that is not slower is ever taken back by this test. */
export const slowAlpha = 0.00025;

/** Where stable's durations are compared: most requests show a slowdown first, a tail only there. */
const quantiles = [0.8, 0.95];
/** Seconds below which a difference is scheduling and not the model. */
const fastEnough = 0.01;
/** Recent requests of stable that its quantiles are read from. */
const leastForQuantile = 50;
/** Slow canary requests, and scrapes with one, that a verdict needs besides its e-value. */
const leastSlow = 5;
const leastScrapes = 3;

/** What was counted beyond the thresholds that belong to one quantile. */
interface Threshold {
  scatter: Scatter;
  /** In force, in seconds: stable's threshold, and the one that the canary must exceed. */
  limits: { stable: number; canary: number } | null;
  /** Requests since the rollout began that were slower than their side's threshold, and all. */
  stable: Beyond;
  canary: Beyond;
  /** Scrapes that saw a slow canary request. */
  scrapes: number;
}

interface Beyond {
  counted: number;
  slow: number;
}

/** Sums of the test. */
export interface Slow {
  /** Log e-value per odds ratio, for one quantile after the other. */
  logs: number[];
  /** Stable's requests per bucket; each scrape forgets a twentieth. */
  recent: number[];
  thresholds: Threshold[];
}

export function beginSlow(): Slow {
  const none = { counted: 0, slow: 0 };
  return {
    logs: quantiles.flatMap(() => odds.map(() => 0)),
    recent: [],
    thresholds: quantiles.map(() => ({
      scatter: beginScatter(),
      limits: null,
      stable: none,
      canary: none,
      scrapes: 0,
    })),
  };
}

/**
 * Adds one scrape. Stable's threshold is the bound that 80 % (or 95 %) of its recent requests stayed
 * within; the canary's is the largest bound below `maxSlowdown` times that. If the canary is no slower
 * than the quotient of both, its requests exceed their threshold at most as often as stable's exceed
 * theirs, so a slow one comes from the canary at most in proportion. The thresholds are chosen by
 * earlier scrapes only, so each product stays an e-process while durations drift on both sides, and
 * so does the mean over both quantiles.
 * @param served what both sides counted in this scrape
 * @param isFrozen nothing can be learnt now, as earlier scrapes showed
 */
export function addToSlow(
  slow: Slow,
  served: { stable: Answers; canary: Answers },
  maxSlowdown: number,
  isFrozen: boolean,
): Slow {
  const after = { ...slow, recent: remember(slow.recent, served.stable) };
  if (isFrozen) return after;
  const added = quantiles.map((quantile, place) => {
    const before = slow.thresholds[place];
    if (before === undefined) return null;
    const limits = limitsFrom(slow.recent, served.stable, quantile, maxSlowdown);
    return limits === null ? null : beyond(before, limits, slow.recent, served);
  });
  return {
    ...after,
    logs: slow.logs.map((log, at) => {
      const place = Math.floor(at / odds.length);
      return log + (added[place]?.logs[at % odds.length] ?? 0);
    }),
    thresholds: slow.thresholds.map((before, place) => added[place]?.threshold ?? before),
  };
}

/** Whether the canary is shown to be too slow (Ville). */
export function isTooSlow(slow: Slow): boolean {
  const isSeen = slow.thresholds.some(
    ({ canary, scrapes }) => canary.slow >= leastSlow && scrapes >= leastScrapes,
  );
  return isSeen && eValue(slow.logs) >= 1 / slowAlpha;
}

/** Whether the canary seems to be too slow and more scrapes would tell: the next share must wait. */
export function isPerhapsTooSlow({ logs }: Slow): boolean {
  return eValue(logs) >= seeming;
}

/** The threshold that speaks most against the canary. */
export function worstThreshold({ logs, thresholds }: Slow): Threshold | null {
  const of = (place: number) => eValue(logs.slice(place * odds.length, (place + 1) * odds.length));
  const places = thresholds.map((_threshold, place) => place);
  return thresholds[places.toSorted((a, b) => of(b) - of(a))[0] ?? 0] ?? null;
}

/** One scrape at one threshold: its tempered log e-values, and the sums with it. */
function beyond(
  before: Threshold,
  limits: { stable: number; canary: number },
  recent: number[],
  served: { stable: Answers; canary: Answers },
): { logs: number[]; threshold: Threshold } {
  const stable = countBeyond(served.stable, limits.stable);
  const canary = countBeyond(served.canary, limits.canary);
  const scrape = logOdds(
    { counted: canary.counted, events: canary.slow },
    { counted: stable.counted, events: stable.slow },
  );
  const expected = shareBeyond(recent, served.stable, limits.stable);
  return {
    logs: scrape.map((log) => temper(log, before.scatter)),
    threshold: {
      scatter: addToScatter(before.scatter, stable.counted, stable.slow, expected),
      limits,
      stable: together(before.stable, stable),
      canary: together(before.canary, canary),
      scrapes: before.scrapes + (canary.slow > 0 ? 1 : 0),
    },
  };
}

/** Thresholds of both sides by stable's recent requests; null when they are too few or too slow to tell. */
function limitsFrom(
  recent: number[],
  { seconds }: Answers,
  quantile: number,
  maxSlowdown: number,
): Threshold["limits"] {
  const total = recent.reduce((sum, count) => sum + count, 0);
  if (recent.length !== seconds.length || total < leastForQuantile) return null;
  let within = 0;
  let stable = Number.POSITIVE_INFINITY;
  for (const [index, { bound }] of seconds.entries()) {
    within += recent[index] ?? 0;
    if (bound < fastEnough || within < quantile * total) continue;
    stable = bound;
    break;
  }
  const canary = seconds.findLast(({ bound }) => bound < maxSlowdown * stable)?.bound ?? 0;
  return Number.isFinite(stable) && canary > stable ? { stable, canary } : null;
}

function countBeyond({ seconds }: Answers, bound: number): Beyond {
  const counted = seconds.at(-1)?.count ?? 0;
  const within = seconds.find((bucket) => bucket.bound === bound)?.count ?? counted;
  return { counted, slow: counted - within };
}

/** Share of recent requests beyond a bound; ten imagined ones keep it off 0. */
function shareBeyond(recent: number[], { seconds }: Answers, bound: number): number {
  const total = recent.reduce((sum, count) => sum + count, 0);
  const slow = recent.reduce((sum, count, at) => sum + ((seconds[at]?.bound ?? 0) > bound ? count : 0), 0);
  return (slow + 0.5) / (total + 10);
}

/** Requests per bucket rather than within each bound, the older ones fading. */
function remember(recent: number[], { seconds }: Answers): number[] {
  return seconds.map(({ count }, at) => memory * (recent[at] ?? 0) + count - (seconds[at - 1]?.count ?? 0));
}

function together(a: Beyond, b: Beyond): Beyond {
  return { counted: a.counted + b.counted, slow: a.slow + b.slow };
}
