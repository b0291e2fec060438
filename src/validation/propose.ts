// Gates to begin with, from what a model reaches now.
import type { Gates } from "../config/gates.ts";
import { MlshipError } from "../errors.ts";
import type { Task } from "../model/model.ts";
import { averagesOf, findMetric, type Metric, type MetricName } from "./metrics/measure.ts";

/** How far below the measured value a proposed minimum lies, before it is rounded down to 0.01. */
export const proposedMargin = 0.02;

/** How much above the measured value a proposed maximum lies, before it is rounded up to two digits. */
export const proposedSlack = 0.1;

const worthGating: Record<Task, { min: MetricName[]; max: MetricName[] }> = {
  binary: { min: ["accuracy", "recall", "rocAuc"], max: [] },
  multiclass: { min: ["accuracy", "f1"], max: [] },
  regression: { min: ["r2"], max: ["mae"] },
};

/**
 * Proposes gates that the measured model passes with a margin: minima 0.02 below the value, rounded down
 * to 0.01; maxima a tenth above it, rounded up to two digits. A metric without a value, or too low to be
 * worth defending (a minimum of 0 or less), is left out.
 */
export function proposeGates(task: Task, metrics: readonly Metric[]): Gates {
  const gates: Gates = {};
  for (const name of worthGating[task].min) {
    const [average] = averagesOf(task, name);
    const value = findMetric(metrics, name, average)?.value;
    // The small addition keeps 0.97 - 0.02 at 0.95: the difference is 0.9499999….
    const min = value == null ? 0 : Math.floor((value - proposedMargin) * 100 + 1e-9) / 100;
    if (min > 0) gates[name] = { min };
  }
  for (const name of worthGating[task].max) {
    const value = findMetric(metrics, name, null)?.value;
    if (value != null && value > 0) gates[name] = { max: roundUp(value * (1 + proposedSlack)) };
  }
  return gates;
}

function roundUp(value: number): number {
  const digits = 1 - Math.floor(Math.log10(value));
  const step = Number(`1e${digits}`);
  return Number((Math.ceil(value * step - 1e-9) / step).toPrecision(2));
}

/** The error of a project without gates: it proposes some, from what was measured. Exit 2. */
export function noGates(task: Task, metrics: readonly Metric[]): MlshipError {
  const proposed = Object.entries(proposeGates(task, metrics)).map(([name, { min, max }]) =>
    min === undefined ? `${name}: { max: ${max} }` : `${name}: { min: ${min} }`,
  );
  return new MlshipError({
    code: "gates.none",
    what: "mlship.yaml has no gates, so nothing decides whether this model may ship",
    fix:
      proposed.length === 0
        ? "add a gate under validate.gates, such as accuracy: { min: 0.9 }"
        : `add gates under validate.gates; this model reaches, with a margin: ${proposed.join(", ")}`,
    exit: "usage",
  });
}
