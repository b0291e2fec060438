// How sure a metric is: its value, and an interval of any level, by the method that suits it.
import { type Answers, type NumberAnswers, rowsOf } from "../metrics/answers.ts";
import { influence, type MetricKey } from "./influence.ts";
import { type Estimate, linearEstimate } from "./linear-estimate.ts";
import { countedEstimate } from "./estimate-counted.ts";
import { isCounted } from "./influence-confusion.ts";
import { sortedErrors } from "../metrics/regression.ts";
import { medianBounds } from "./median.ts";
import { fisher, logarithm, logit, type Scale, unexplained } from "./scale.ts";

const scales: Partial<Record<MetricKey["name"], Scale>> = {
  rocAuc: logit,
  averagePrecision: logit,
  mcc: fisher,
  r2: unexplained,
};

/** The estimate of a metric; null when it has no value. */
export function estimate(answers: Answers, key: MetricKey): Estimate | null {
  if (answers.task !== "regression" && isCounted(key.name)) return countedEstimate(answers, key);
  if (answers.task === "regression" && key.name === "medianAbsoluteError" && answers.outputs === 1)
    return medianEstimate(answers, key);
  const found = influence(answers, key);
  return (
    found &&
    linearEstimate(
      found,
      scales[key.name] ?? logarithm,
      rowsOf(answers),
      key.name === "rocAuc" ? "delong" : "influence",
    )
  );
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
