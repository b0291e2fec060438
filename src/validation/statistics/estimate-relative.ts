// How sure a mean relative error is: a few rows whose true value is near 0 may decide it.
import { type NumberAnswers, rowsOf, totalWeight, weightOf } from "../metrics/answers.ts";
import { type Influence, standardError } from "./influence.ts";
import { type Estimate, leastRows } from "./linear-estimate.ts";
import { boundsOn, logarithm } from "./scale.ts";

/**
 * An interval for the mean of relative errors. Its upper end is that of the rows and one more like the
 * worst of them: where one row in hundreds decides the mean, half the samples hold none, and their own
 * scatter cannot know of it. (A row is added in adjusted empirical likelihood, too; Chen, Variyath and
 * Abraham, 2008.) Its lower end takes the skewness of the rows into account (Hall, 1992).
 * @param found influences of the rows that do scatter
 */
export function relativeEstimate({ value, rows }: Influence, answers: NumberAnswers): Estimate {
  const all = totalWeight(answers);
  const count = rowsOf(answers);
  const error = standardError(rows) * Math.sqrt(count / Math.max(1, count - 1));
  let [worst, squares, cubes] = [0, 0, 0];
  for (const [row, one] of rows.entries()) {
    const weight = weightOf(answers.weights, row);
    if (weight > 0) worst = Math.max(worst, (one * all) / weight);
    squares += weight * weight;
    cubes += one ** 3;
  }
  const effective = all ** 2 / squares;
  const mean = value + worst / (effective + 1);
  const scatter = Math.hypot(error, worst / (effective + 1)) * (effective / (effective + 1));
  const skewness = cubes / error ** 3;
  return {
    value,
    method: "hall",
    bounds(z) {
      if (count < leastRows) return null;
      const [own, more] = [boundsOn(logarithm, value, error, z), boundsOn(logarithm, mean, scatter, z)];
      // Hall's end may be below 0 where a single row decides, the logarithm's never is.
      if (!own || !more) return null;
      return { lo: Math.min(value, Math.max(own.lo, value - error * unskewed(z, skewness))), hi: more.hi };
    },
  };
}

/**
 * Standard errors that the mean is above the truth, where a normal number would be `z` (Hall's cubic
 * transformation, 1992, turned around).
 * @param skewness of the mean: that of a row over the root of their number
 */
function unskewed(z: number, skewness: number): number {
  // The formula divides by it; so close to 0 it is the normal law.
  if (Math.abs(skewness) < 1e-6) return z;
  return (3 / skewness) * (Math.cbrt(1 + skewness * (z - skewness / 6)) - 1);
}
