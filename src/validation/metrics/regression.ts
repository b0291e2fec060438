// Metrics of predicted numbers. Those of several outputs are the plain mean over the outputs.
import {
  type Measured,
  measured,
  type NumberAnswers,
  rowsOf,
  totalWeight,
  unmeasured,
  weightOf,
} from "./answers.ts";
import { orderRows } from "./order.ts";

/** What one prediction costs. */
type Loss = (truth: number, predicted: number) => number;

const absolute: Loss = (is, said) => Math.abs(is - said);
const square: Loss = (is, said) => (is - said) ** 2;
// A true value of 0 is divided by float64's ε, as in scikit-learn.
const relative: Loss = (is, said) => Math.abs(is - said) / Math.max(Math.abs(is), Number.EPSILON);

/** Costs of the metrics that are a mean of costs, or the root of one. */
export function lossOf(metric: "mae" | "rmse" | "mape" | "pinball", { quantile = 0.5 }: NumberAnswers): Loss {
  if (metric === "mae") return absolute;
  if (metric === "rmse") return square;
  if (metric === "mape") return relative;
  return (is, said) => (is >= said ? quantile * (is - said) : (1 - quantile) * (said - is));
}

/** Weighted mean of what the predictions of one output cost. */
export function meanLoss(answers: NumberAnswers, output: number, loss: Loss): number {
  const { truth, predicted, weights, outputs } = answers;
  const rows = rowsOf(answers);
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    const at = row * outputs + output;
    sum += weightOf(weights, row) * loss(truth[at] ?? 0, predicted[at] ?? 0);
  }
  return sum / totalWeight(answers);
}

/** Absolute errors of one output, and the rows that have weight, those of small errors first. */
export function sortedErrors(
  answers: NumberAnswers,
  output: number,
): { errors: Float64Array; order: Uint32Array } {
  const { truth, predicted, weights, outputs } = answers;
  const errors = new Float64Array(rowsOf(answers));
  for (let row = 0; row < errors.length; row++) {
    const at = row * outputs + output;
    errors[row] = Math.abs((truth[at] ?? 0) - (predicted[at] ?? 0));
  }
  const all = orderRows(errors, 1, 0);
  return { errors, order: weights ? all.filter((row) => (weights[row] ?? 0) > 0) : all };
}

/** Weighted median of an output's absolute errors. */
export function medianError(answers: NumberAnswers, output: number): number {
  const { weights } = answers;
  const { errors, order } = sortedErrors(answers, output);
  const half = order.reduce((sum, row) => sum + weightOf(weights, row), 0) / 2;
  let below = 0;
  for (let place = 0; place < order.length; place++) {
    const row = order[place] ?? 0;
    below += weightOf(weights, row);
    if (below < half) continue;
    const error = errors[row] ?? 0;
    const next = errors[order[place + 1] ?? row] ?? 0;
    // Half of the weight lies exactly below: the median is between this error and the next.
    return below - half > Number.EPSILON ? error : (error + next) / 2;
  }
  return Number.NaN;
}

/** Residual and total sum of squares of an output, per unit of weight, and the mean of the truth. */
export function squares(answers: NumberAnswers, output: number) {
  const centre = meanLoss(answers, output, (is) => is);
  const residual = meanLoss(answers, output, square);
  return { centre, residual, total: meanLoss(answers, output, (is) => (is - centre) ** 2) };
}

/** 1 − residual / total sum of squares; for a constant target 1 when every prediction is exact, else 0. */
function determination(answers: NumberAnswers, output: number): number {
  const { residual, total } = squares(answers, output);
  if (residual === 0) return 1;
  return total === 0 ? 0 : 1 - residual / total;
}

const formulas = {
  mae: (answers: NumberAnswers, output: number) => meanLoss(answers, output, lossOf("mae", answers)),
  rmse: (answers: NumberAnswers, output: number) =>
    Math.sqrt(meanLoss(answers, output, lossOf("rmse", answers))),
  mape: (answers: NumberAnswers, output: number) => meanLoss(answers, output, lossOf("mape", answers)),
  r2: determination,
  medianAbsoluteError: medianError,
  pinball: (answers: NumberAnswers, output: number) => meanLoss(answers, output, lossOf("pinball", answers)),
};

/** Why a regressor's answers have no metrics; null when they have. */
export function unmeasurable(answers: NumberAnswers): string | null {
  if (answers.truth.length === 0) return "there are no rows";
  return answers.predicted.every(Number.isFinite) ? null : "some predictions are not finite numbers";
}

/**
 * One of the regression metrics, as scikit-learn defines them: `mean_absolute_error`,
 * `root_mean_squared_error`, `mean_absolute_percentage_error` (a share, not per cent), `r2_score` with
 * `force_finite`, `median_absolute_error`, `mean_pinball_loss`; all with
 * `multioutput="uniform_average"`.
 */
export function regressionScore(metric: keyof typeof formulas, answers: NumberAnswers): Measured {
  const fault = unmeasurable(answers);
  if (fault !== null) return unmeasured(fault);
  if (metric === "r2" && rowsOf(answers) < 2) return unmeasured("it needs at least two rows");
  let sum = 0;
  for (let output = 0; output < answers.outputs; output++) sum += formulas[metric](answers, output);
  return measured(sum / answers.outputs, "it is too large for a number, or no row has weight");
}
