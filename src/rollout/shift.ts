// FAIL: an anytime-valid test that the canary answers otherwise than stable over the same minutes.
import { timesSaid } from "./increment.ts";
import { logRatio, nearestPair } from "./nearest.ts";
import type { Answers } from "./ports.ts";
import { addToScatter, beginScatter, memory, seeming, temper } from "./scatter.ts";
import type { Scatter } from "./scatter.ts";

/** Probability that a canary whose answers differ by less is ever taken back by this test. */
export const shiftAlpha = 0.00025;

/** Recent predictions of each side that the alternative is guessed from. */
const leastRecent = 30;
/** Canary predictions, and scrapes with some, that a verdict needs besides its e-value. */
const leastPredictions = 30;
const leastScrapes = 3;

/** Sums of the test. */
export interface Shift {
  /** Log e-value. */
  log: number;
  /** Predictions by answer; each scrape forgets a twentieth. */
  recent: { stable: Record<string, number>; canary: Record<string, number> };
  scatter: Scatter;
  /** Canary predictions that the test was made of, and scrapes with some. */
  predictions: number;
  scrapes: number;
}

export function beginShift(): Shift {
  return {
    log: 0,
    recent: { stable: {}, canary: {} },
    scatter: beginScatter(),
    predictions: 0,
    scrapes: 0,
  };
}

/**
 * Adds one scrape. The total variation between two laws is the largest difference that any set of
 * answers shows, so a difference above `maxShift` on one set proves it. The set, and the rates that
 * the alternative expects on it, are chosen by earlier scrapes only: the answers that the canary gave
 * more often than stable. The scrape's likelihood ratio against the nearest pair of rates that differ
 * by `maxShift` is then an e-value (`nearestPair`), whatever both sides answer and however that
 * drifts. Requests are split at random, so both sides get the same mix of inputs.
 * @param served what both sides said in this scrape
 * @param isFrozen nothing can be learnt now, as earlier scrapes showed
 */
export function addToShift(
  shift: Shift,
  served: { stable: Answers; canary: Answers },
  maxShift: number,
  isFrozen: boolean,
): Shift {
  const recent = {
    stable: remember(shift.recent.stable, served.stable.said),
    canary: remember(shift.recent.canary, served.canary.said),
  };
  const bet = betOn(shift.recent);
  const canary = countOf(served.canary.said, bet?.answers);
  if (isFrozen || bet === null || canary.requests === 0) return { ...shift, recent };
  const stable = countOf(served.stable.said, bet.answers);
  const log = bet.canary - bet.stable <= maxShift ? 0 : logShifted(stable, canary, maxShift, bet);
  return {
    log: shift.log + temper(log, shift.scatter),
    recent,
    scatter: addToScatter(shift.scatter, stable.requests, stable.errors, bet.stable),
    predictions: shift.predictions + canary.requests,
    scrapes: shift.scrapes + 1,
  };
}

/** Whether the canary is shown to answer too differently (Ville). */
export function isShifted(shift: Shift): boolean {
  const isSeen = shift.predictions >= leastPredictions && shift.scrapes >= leastScrapes;
  return isSeen && shift.log >= Math.log(1 / shiftAlpha);
}

/**
 * Whether the canary seems to answer too differently and more scrapes would tell: the next share must
 * wait. Of few answers every difference looks large, so after three scrapes the test's own odds count.
 */
export function isPerhapsShifted(shift: Shift, maxShift: number): boolean {
  const seems = (recentShift(shift) ?? 0) > maxShift;
  return seems && (shift.scrapes < leastScrapes || shift.log >= Math.log(seeming));
}

/** The total variation between the recent answers of both sides, 0 to 1; null before there are some. */
export function recentShift({ recent }: Shift): number | null {
  const bet = betOn(recent);
  return bet === null ? null : Math.max(0, bet.canary - bet.stable);
}

/** Answers that the canary gives more often, and how often each side gives one of them. */
interface Bet {
  answers: ReadonlySet<string>;
  stable: number;
  canary: number;
}

function betOn({ stable, canary }: Shift["recent"]): Bet | null {
  const [ofStable, ofCanary] = [total(stable), total(canary)];
  if (ofStable < leastRecent || ofCanary < leastRecent) return null;
  const isOftener = (answer: string) =>
    timesSaid(canary, answer) / ofCanary > timesSaid(stable, answer) / ofStable;
  const answers = new Set(Object.keys(canary).filter(isOftener));
  // Drawn off 0 and 1, where no likelihood is defined.
  const rate = (said: Record<string, number>) => {
    const { requests, errors } = countOf(said, answers);
    return (errors + 0.5) / (requests + 1);
  };
  return { answers, stable: rate(stable), canary: rate(canary) };
}

function logShifted(
  stable: ReturnType<typeof countOf>,
  canary: ReturnType<typeof countOf>,
  maxShift: number,
  bet: Bet,
): number {
  const counted = { stable: stable.requests, canary: canary.requests };
  const nearest = nearestPair(counted, maxShift, bet);
  return logRatio(stable, bet.stable, nearest.stable) + logRatio(canary, bet.canary, nearest.canary);
}

/** All predictions, and as events those with one of the answers. */
function countOf(said: Record<string, number>, answers?: ReadonlySet<string>) {
  const events = Object.entries(said).reduce(
    (sum, [answer, count]) => sum + (answers?.has(answer) ? count : 0),
    0,
  );
  return { requests: total(said), errors: events };
}

function total(said: Record<string, number>): number {
  return Object.values(said).reduce((sum, count) => sum + count, 0);
}

/** The older ones fade; what has all but faded is forgotten. */
function remember(recent: Record<string, number>, said: Record<string, number>): Record<string, number> {
  const answers = new Set([...Object.keys(recent), ...Object.keys(said)]);
  const faded = [...answers].map(
    (answer) => [answer, memory * timesSaid(recent, answer) + timesSaid(said, answer)] as const,
  );
  return Object.fromEntries(faded.filter(([, count]) => count >= 1e-3));
}
