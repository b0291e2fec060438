// How sure a metric is: its value, and an interval of any level, by the method that suits it.
import { type Answers, type NumberAnswers, rowsOf } from "../metrics/answers.ts";
import { areaEstimate } from "./estimate-area.ts";
import { flawlessEstimate } from "./estimate-flawless.ts";
import { influence, type MetricKey, standardError } from "./influence.ts";
import { type Estimate, linearEstimate } from "./linear-estimate.ts";
import { calibrationEstimate } from "./estimate-calibration.ts";
import { countedEstimate } from "./estimate-counted.ts";
import { relativeEstimate } from "./estimate-relative.ts";
import { isCounted } from "./influence-confusion.ts";
import { sortedErrors } from "../metrics/regression.ts";
import { medianBounds } from "./median.ts";
import { fisher, logarithm, type Scale, unexplained } from "./scale.ts";

const scales: Partial<Record<MetricKey["name"], Scale>> = {
  mcc: fisher,
  r2: unexplained,
};

/** The estimate of a metric; null when it has no value. */
export function estimate(answers: Answers, key: MetricKey): Estimate | null {
  if (answers.task !== "regression" && isCounted(key.name)) return countedEstimate(answers, key);
  if (answers.task !== "regression" && key.name === "ece") return calibrationEstimate(answers);
  if (answers.task === "regression" && key.name === "medianAbsoluteError" && answers.outputs === 1)
    return medianEstimate(answers, key);
  const found = influence(answers, key);
  if (!found) return null;
  // Rounding leaves some 1e-17 per row where there is no scatter.
  if (standardError(found.rows) <= 1e-14 * Math.abs(found.value)) {
    return flawlessEstimate(answers, Math.abs(found.value - 1) < 1e-12 ? 1 : found.value);
  }
  if (answers.task !== "regression" && (key.name === "rocAuc" || key.name === "averagePrecision"))
    return areaEstimate(found, answers, key.name === "rocAuc");
  if (answers.task === "regression" && key.name === "mape") return relativeEstimate(found, answers);
  return linearEstimate(found, scales[key.name] ?? logarithm, rowsOf(answers), "influence");
}

function medianEstimate(answers: NumberAnswers, key: MetricKey): Estimate | null {
  const found = influence(answers, key);
  const sorted = sortedErrors(answers, 0);
  return (
    found && {
      value: found.value,
      method: "order",
      bounds: (z) => medianBounds(sorted, answers.weights, z),
    }
  );
}
