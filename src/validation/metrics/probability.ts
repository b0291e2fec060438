// Metrics of the probabilities themselves: log loss, Brier score, expected calibration error.
import { type ClassAnswers, type Measured, measured, totalWeight, unmeasured, weightOf } from "./answers.ts";

type Loss = (probabilities: Float64Array, row: number) => number;

function meanOverRows(answers: ClassAnswers, loss: Loss): Measured {
  const { probabilities, truth, weights } = answers;
  if (!probabilities) return unmeasured("the model gives no probabilities");
  if (!probabilities.every(Number.isFinite)) return unmeasured("some probabilities are not finite");
  let sum = 0;
  for (let row = 0; row < truth.length; row++) sum += weightOf(weights, row) * loss(probabilities, row);
  return measured(sum / totalWeight(answers), "there are no rows");
}

/**
 * Mean negative log-likelihood, natural logarithm. Probabilities are clipped to [ε, 1 − ε] with float64's
 * ε, as in scikit-learn's `log_loss`, so that a certain and wrong answer costs 36.04, not infinity.
 */
export function logLoss(answers: ClassAnswers): Measured {
  const { classes, truth } = answers;
  return meanOverRows(answers, (probabilities, row) => {
    const probability = probabilities[row * classes + (truth[row] ?? 0)] ?? 0;
    return -Math.log(Math.min(Math.max(probability, Number.EPSILON), 1 - Number.EPSILON));
  });
}

/**
 * Brier score: mean squared distance between probabilities and truth. From 0 to 1 for a binary task
 * (positive class only), from 0 to 2 for several classes, as scikit-learn's `scale_by_half="auto"`.
 */
export function brier(answers: ClassAnswers): Measured {
  const { task, classes, positive, truth } = answers;
  return meanOverRows(answers, (probabilities, row) => {
    const distance = (place: number) =>
      ((truth[row] === place ? 1 : 0) - (probabilities[row * classes + place] ?? 0)) ** 2;
    if (task === "binary") return distance(positive);
    let sum = 0;
    for (let place = 0; place < classes; place++) sum += distance(place);
    return sum;
  });
}

/** Bins of equal width that {@link ece} uses. */
export const calibrationBins = 10;

/**
 * Expected calibration error: the mean gap between probability and frequency over 10 bins of equal width
 * [0, 0.1), … [0.9, 1], weighted by the rows in each. A binary task looks at the positive class's
 * probability; several classes at the highest probability, and how often that class is right (Guo et
 * al., 2017). scikit-learn has no such metric.
 */
export function ece(answers: ClassAnswers): Measured {
  const { task, classes, positive, truth, probabilities, weights } = answers;
  const gaps = new Float64Array(calibrationBins);
  const checked = meanOverRows(answers, () => 0);
  if (!probabilities || checked.value === null) return checked;
  for (let row = 0; row < truth.length; row++) {
    const place = task === "binary" ? positive : highest(probabilities, row * classes, classes);
    const probability = probabilities[row * classes + place] ?? 0;
    const bin = Math.min(Math.max(Math.floor(probability * calibrationBins), 0), calibrationBins - 1);
    gaps[bin] = (gaps[bin] ?? 0) + weightOf(weights, row) * ((truth[row] === place ? 1 : 0) - probability);
  }
  return measured(gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / totalWeight(answers));
}

/** Place of the highest of `count` values from `start` on; the first of equals. */
function highest(values: Float64Array, start: number, count: number): number {
  let best = 0;
  for (let place = 1; place < count; place++) {
    if ((values[start + place] ?? 0) > (values[start + best] ?? 0)) best = place;
  }
  return best;
}
