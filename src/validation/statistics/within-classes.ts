// The scatter of an area under a curve where a class has few rows.
import { type ClassAnswers, weightOf } from "../metrics/answers.ts";

/** Effective rows of each class (Kish, 1965). */
export function effectiveRows({ classes, truth, weights }: ClassAnswers): Float64Array {
  const [sums, squares] = [new Float64Array(classes), new Float64Array(classes)];
  for (let row = 0; row < truth.length; row++) {
    const [is, weight] = [truth[row] ?? 0, weightOf(weights, row)];
    sums[is] = (sums[is] ?? 0) + weight;
    squares[is] = (squares[is] ?? 0) + weight * weight;
  }
  return sums.map((sum, is) => (sum > 0 ? sum ** 2 / (squares[is] ?? 0) : 0));
}

/**
 * Influences on an area, each class's rows stretched by the root of m ÷ (m − 1), for its m effective rows:
 * their squares then add up to DeLong's (1988) variance, which is unbiased however few rows a class has. A
 * class of a single row keeps its own.
 */
export function stretched(influences: Float64Array, answers: ClassAnswers): Float64Array {
  const factors = effectiveRows(answers).map((rows) => (rows > 1 ? Math.sqrt(rows / (rows - 1)) : 1));
  return influences.map((one, row) => one * (factors[answers.truth[row] ?? 0] ?? 1));
}

/** Rows of a class from which on its ranks show their own scatter. */
const fewRows = 30;

/** Whether some class has fewer than 30 effective rows, too few to show how they scatter. */
export function hasSmallClass(answers: ClassAnswers): boolean {
  return effectiveRows(answers).some((rows) => rows > 0 && rows < fewRows);
}

/**
 * Variance that an area of `value` would have if scores followed exponential laws (Hanley and McNeil,
 * 1982; in Newcombe's form of 2006, his method 5); of several classes, that of the mean of independent ones.
 */
export function modelledVariance(answers: ClassAnswers): (value: number) => number {
  const rows = [...effectiveRows(answers)].filter((one) => one > 0);
  const all = rows.reduce((sum, one) => sum + one, 0);
  const judged = answers.task === "binary" ? rows.slice(0, 1) : rows;
  return (value) => {
    // Of two rows of one kind, the chance that both are on the right side of one of the other kind.
    const both = value / (2 - value) + (2 * value ** 2) / (1 + value) - 2 * value ** 2;
    const pairs = value * (1 - value) + (all / 2 - 1) * both;
    return judged.reduce((sum, one) => sum + pairs / (one * (all - one)), 0) / judged.length ** 2;
  };
}

/**
 * Degrees of freedom of a standard error to which each class adds its own: m − 1 where one class of m rows
 * decides (Welch, 1947; Satterthwaite, 1946).
 */
export function freedomOfClasses(influences: Float64Array, answers: ClassAnswers): number {
  const parts = new Float64Array(answers.classes);
  let all = 0;
  for (const [row, one] of influences.entries()) {
    const is = answers.truth[row] ?? 0;
    parts[is] = (parts[is] ?? 0) + one * one;
    all += one * one;
  }
  let sum = 0;
  for (const [is, rows] of effectiveRows(answers).entries())
    sum += (parts[is] ?? 0) ** 2 / Math.max(1, rows - 1);
  return sum > 0 ? all ** 2 / sum : Number.POSITIVE_INFINITY;
}
