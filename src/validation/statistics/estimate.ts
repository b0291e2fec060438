// How sure a metric is: its value, and an interval of any level, by the method that suits it.
import { type Answers, type NumberAnswers, rowsOf } from "../metrics/answers.ts";
import { flawlessEstimate } from "./estimate-flawless.ts";
import { influence, type MetricKey, standardError } from "./influence.ts";
import { type Estimate, freedomOf, linearEstimate } from "./linear-estimate.ts";
import { calibrationEstimate } from "./estimate-calibration.ts";
import { countedEstimate } from "./estimate-counted.ts";
import { isCounted } from "./influence-confusion.ts";
import { sortedErrors } from "../metrics/regression.ts";
import { medianBounds } from "./median.ts";
import { fisher, logarithm, logit, type Scale, unexplained } from "./scale.ts";
import { freedomOfClasses, leastAreaError, stretched } from "./within-classes.ts";

const scales: Partial<Record<MetricKey["name"], Scale>> = {
  rocAuc: logit,
  averagePrecision: logit,
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
  const scale = scales[key.name] ?? logarithm;
  if (answers.task !== "regression" && (key.name === "rocAuc" || key.name === "averagePrecision")) {
    const isArea = key.name === "rocAuc";
    const unbiased = stretched(found.rows, answers);
    const floor = isArea ? leastAreaError(found.value, answers) / standardError(unbiased) : 0;
    const rows = floor > 1 ? unbiased.map((one) => one * floor) : unbiased;
    const method = isArea ? "delong" : "influence";
    const freedom = Math.min(freedomOf(rows), freedomOfClasses(rows, answers));
    return linearEstimate({ ...found, rows }, scale, rowsOf(answers), method, freedom);
  }
  return linearEstimate(found, scale, rowsOf(answers), "influence");
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
