// Proposes gates from what a model reaches today: bounds that it is shown to keep, with room for other rows.
import type { QualityMetric } from "../../config/gates.ts";
import type { MlshipFile } from "../../config/schema.ts";
import type { Task } from "../../model/model.ts";

/** What a model reaches today, and how sure that is; no interval where the rows give none. */
export interface Reached {
  value: number;
  ci: { lo: number; hi: number } | null;
}

/** `validate.gates` as mlship.yaml writes it. */
export type WrittenGates = NonNullable<MlshipFile["validate"]["gates"]>;

/** The few metrics that say most about a model of each task; more gates only fail more often by chance. */
const telling: Readonly<Record<Task, readonly QualityMetric[]>> = {
  binary: ["accuracy", "f1", "rocAuc"],
  multiclass: ["accuracy", "balancedAccuracy", "f1"],
  regression: ["r2", "mae", "rmse"],
};

const errors: ReadonlySet<QualityMetric> = new Set<QualityMetric>(["mae", "rmse"]);

/**
 * Room between the interval's end and the bound. A model as good as this one has another interval on
 * other rows; without room every second one of them would end inconclusive.
 */
const margin = { score: 0.01, error: 0.05 };

/**
 * Gates that the measured model is shown to pass: each bound lies outside the metric's interval. A score
 * (at most 1) gets a `min`: 0.01 below the interval, rounded down to two decimals. An error gets a
 * `max`: a twentieth above it, rounded up to two digits. A metric without an interval gives no gate, and
 * neither does one whose gate would say nothing: a score whose bound is not above 0, an error of 0.
 * @param metrics name of a metric → what it is, with the average that the task means by default.
 */
export function proposeGates(metrics: Readonly<Record<string, Reached>>, task: Task): WrittenGates {
  const gates: WrittenGates = {};
  for (const metric of telling[task]) {
    const ci = metrics[metric]?.ci;
    const gate = ci && (errors.has(metric) ? atMost(ci.hi) : atLeast(ci.lo));
    if (gate) gates[metric] = gate;
  }
  return gates;
}

function atLeast(score: number): { min: number } | null {
  // The small number keeps 0.96 - 0.01 at 0.95: binary fractions may fall just below it.
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
