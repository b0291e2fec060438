// Refuses gates that can never be evaluated for a task, and a project without any gate.
import { budgets, type Gate, type GateMetric, type Gates, type QualityMetric } from "../../config/gates.ts";
import type { FairnessRule, SliceRule } from "../../config/config.ts";
import { MlshipError, type Problem } from "../../errors.ts";
import type { Task } from "../../model/model.ts";
import type { Average } from "../metrics/confusion.ts";
import { averagesOf, defaultValues, type Metric, metricsOf } from "../metrics/measure.ts";
import { showNumber } from "../show.ts";

/** Whether a gate looks at what the model costs rather than at what it answers. */
export const isBudget = (metric: GateMetric): metric is (typeof budgets)[number] =>
  budgets.some((name) => name === metric);

/** Everything in `validate` that names a metric. */
export interface Bounds {
  gates: Gates;
  slices: readonly SliceRule[];
  fairness: readonly FairnessRule[];
}

/**
 * Rejects bounds that can never be evaluated for this task, all of them at once.
 * @throws MlshipError `gates.not-for-task`, exit 2, that names the metrics and averages there are.
 */
export function checkGates({ gates, slices, fairness }: Bounds, task: Task): void {
  const problems = [
    ...problemsOf(gates, "validate.gates", task),
    ...slices.flatMap((slice, place) =>
      problemsOf(slice.gates ?? {}, `validate.slices[${place}].gates`, task),
    ),
    ...fairness.flatMap((rule, place) => {
      const problem = problemOf(
        rule.metric,
        rule.average,
        `validate.fairness[${place}].metric ${rule.metric}`,
        task,
      );
      return problem ? [problem] : [];
    }),
  ];
  const [first] = problems;
  if (!first) return;
  throw new MlshipError({
    code: "gates.not-for-task",
    what: problems.length === 1 ? first.what : `${problems.length} gates do not fit a ${task} model`,
    fix: first.fix ?? "correct the gates in mlship.yaml",
    exit: "usage",
    ...(problems.length > 1 ? { problems } : {}),
  });
}

function problemsOf(gates: Gates, path: string, task: Task): Problem[] {
  return gatesOf(gates).flatMap(([name, gate]) => {
    if (isBudget(name)) {
      if (gate.min === undefined && gate.maxDrop === undefined) return [];
      return [{ what: `${path}.${name}: a budget has max only`, fix: "use max" }];
    }
    const problem = problemOf(name, gate.average ?? null, `${path}.${name}`, task);
    return problem ? [problem] : [];
  });
}

function problemOf(metric: QualityMetric, average: Average | null, path: string, task: Task): Problem | null {
  const valid = metricsOf(task);
  if (!valid.includes(metric)) {
    return { what: `${path} is no metric of a ${task} model`, fix: `use one of ${valid.join(", ")}` };
  }
  const averages = averagesOf(task, metric);
  if (average === null || averages.includes(average)) return null;
  const names = averages.filter((name) => name !== null);
  return {
    what: `${path}.average cannot be ${average} here`,
    fix: names.length === 0 ? "remove it" : `use one of ${names.join(", ")}`,
  };
}

/** The gates that are there, in the order of the file. */
export function gatesOf<Name extends string>(gates: Partial<Record<Name, Gate>>): [Name, Gate][] {
  const names = Object.keys(gates).filter((name): name is Name => Object.hasOwn(gates, name));
  return names.flatMap((name) => {
    const gate = gates[name];
    return gate ? [[name, gate]] : [];
  });
}

/**
 * The error of a project without gates, with what was measured. Nothing would decide then, and nothing
 * decided is not passed. Exit 2.
 */
export function noGates(task: Task, metrics: readonly Metric[]): MlshipError {
  const reached = Object.entries(defaultValues(task, metrics)).map(
    ([name, value]) => `${name} ${showNumber(value)}`,
  );
  return new MlshipError({
    code: "gates.none",
    what: "mlship.yaml has no gates, so nothing decides whether this model may ship",
    why: `measured: ${reached.join(", ")}`,
    fix: `add a gate under validate.gates, such as ${task === "regression" ? "r2: { min: 0.8 }" : "accuracy: { min: 0.9 }"}`,
    exit: "usage",
  });
}
