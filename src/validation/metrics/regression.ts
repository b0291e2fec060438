// Metrics of predicted numbers.
import { type Measured, measured, type NumberAnswers, totalWeight, unmeasured, weightOf } from "./answers.ts";

function mean(answers: NumberAnswers, loss: (truth: number, predicted: number) => number): number {
  const { truth, predicted, weights } = answers;
  let sum = 0;
  for (let row = 0; row < truth.length; row++) {
    sum += weightOf(weights, row) * loss(truth[row] ?? 0, predicted[row] ?? 0);
  }
  return sum / totalWeight(answers);
}

function median({ truth, predicted, weights }: NumberAnswers): number {
  const errors = Float64Array.from(truth, (is, row) => Math.abs(is - (predicted[row] ?? 0)));
  const order = Uint32Array.from(truth, (_is, row) => row)
    .filter((row) => weightOf(weights, row) > 0)
    .sort((a, b) => (errors[a] ?? 0) - (errors[b] ?? 0));
  const half = order.reduce((sum, row) => sum + weightOf(weights, row), 0) / 2;
  let below = 0;
  for (const [place, row] of order.entries()) {
    below += weightOf(weights, row);
    if (below < half) continue;
    const error = errors[row] ?? 0;
    const next = errors[order[place + 1] ?? row] ?? 0;
    // Half of the weight lies exactly below: the median is between this error and the next.
    return below - half > Number.EPSILON ? error : (error + next) / 2;
  }
  return Number.NaN;
}

/** 1 − residual / total sum of squares; for a constant target 1 when every prediction is exact, else 0. */
function determination(answers: NumberAnswers): number {
  const centre = mean(answers, (is) => is);
  const residual = mean(answers, (is, said) => (is - said) ** 2);
  const total = mean(answers, (is) => (is - centre) ** 2);
  if (residual === 0) return 1;
  return total === 0 ? 0 : 1 - residual / total;
}

const formulas = {
  mae: (answers: NumberAnswers) => mean(answers, (is, said) => Math.abs(is - said)),
  rmse: (answers: NumberAnswers) => Math.sqrt(mean(answers, (is, said) => (is - said) ** 2)),
  // A true value of 0 is divided by float64's ε, as in scikit-learn.
  mape: (answers: NumberAnswers) =>
    mean(answers, (is, said) => Math.abs(is - said) / Math.max(Math.abs(is), Number.EPSILON)),
  r2: determination,
  medianAbsoluteError: median,
  pinball: (answers: NumberAnswers) => mean(answers, (is, said) => Math.abs(is - said) / 2),
};

/**
 * One of the regression metrics, as scikit-learn defines them: `mean_absolute_error`,
 * `root_mean_squared_error`, `mean_absolute_percentage_error` (a share, not per cent), `r2_score` with
 * `force_finite`, `median_absolute_error`, `mean_pinball_loss(alpha=0.5)`.
 */
export function regressionScore(metric: keyof typeof formulas, answers: NumberAnswers): Measured {
  if (answers.truth.length === 0) return unmeasured("there are no rows");
  if (!answers.predicted.every(Number.isFinite)) return unmeasured("some predictions are not finite numbers");
  if (metric === "r2" && answers.truth.length < 2) return unmeasured("it needs at least two rows");
  return measured(formulas[metric](answers), "it is too large for a number, or no row has weight");
}
