// Metrics of the probabilities themselves: log loss, Brier score, expected calibration error.
import {
  type ClassAnswers,
  type Measured,
  measured,
  totalWeight,
  unmeasured,
  weightOf,
  type Probabilities,
} from "./answers.ts";
import { unranked } from "./ranking.ts";

/** What the probabilities of one row cost. */
export type RowLoss = (row: number) => number;

function meanOverRows(answers: ClassAnswers, lossOfRow: (probabilities: Probabilities) => RowLoss): Measured {
  const { probabilities, truth, weights } = answers;
  const fault = unranked(answers);
  if (!probabilities || fault !== null) return unmeasured(fault ?? "");
  const loss = lossOfRow(probabilities);
  let sum = 0;
  for (let row = 0; row < truth.length; row++) sum += weightOf(weights, row) * loss(row);
  return measured(sum / totalWeight(answers), "there are no rows");
}

/**
 * Negative log-likelihood of a row's label, natural logarithm. Probabilities are clipped to [ε, 1 − ε]
 * with float64's ε, as in scikit-learn's `log_loss`, so that a certain and wrong answer costs 36.04, not
 * infinity.
 */
export function logLossOf({ classes, truth }: ClassAnswers, probabilities: Probabilities): RowLoss {
  return (row) => {
    const probability = probabilities[row * classes + (truth[row] ?? 0)] ?? 0;
    return -Math.log(Math.min(Math.max(probability, Number.EPSILON), 1 - Number.EPSILON));
  };
}

/**
 * Squared distance between a row's probabilities and the truth. From 0 to 1 for a binary task (positive
 * class only), from 0 to 2 for several classes, as scikit-learn's `scale_by_half="auto"`.
 */
export function brierOf(
  { task, classes, positive, truth }: ClassAnswers,
  probabilities: Probabilities,
): RowLoss {
  const distance = (row: number, place: number) =>
    ((truth[row] === place ? 1 : 0) - (probabilities[row * classes + place] ?? 0)) ** 2;
  if (task === "binary") return (row) => distance(row, positive);
  return (row) => {
    let sum = 0;
    for (let place = 0; place < classes; place++) sum += distance(row, place);
    return sum;
  };
}

/** Mean negative log-likelihood. */
export function logLoss(answers: ClassAnswers): Measured {
  return meanOverRows(answers, (probabilities) => logLossOf(answers, probabilities));
}

/** Brier score: mean squared distance between probabilities and truth. */
export function brier(answers: ClassAnswers): Measured {
  return meanOverRows(answers, (probabilities) => brierOf(answers, probabilities));
}

/** Bins of equal width that {@link ece} uses. */
export const calibrationBins = 10;

/** The bin of each row, and how far its outcome (0 or 1) is above its probability. */
export function calibratedOf(
  { task, classes, positive, truth }: ClassAnswers,
  probabilities: Probabilities,
): { bin: (row: number) => number; gap: (row: number) => number } {
  const place = (row: number) =>
    task === "binary" ? positive : highest(probabilities, row * classes, classes);
  return {
    bin(row) {
      const probability = probabilities[row * classes + place(row)] ?? 0;
      return Math.min(Math.max(Math.floor(probability * calibrationBins), 0), calibrationBins - 1);
    },
    gap(row) {
      const at = place(row);
      return (truth[row] === at ? 1 : 0) - (probabilities[row * classes + at] ?? 0);
    },
  };
}

/**
 * Expected calibration error: the mean gap between probability and frequency over 10 bins of equal width
 * [0, 0.1), … [0.9, 1], weighted by the rows in each. A binary task looks at the positive class's
 * probability; several classes at the highest probability, and how often that class is right (Guo et
 * al., 2017). scikit-learn has no such metric.
 */
export function ece(answers: ClassAnswers): Measured {
  const { truth, probabilities, weights } = answers;
  const fault = unranked(answers);
  if (!probabilities || fault !== null) return unmeasured(fault ?? "");
  const gaps = new Float64Array(calibrationBins);
  const { bin, gap } = calibratedOf(answers, probabilities);
  for (let row = 0; row < truth.length; row++) {
    const at = bin(row);
    gaps[at] = (gaps[at] ?? 0) + weightOf(weights, row) * gap(row);
  }
  return measured(
    gaps.reduce((sum, one) => sum + Math.abs(one), 0) / totalWeight(answers),
    "there are no rows",
  );
}

/** Place of the highest of `count` values from `start` on; the first of equals. */
function highest(values: Probabilities, start: number, count: number): number {
  let best = 0;
  for (let place = 1; place < count; place++) {
    if ((values[start + place] ?? 0) > (values[start + best] ?? 0)) best = place;
  }
  return best;
}
