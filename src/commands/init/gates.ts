// Proposes gates from what a model reaches today: near enough to stop a worse one, with room for noise.
import type { qualityMetrics } from "../../config/gates.ts";
import type { MlshipFile } from "../../config/schema.ts";
import type { Task } from "../../model/model.ts";

type QualityMetric = (typeof qualityMetrics)[number];

/** `validate.gates` as mlship.yaml writes it. */
export type WrittenGates = NonNullable<MlshipFile["validate"]["gates"]>;

/** The few metrics that say most about a model of each task; more gates only fail more often by chance. */
const telling: Readonly<Record<Task, readonly QualityMetric[]>> = {
  binary: ["accuracy", "f1", "rocAuc"],
  multiclass: ["accuracy", "balancedAccuracy", "f1"],
  regression: ["r2", "mae", "rmse"],
};

const errors: ReadonlySet<QualityMetric> = new Set<QualityMetric>(["mae", "rmse"]);

/** What a score may lose, and by which part an error may grow, before the gate fails. */
const margin = { score: 0.02, error: 0.1 };

/**
 * Gates that the measured model passes. A score (at most 1) gets a `min`: 0.02 below what was
 * measured, rounded down to two decimals. An error gets a `max`: a tenth above, rounded up to two
 * digits. A metric that was not measured gives no gate, and neither does one whose gate would
 * say nothing: a score whose bound is not above 0, an error of 0.
 * @param metrics name of a metric → its value, with the average that the task means by default.
 */
export function proposeGates(metrics: Readonly<Record<string, number>>, task: Task): WrittenGates {
  const gates: WrittenGates = {};
  for (const metric of telling[task]) {
    const value = metrics[metric] ?? Number.NaN;
    const gate = errors.has(metric) ? atMost(value) : atLeast(value);
    if (gate) gates[metric] = gate;
  }
  return gates;
}

function atLeast(score: number): { min: number } | null {
  // The small number keeps 0.97 - 0.02 at 0.95: binary fractions fall just below it.
  const min = Math.floor((score - margin.score) * 100 + 1e-9) / 100;
  return min > 0 && Number.isFinite(min) ? { min } : null;
}

function atMost(error: number): { max: number } | null {
  if (!(error > 0 && Number.isFinite(error))) return null;
  const max = roundUp(error * (1 + margin.error));
  return Number.isFinite(max) ? { max } : null;
}

/** Up to two digits, by way of decimal text, so that 0.33 is not 0.33000000000000004. */
function roundUp(value: number): number {
  const [digits, exponent] = value.toExponential().split("e");
  return Number(`${Math.ceil(Number(digits) * 10 - 1e-9)}e${Number(exponent) - 1}`);
}
