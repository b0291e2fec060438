// Influence of each row on a metric: what makes standard errors of every metric, alone or of a difference.
import type { Answers, ClassAnswers, NumberAnswers } from "../metrics/answers.ts";
import type { Average } from "../metrics/confusion.ts";
import type { MetricName } from "../metrics/measure.ts";
import { confusionInfluence, isCounted } from "./influence-confusion.ts";
import { numberInfluence } from "./influence-numbers.ts";
import { eceInfluence, lossInfluence } from "./influence-probability.ts";
import { rankingInfluence } from "./influence-ranking.ts";

/** Which metric is meant: its name, and how its classes become one number. */
export interface MetricKey {
  name: MetricName;
  average: Average | null;
}

/**
 * A metric and its derivative by the weight of each row, times that weight: the infinitesimal jackknife.
 * The entries add up to 0, and the root of the sum of their squares is the metric's standard error
 * (Efron, 1982, chapter 6; for weighted rows the linearised variance of survey sampling, Binder, 1983).
 */
export interface Influence {
  value: number;
  rows: Float64Array;
}

/** The influence of every row; null when the metric has no value or no derivative there. */
export function influence(answers: Answers, { name, average }: MetricKey): Influence | null {
  const found =
    answers.task === "regression"
      ? ofNumbers(answers, name)
      : ofClasses(answers, name, average ?? (answers.task === "binary" ? "binary" : "macro"));
  if (!found || !Number.isFinite(found.value)) return null;
  // One sum: a value that is not finite anywhere makes it so.
  let sum = 0;
  for (let row = 0; row < found.rows.length; row++) sum += found.rows[row] ?? 0;
  return Number.isFinite(sum) ? found : null;
}

function ofNumbers(answers: NumberAnswers, name: MetricName): Influence | null {
  switch (name) {
    case "mae":
    case "rmse":
    case "mape":
    case "pinball":
    case "r2":
    case "medianAbsoluteError":
      return numberInfluence(name, answers);
    default:
      return null;
  }
}

function ofClasses(answers: ClassAnswers, name: MetricName, average: Average): Influence | null {
  if (isCounted(name)) return confusionInfluence(name, answers, average);
  if (name === "rocAuc" || name === "averagePrecision") return rankingInfluence(name, answers, average);
  if (name === "logLoss" || name === "brier") return lossInfluence(name, answers);
  return name === "ece" ? eceInfluence(answers) : null;
}

/** Root of the sum of squares. */
export function standardError(rows: Float64Array): number {
  let sum = 0;
  for (let row = 0; row < rows.length; row++) {
    const one = rows[row] ?? 0;
    sum += one * one;
  }
  return Math.sqrt(sum);
}
