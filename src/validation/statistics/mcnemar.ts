// Accuracy of two models on the same rows: McNemar's test and Tango's interval.
import { weightOf } from "../metrics/answers.ts";
import type { Places } from "../series.ts";
import { upperTail } from "./normal.ts";
import type { Bounds } from "./scale.ts";

/** Rows that both models answered; unequal weights are scaled to effective rows (Kish, 1965). */
export interface Discordant {
  /** Rows that only the candidate, or only the one in production, answered rightly. */
  gained: number;
  lost: number;
  rows: number;
}

/** Counts the rows on which one model is right and the other is wrong. */
export function countDiscordant(
  truth: Places,
  candidate: Places,
  production: Places,
  weights: Float64Array | null,
): Discordant {
  let [gained, lost, all, squares] = [0, 0, 0, 0];
  for (let row = 0; row < truth.length; row++) {
    const weight = weightOf(weights, row);
    const [now, before] = [candidate[row] === truth[row], production[row] === truth[row]];
    all += weight;
    squares += weight * weight;
    if (now && !before) gained += weight;
    else if (before && !now) lost += weight;
  }
  const scale = weights && squares > 0 ? all / squares : 1;
  return { gained: gained * scale, lost: lost * scale, rows: all * scale };
}

/** Discordant rows up to which every count is added up; above, they are normal to many digits. */
const mostExact = 1000;

/**
 * McNemar's two-sided probability, the mid-p form of the exact test (Fagerland, Lydersen and Laake,
 * 2013); for weighted rows, and more than 1000 discordant ones, the score test's.
 */
export function mcnemar({ gained, lost }: Discordant): number {
  const all = gained + lost;
  if (all === 0) return 1;
  const less = Math.min(gained, lost);
  if (all > mostExact || !Number.isInteger(gained) || !Number.isInteger(lost)) {
    return Math.min(1, 2 * upperTail(Math.abs(gained - lost) / Math.sqrt(all)));
  }
  let [log, sum] = [-all * Math.LN2, 0];
  for (let count = 0; count <= less; count++) {
    sum += Math.exp(log) * (count === less ? 1 / 2 : 1);
    log += Math.log((all - count) / (count + 1));
  }
  return Math.min(1, 2 * sum);
}

/**
 * Tango's score interval (1998) for the difference of two shares of the same rows: all differences that
 * the score test does not refuse at `z`. It holds 0 exactly when McNemar's score test keeps it; the mid-p
 * test is a little more careful with few discordant rows, so an interval that leaves out 0 is extended to
 * it when that test does not refuse it.
 */
export function tango(counts: Discordant, z: number): Bounds | null {
  const { gained, lost, rows } = counts;
  if (!(rows > 0)) return null;
  const delta = (gained - lost) / rows;
  const distance = (at: number) => {
    // The most likely share of discordant rows of the smaller kind, if the difference were `at`.
    const a = 2 * rows;
    const b = -gained - lost + (2 * rows - gained + lost) * at;
    const c = -lost * at * (1 - at);
    const share = (Math.sqrt(Math.max(0, b * b - 4 * a * c)) - b) / (2 * a);
    const variance = rows * (2 * share + at * (1 - at));
    const off = gained - lost - rows * at;
    return off === 0 ? 0 : variance > 0 ? Math.abs(off) / Math.sqrt(variance) : Number.POSITIVE_INFINITY;
  };
  const end = (from: number, to: number) => {
    let [near, far] = [from, to];
    for (let step = 0; step < 60; step++) {
      const middle = (near + far) / 2;
      if (distance(middle) <= z) near = middle;
      else far = middle;
    }
    return near;
  };
  const [lo, hi] = [end(delta, -1), end(delta, 1)];
  if (mcnemar(counts) < 2 * upperTail(z)) return { lo, hi };
  return { lo: Math.min(lo, 0), hi: Math.max(hi, 0) };
}
