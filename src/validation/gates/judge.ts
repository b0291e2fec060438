// Judges every bound of `validate.gates` on the measured metrics, the comparison with production, and the costs.
import type { Gates } from "../../config/gates.ts";
import type { Average } from "../metrics/confusion.ts";
import type { Comparison, MetricReport } from "../report/measures.ts";
import { type Costs, judgeBudget } from "./budget.ts";
import { gatesOf, isBudget } from "./check.ts";
import { judgeDrop } from "./drop.ts";
import { judgeFloor } from "./floor.ts";
import { type JudgeBy, type JudgedGate, type Outcome, withoutNumbers } from "./gate.ts";

/** What gates are judged on. */
export interface Evidence {
  metrics: readonly MetricReport[];
  /** Candidate and production on the same rows; empty when there is no version in production. */
  comparisons: readonly Comparison[];
  /** The version in production: null before the first release; with a reason when it gave no answers. */
  production: { reason: string | null } | null;
  costs: Costs;
  judgeBy: JudgeBy;
}

/** Judges every bound of every gate. The gates fit the task: see `checkGates`. */
export function judgeGates(gates: Gates, evidence: Evidence): JudgedGate[] {
  return gatesOf(gates).flatMap(([metric, gate]) => {
    const asked = (["min", "max", "maxDrop"] as const).flatMap((bound) => {
      const required = gate[bound];
      return required === undefined ? [] : [{ bound, required }];
    });
    return asked.map(({ bound, required }): JudgedGate => {
      const id = `${metric}.${bound}`;
      if (isBudget(metric)) {
        const outcome = judgeBudget(metric, required, evidence.costs[metric]);
        return { id, metric, average: null, bound, slice: null, required, ...outcome };
      }
      const found = evidence.metrics.find(
        ({ name, average }) => name === metric && (gate.average === undefined || average === gate.average),
      );
      const average = found?.average ?? null;
      const outcome = judgeBound(found, { bound, required, key: `validate.gates.${id}` }, evidence);
      return { id, metric, average, bound, slice: null, required, ...outcome };
    });
  });
}

function judgeBound(
  metric: MetricReport | undefined,
  asked: { bound: "min" | "max" | "maxDrop"; required: number; key: string },
  { comparisons, production, judgeBy }: Evidence,
): Outcome {
  if (!metric) return withoutNumbers("error", "it was not measured", "gate another metric");
  const { bound, required, key } = asked;
  if (bound !== "maxDrop" || metric.value === null) {
    return judgeFloor(metric, { side: bound === "max" ? "max" : "min", required, key }, judgeBy);
  }
  return judgeAgainst(metric, required, { comparisons, production, judgeBy });
}

/** Judges a `maxDrop` of a metric that has a value. */
export function judgeAgainst(
  metric: { name: string; average: Average | null; value: number | null; n: number },
  required: number,
  { comparisons, production, judgeBy }: Pick<Evidence, "comparisons" | "production" | "judgeBy">,
): Outcome {
  const seen = { observed: metric.value };
  if (production === null) {
    const why = "no version is in production yet: this is the first release";
    return { ...withoutNumbers("skipped", why, "it is judged from the second release on"), ...seen };
  }
  if (production.reason !== null) {
    const why = `the version in production cannot be compared on these rows: ${production.reason}`;
    const hint = "use rows that both versions can answer, or remove maxDrop for this release";
    return { ...withoutNumbers("error", why, hint), ...seen };
  }
  const compared = comparisons.find(
    ({ metric: name, average }) => name === metric.name && average === metric.average,
  );
  if (!compared) {
    const why = `${metric.name} of the version in production has no value on these rows`;
    return { ...withoutNumbers("error", why, "gate a metric that both versions have"), ...seen };
  }
  return judgeDrop(compared, required, metric.n, judgeBy);
}
