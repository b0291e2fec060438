// How sure a metric is that shows no scatter at all: a perfect classifier, or the same cost in every row.
import { type Answers, type ClassAnswers, rowsOf, weightOf } from "../metrics/answers.ts";
import { type Estimate, leastRows } from "./linear-estimate.ts";
import { upperTail } from "./normal.ts";

/**
 * An estimate without scatter. A classifier that is right in all m rows of its smallest class may still
 * be right in as few as tail^(1/m) of all such rows (Clopper and Pearson, 1934), a metric of 1 as low as
 * that: for the area under the ROC curve this is exact, because m rows of each kind make m independent
 * pairs. Costs that never differ have an interval without a width. Null when there is neither.
 */
export function flawlessEstimate(answers: Answers, value: number): Estimate | null {
  if (rowsOf(answers) < leastRows) return null;
  const loss = answers.task === "regression" || value === 0;
  if (loss) return { value, method: "constant", bounds: () => ({ lo: value, hi: value }) };
  const least = value === 1 ? smallestClass(answers) : 0;
  if (!(least > 0)) return null;
  return { value, method: "separation", bounds: (z) => ({ lo: upperTail(z) ** (1 / least), hi: 1 }) };
}

/** Effective rows (Kish, 1965) of the class that has the fewest, of those that have any. */
function smallestClass({ classes, truth, weights }: ClassAnswers): number {
  const [sums, squares] = [new Float64Array(classes), new Float64Array(classes)];
  for (let row = 0; row < truth.length; row++) {
    const [is, weight] = [truth[row] ?? 0, weightOf(weights, row)];
    sums[is] = (sums[is] ?? 0) + weight;
    squares[is] = (squares[is] ?? 0) + weight * weight;
  }
  const rows = [...sums].map((sum, is) =>
    sum > 0 ? sum ** 2 / (squares[is] ?? 0) : Number.POSITIVE_INFINITY,
  );
  return Math.min(...rows);
}
