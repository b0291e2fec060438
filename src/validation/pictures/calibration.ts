// Reliability: how often what was given a probability is so, in bins of equal width.
import { type ClassAnswers, weightOf, type Probabilities } from "../metrics/answers.ts";
import { calibrationBins } from "../metrics/probability.ts";
import type { Calibration } from "../report/pictures.ts";

/**
 * The bins that `ece` looks at: of the positive class in a binary task, else of the most probable
 * class. Null when a probability is missing or not finite.
 */
export function calibrationOf(answers: ClassAnswers): Calibration | null {
  const { task, classes, positive, truth, probabilities, weights } = answers;
  if (!probabilities || !probabilities.every(Number.isFinite)) return null;
  const weight = new Float64Array(calibrationBins);
  const chance = new Float64Array(calibrationBins);
  const right = new Float64Array(calibrationBins);
  for (let row = 0; row < truth.length; row++) {
    const place = task === "binary" ? positive : mostProbable(probabilities, row * classes, classes);
    const probability = probabilities[row * classes + place] ?? 0;
    const bin = Math.min(Math.max(Math.floor(probability * calibrationBins), 0), calibrationBins - 1);
    const counts = weightOf(weights, row);
    weight[bin] = (weight[bin] ?? 0) + counts;
    chance[bin] = (chance[bin] ?? 0) + counts * probability;
    if (truth[row] === place) right[bin] = (right[bin] ?? 0) + counts;
  }
  const mean = (sums: Float64Array, bin: number) => {
    const counts = weight[bin] ?? 0;
    return counts > 0 ? (sums[bin] ?? 0) / counts : null;
  };
  const bins = Array.from(weight, (counts, bin) => ({
    from: bin / calibrationBins,
    to: (bin + 1) / calibrationBins,
    weight: counts,
    predicted: mean(chance, bin),
    observed: mean(right, bin),
  }));
  return { of: task === "binary" ? "positive" : "predicted", bins };
}

/** Place of the highest probability of a row; the first of equals. */
function mostProbable(probabilities: Probabilities, start: number, classes: number): number {
  let best = 0;
  for (let place = 1; place < classes; place++) {
    if ((probabilities[start + place] ?? 0) > (probabilities[start + best] ?? 0)) best = place;
  }
  return best;
}
