// Which metrics a part of the rows is measured by.
import type { QualityGates, QualityMetric } from "../../config/gates.ts";
import type { Task } from "../../model/model.ts";
import { gatesOf } from "../gates/check.ts";
import type { Average } from "../metrics/confusion.ts";
import { averagesOf } from "../metrics/measure.ts";

/** A metric and how its classes become one number. */
export interface Wanted {
  name: QualityMetric;
  average: Average | null;
}

/** The one metric that says most about any part of the rows. */
export function headline(task: Task): Wanted {
  return { name: task === "regression" ? "mae" : "accuracy", average: null };
}

/** The metrics of gates with the average that each means, and the headline when it is not among them. */
export function wantedBy(gates: QualityGates, task: Task): Wanted[] {
  const gated = gatesOf(gates).map(([name, { average }]) => {
    return { name, average: average ?? averagesOf(task, name)[0] ?? null };
  });
  const main = headline(task);
  return gated.some(({ name }) => name === main.name) ? gated : [main, ...gated];
}
