// How metrics of the probabilities themselves change with the weight of a row.
import { type ClassAnswers, totalWeight, weightOf } from "../metrics/answers.ts";
import { brierOf, calibratedOf, calibrationBins, logLossOf } from "../metrics/probability.ts";
import { unranked } from "../metrics/ranking.ts";
import type { Influence } from "./influence.ts";

const losses = { logLoss: logLossOf, brier: brierOf };

/** Influence of the rows on log loss or Brier score: how far each is from the mean. */
export function lossInfluence(metric: keyof typeof losses, answers: ClassAnswers): Influence | null {
  const { probabilities, truth, weights } = answers;
  if (!probabilities || unranked(answers) !== null) return null;
  const loss = losses[metric](answers, probabilities);
  return meanInfluence(truth.length, weights, totalWeight(answers), loss);
}

/** Influence of the rows on a weighted mean of what they cost. */
export function meanInfluence(
  count: number,
  weights: Float64Array | null,
  all: number,
  cost: (row: number) => number,
): Influence {
  const rows = new Float64Array(count);
  let value = 0;
  for (let row = 0; row < count; row++) {
    const one = cost(row);
    rows[row] = one;
    value += weightOf(weights, row) * one;
  }
  value /= all;
  for (let row = 0; row < count; row++)
    rows[row] = (weightOf(weights, row) * ((rows[row] ?? 0) - value)) / all;
  return { value, rows };
}

/** Influence of the rows on the calibration error, as long as no bin's gap changes its sign. */
export function eceInfluence(answers: ClassAnswers): Influence | null {
  const { probabilities, truth, weights } = answers;
  if (!probabilities || unranked(answers) !== null) return null;
  const { bin, gap } = calibratedOf(answers, probabilities);
  const gaps = new Float64Array(calibrationBins);
  for (let row = 0; row < truth.length; row++) {
    const at = bin(row);
    gaps[at] = (gaps[at] ?? 0) + weightOf(weights, row) * gap(row);
  }
  return meanInfluence(
    truth.length,
    weights,
    totalWeight(answers),
    (row) => Math.sign(gaps[bin(row)] ?? 0) * gap(row),
  );
}
