// How metrics of predicted numbers change with the weight of a row.
import { type NumberAnswers, rowsOf, totalWeight, weightOf } from "../metrics/answers.ts";
import { lossOf, medianError, sortedErrors, squares, unmeasurable } from "../metrics/regression.ts";
import type { Influence } from "./influence.ts";
import { meanInfluence } from "./influence-probability.ts";
import { medianBounds } from "./median.ts";
import { criticalValue } from "./normal.ts";

type NumberMetric = "mae" | "rmse" | "mape" | "pinball" | "r2" | "medianAbsoluteError";

/** Influence of the rows on a metric: the mean of its influence over the outputs. */
export function numberInfluence(metric: NumberMetric, answers: NumberAnswers): Influence | null {
  if (unmeasurable(answers) !== null || rowsOf(answers) < 2) return null;
  const rows = new Float64Array(rowsOf(answers));
  let value = 0;
  for (let output = 0; output < answers.outputs; output++) {
    const one = ofOutput(metric, answers, output);
    if (!one) return null;
    value += one.value / answers.outputs;
    for (let row = 0; row < rows.length; row++)
      rows[row] = (rows[row] ?? 0) + (one.rows[row] ?? 0) / answers.outputs;
  }
  return { value, rows };
}

function ofOutput(metric: NumberMetric, answers: NumberAnswers, output: number): Influence | null {
  if (metric === "medianAbsoluteError") return ofMedian(answers, output);
  const { truth, predicted, weights, outputs } = answers;
  const all = totalWeight(answers);
  const count = rowsOf(answers);
  const is = (row: number) => truth[row * outputs + output] ?? 0;
  const said = (row: number) => predicted[row * outputs + output] ?? 0;
  if (metric === "r2") {
    const { centre, residual, total } = squares(answers, output);
    if (!(total > 0)) return null;
    const share = residual / total;
    const slope = (row: number) => (share * (is(row) - centre) ** 2 - (is(row) - said(row)) ** 2) / total;
    return { value: 1 - share, rows: meanInfluence(count, weights, all, slope).rows };
  }
  const loss = lossOf(metric, answers);
  const mean = meanInfluence(count, weights, all, (row) => loss(is(row), said(row)));
  if (metric !== "rmse") return mean;
  const root = Math.sqrt(mean.value);
  // The root of 0 has no slope; but then every error is 0.
  return { value: root, rows: root === 0 ? mean.rows : mean.rows.map((one) => one / (2 * root)) };
}

/**
 * A median moves by half of a row's weight over the density of the errors there. The density is that
 * which makes the standard error agree with the interval of order statistics (Woodruff, 1952).
 */
function ofMedian(answers: NumberAnswers, output: number): Influence | null {
  const { weights } = answers;
  const value = medianError(answers, output);
  const sorted = sortedErrors(answers, output);
  const z = criticalValue(0.95);
  const bounds = medianBounds(sorted, weights, z);
  if (!bounds) return null;
  const rows = new Float64Array(sorted.errors.length);
  let [sum, below, all] = [0, 0, 0];
  for (let row = 0; row < rows.length; row++) {
    const weight = weightOf(weights, row);
    const isBelow = (sorted.errors[row] ?? 0) <= value;
    all += weight;
    below += isBelow ? weight : 0;
    sum += (weight / 2) ** 2;
    rows[row] = isBelow ? -weight : weight;
  }
  const scale = (bounds.hi - bounds.lo) / (2 * z) / Math.sqrt(sum) / 2;
  const centre = (all - 2 * below) / all;
  for (let row = 0; row < rows.length; row++)
    rows[row] = scale * ((rows[row] ?? 0) - weightOf(weights, row) * centre);
  return { value, rows };
}
