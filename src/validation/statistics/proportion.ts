// Intervals for shares of rows, also when rows count unequally.
import type { Bounds } from "./scale.ts";

/** Rows of which some are hits. */
export interface Share {
  /** From 0 to 1. */
  value: number;
  /** Rows; with unequal weights as many equal rows as would scatter as much. */
  rows: number;
}

/**
 * A weighted share. The effective rows are those of the linearised variance (Korn and Graubard, 1998),
 * and at 0 and 1, where that is 0, Kish's (1965): squared sum of the weights over their sum of squares.
 * Null without rows.
 * @param hits weight and squared weights of the hits
 * @param misses the same of the others
 */
export function shareOf(
  hits: { weight: number; squares: number },
  misses: { weight: number; squares: number },
): Share | null {
  const all = hits.weight + misses.weight;
  if (!(all > 0)) return null;
  const value = hits.weight / all;
  const variance = ((1 - value) ** 2 * hits.squares + value ** 2 * misses.squares) / all ** 2;
  const rows = variance > 0 ? (value * (1 - value)) / variance : all ** 2 / (hits.squares + misses.squares);
  return { value, rows };
}

/** Wilson's score interval (1927): it keeps its level near 0 and 1, too, and never leaves them. */
export function wilson({ value, rows }: Share, z: number): Bounds {
  const square = z * z;
  const centre = (value + square / (2 * rows)) / (1 + square / rows);
  const half =
    (z / (1 + square / rows)) * Math.sqrt((value * (1 - value)) / rows + square / (4 * rows * rows));
  // The ends are exact where rounding would cross them.
  return {
    lo: value === 0 ? 0 : Math.min(value, Math.max(0, centre - half)),
    hi: value === 1 ? 1 : Math.max(value, Math.min(1, centre + half)),
  };
}

/**
 * The mean of independent shares, each with its own interval: distances to the ends add up as squares
 * (MOVER; Zou and Donner, 2008).
 * @param together factor by which they scatter more together than independent ones would
 */
export function meanOfShares(parts: readonly { value: number; bounds: Bounds }[], together: number): Bounds {
  const mean = parts.reduce((sum, { value }) => sum + value, 0) / parts.length;
  const reach = (pick: (part: { value: number; bounds: Bounds }) => number) =>
    (together * Math.sqrt(parts.reduce((sum, part) => sum + pick(part) ** 2, 0))) / parts.length;
  return {
    lo: Math.max(0, mean - reach(({ value, bounds }) => value - bounds.lo)),
    hi: Math.min(1, mean + reach(({ value, bounds }) => bounds.hi - value)),
  };
}
