// What an estimate is, and the one that trusts the central limit theorem.
import { type Influence, standardError } from "./influence.ts";
import { studentReach } from "./normal.ts";
import { type Bounds, boundsOn, type Scale } from "./scale.ts";

/** A value, and what it may be in truth. */
export interface Estimate {
  value: number;
  /** As in a report's intervals. */
  method: string;
  /** The interval that reaches `z` standard errors of a normal law; null when there is none. */
  bounds: (z: number) => Bounds | null;
}

/** Rows from which on an interval that trusts the central limit theorem is given. */
export const leastRows = 10;

/** An estimate from the scatter of the rows' influences. */
export function linearEstimate(
  { value, rows }: Influence,
  scale: Scale,
  count: number,
  method: string,
): Estimate {
  const error = standardError(rows) * Math.sqrt(count / Math.max(1, count - 1));
  const freedom = freedomOf(rows);
  return {
    value,
    method,
    bounds: (z) => (count < leastRows ? null : boundsOn(scale, value, error, studentReach(z, freedom))),
  };
}

/**
 * Degrees of freedom of a standard error that is made of these influences: as many as would make the sum
 * of squares scatter as it does, given their fourth moment (Satterthwaite, 1946). Few when a few rows
 * decide.
 */
export function freedomOf(rows: Float64Array): number {
  let [squares, fourths] = [0, 0];
  for (let row = 0; row < rows.length; row++) {
    const one = rows[row] ?? 0;
    const square = one * one;
    squares += square;
    fourths += square * square;
  }
  return (2 * squares * squares) / Math.max(fourths - (squares * squares) / rows.length, 0);
}
