// GOLDEN: labelled rows replayed through the running canary before it gets any request of a user.
import type { Columns, Predictions } from "../validation/ports.ts";

/** How far the canary's answers are from those that the report was made of. */
export interface GoldenResult {
  rows: number;
  /** Rows whose predicted label differs. */
  flips: number;
  /** Largest difference of a probability, or of a regression's value relative to its scale. */
  maxDelta: number;
}

/** Rows with known answers, and the comparison that belongs to them. */
export interface GoldenRows {
  columns: Columns;
  /** Pure. */
  compare(answers: Predictions): GoldenResult;
}

/** Room for another order of floating-point sums between two machines; no decision hangs on it. */
const maxDelta = 1e-6;

/** Why the canary is not the model that was validated, or null when it is. */
export function findGoldenFault({ rows, flips, maxDelta: delta }: GoldenResult): string | null {
  if (rows === 0) return "there was no golden row to compare";
  if (flips > 0) return `${flips} of ${rows} golden rows were answered with another label`;
  if (delta <= maxDelta) return null;
  return `an answer to ${rows} golden rows is off by ${Number(delta.toPrecision(3))}, more than ${maxDelta}`;
}
