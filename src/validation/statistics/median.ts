// An interval for the median from order statistics: no law of the errors is assumed.
import { weightOf } from "../metrics/answers.ts";

/**
 * The errors whose share of weight is half of it, less and more `z` standard errors of that share
 * (Woodruff, 1952; with equal weights the sign test's interval). Between two errors it takes the outer
 * one, so that it never covers too little. Null when so few rows have no such errors.
 */
export function medianBounds(
  { errors, order }: { errors: Float64Array; order: Uint32Array },
  weights: Float64Array | null,
  z: number,
): { lo: number; hi: number } | null {
  let [all, squares] = [0, 0];
  for (const row of order) {
    const weight = weightOf(weights, row);
    all += weight;
    squares += weight * weight;
  }
  const reach = (z * Math.sqrt(squares)) / 2;
  if (order.length === 0 || reach >= all / 2) return null;
  const at = (wanted: number) => {
    let below = 0;
    for (const row of order) {
      below += weightOf(weights, row);
      if (below >= wanted) return errors[row] ?? 0;
    }
    return errors[order.at(-1) ?? 0] ?? 0;
  };
  // A row more at the upper end: the interval is from one error to another, both of them in it.
  const step = squares / all;
  return { lo: at(all / 2 - reach), hi: at(Math.min(all, all / 2 + reach + step)) };
}
