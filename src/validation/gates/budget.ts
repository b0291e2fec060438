// Judges budgets: what a model may cost in time, memory and disk.
import type { budgets } from "../../config/gates.ts";
import { type Outcome, withoutNumbers } from "./gate.ts";

type Budget = (typeof budgets)[number];

/**
 * What a model costs: seconds for one row (the 99th percentile) and to load, bytes of memory after
 * loading and of files. Null when it was not measured.
 */
export type Costs = Record<Budget, number | null>;

/** Judges a cost. Only the size of the files is the same in every run, so only it stands in the gate. */
export function judgeBudget(metric: Budget, most: number, cost: number | null): Outcome {
  if (cost === null) {
    return withoutNumbers("error", `${metric} was not measured`, "validate again, or remove the gate");
  }
  const keeps = cost <= most;
  return {
    observed: metric === "modelSize" ? cost : null,
    ci: null,
    production: null,
    rowsToDecide: null,
    status: keeps ? "pass" : "fail",
    why: keeps ? `${metric} is within its budget` : `${metric} is over its budget`,
    hint: keeps ? null : `make the model smaller, or raise validate.gates.${metric}.max`,
  };
}
