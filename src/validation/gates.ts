// Judges measured metrics by the gates of mlship.yaml. A gate that could not be evaluated never passes.
import { budgets, type GateMetric, type Gates } from "../config/gates.ts";
import { MlshipError, type Problem } from "../errors.ts";
import type { Task } from "../model/model.ts";
import type { Average } from "./metrics/confusion.ts";
import {
  averagesOf,
  defaultValues,
  findMetric,
  isLoss,
  type Metric,
  type MetricName,
  metricsOf,
} from "./metrics/measure.ts";
import type { Finding } from "./sanity.ts";
import { showApart, showName, showNumber } from "./show.ts";

type Bound = "min" | "max" | "maxDrop";
export type GateStatus = "pass" | "fail" | "inconclusive" | "error" | "skipped";
export type Verdict = "pass" | "fail" | "inconclusive";

/** One bound, judged. */
export interface JudgedGate {
  /** `recall.min`. */
  id: string;
  metric: GateMetric;
  average: Average | null;
  bound: Bound;
  slice: null;
  required: number;
  ci: null;
  rowsToDecide: null;
  /** Null when there is none, and for `loadTime` and `rss`, which differ from run to run. */
  observed: number | null;
  /** The value of the version in production; only for `maxDrop`. */
  production: number | null;
  status: GateStatus;
  why: string;
  /** What to do about it; null for a gate that passed. */
  hint: string | null;
}

/** What the model costs: seconds for a row and to load, bytes of memory after loading and of files; null when not measured. */
export type Costs = Record<(typeof budgets)[number], number | null>;

/** The metrics of the version in production on the same rows. */
export type ProductionMetrics = readonly { name: string; average: string | null; value: number | null }[];

/** Differences below this are rounding: 0.95 − 0.94 is not more than 0.01. */
const rounding = 1e-9;

const isBudget = (metric: string): metric is (typeof budgets)[number] =>
  budgets.some((name) => name === metric);

/**
 * Rejects gates that can never be evaluated for this task, all of them at once.
 * @throws MlshipError `gates.not-for-task`, exit 2, that names the metrics and averages there are.
 */
export function checkGates(gates: Gates, task: Task): void {
  const valid: readonly string[] = metricsOf(task);
  const problems: Problem[] = [];
  for (const [name, gate] of Object.entries(gates)) {
    const path = `validate.gates.${name}`;
    if (isBudget(name)) {
      if (gate.maxDrop !== undefined)
        problems.push({ what: `${path}: a budget has no maxDrop`, fix: "use max" });
    } else if (!valid.includes(name)) {
      problems.push({
        what: `${path} is no metric of a ${task} model`,
        fix: `use one of ${valid.join(", ")}`,
      });
    } else if (gate.average !== undefined) {
      const averages = averagesOf(task, metricName(name));
      if (!averages.includes(gate.average)) {
        problems.push({ what: `${path}.average cannot be ${gate.average} here`, fix: averageFix(averages) });
      }
    }
  }
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

function metricName(name: string): MetricName {
  const found = [...metricsOf("binary"), ...metricsOf("regression")].find((metric) => metric === name);
  if (!found) throw new TypeError(`${name} is no metric`);
  return found;
}

function averageFix(averages: readonly (Average | null)[]): string {
  const names = averages.filter((average) => average !== null);
  return names.length === 0 ? "remove it" : `use one of ${names.join(", ")}`;
}

/**
 * Judges every bound of every gate.
 * @param production metrics of the version in production; null when there is none yet.
 * @throws MlshipError as {@link checkGates}.
 */
export function judge(
  gates: Gates,
  task: Task,
  metrics: readonly Metric[],
  production: ProductionMetrics | null,
  costs: Costs,
): JudgedGate[] {
  checkGates(gates, task);
  return Object.entries(gates).flatMap(([name, gate]) => {
    const bounds: Bound[] = ["min", "max", "maxDrop"];
    return bounds.flatMap((bound) => {
      const required = gate[bound];
      if (required === undefined) return [];
      if (isBudget(name)) return [judgeBudget(name, bound, required, costs[name])];
      const metric = findMetric(metrics, name, gate.average);
      return metric ? [judgeMetric(metric, bound, required, production)] : [];
    });
  });
}

function judgeBudget(metric: keyof Costs, bound: Bound, required: number, cost: number | null): JudgedGate {
  const keeps = cost !== null && (bound === "min" ? cost >= required : cost <= required);
  return {
    id: `${metric}.${bound}`,
    metric,
    average: null,
    bound,
    slice: null,
    ci: null,
    rowsToDecide: null,
    required,
    observed: metric === "modelSize" ? cost : null,
    production: null,
    status: keeps ? "pass" : "fail",
    why: keeps ? `${metric} is within its budget` : `${metric} is over its budget`,
    hint: keeps ? null : `make the model smaller, or raise validate.gates.${metric}.${bound}`,
  };
}

function judgeMetric(
  metric: Metric,
  bound: Bound,
  required: number,
  production: ProductionMetrics | null,
): JudgedGate {
  const { name, average } = metric;
  const none = { slice: null, ci: null, rowsToDecide: null };
  const gate = {
    id: `${name}.${bound}`,
    metric: name,
    average,
    bound,
    required,
    observed: metric.value,
    ...none,
  };
  const key = `validate.gates.${name}.${bound}`;
  if (metric.value === null) {
    return {
      ...gate,
      production: null,
      status: "error",
      why: `${showName(metric)} has no value: ${metric.reason}`,
      hint: `use data and a model that give ${name} a value, or gate another metric`,
    };
  }
  if (bound !== "maxDrop") {
    const keeps = bound === "min" ? metric.value >= required - rounding : metric.value <= required + rounding;
    const [is, must] = keeps
      ? [showNumber(metric.value), showNumber(required)]
      : showApart(name, metric.value, required);
    const side = bound === "min" ? (keeps ? "at least" : "below") : keeps ? "at most" : "above";
    return {
      ...gate,
      production: null,
      status: keeps ? "pass" : "fail",
      why: `${showName(metric)} is ${is}, ${side} ${must}`,
      hint: keeps ? null : `improve the model, or change ${key} if it asks for more than you need`,
    };
  }
  return judgeDrop(gate, metric.value, production);
}

type Undecided = Omit<JudgedGate, "production" | "status" | "why" | "hint">;

function judgeDrop(gate: Undecided, value: number, production: ProductionMetrics | null): JudgedGate {
  const shown = showName({ name: gate.metric, average: gate.average });
  if (!production) {
    return {
      ...gate,
      production: null,
      status: "skipped",
      why: "no version is in production yet: this is the first release",
      hint: "it is judged from the second release on",
    };
  }
  const before =
    production.find(({ name, average }) => name === gate.metric && average === gate.average)?.value ?? null;
  if (before === null) {
    return {
      ...gate,
      production: null,
      status: "error",
      why: `${shown} of the version in production is not known`,
      hint: "validate the version in production on the same data first",
    };
  }
  const drop = isLoss(gate.metric) ? value - before : before - value;
  const keeps = drop <= gate.required + rounding;
  const [now, then] = showApart(gate.metric, value, before);
  const change =
    drop > rounding
      ? `worse by ${showApart(gate.metric, drop, gate.required)[0]}`
      : drop < -rounding
        ? "better"
        : "equal";
  return {
    ...gate,
    production: before,
    status: keeps ? "pass" : "fail",
    why: `${shown} is ${now}, in production ${then}: ${change}`,
    hint: keeps ? null : `improve the model; it may be worse by at most ${showNumber(gate.required)}`,
  };
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

/**
 * The verdict. It passes only when every gate passed, save `maxDrop` before the first release, and at
 * least one did pass; and when nothing in the answers shows a broken model. A gate without a value fails.
 */
export function decide(gates: readonly JudgedGate[], findings: readonly Finding[]): Verdict {
  const has = (status: GateStatus) => gates.some((gate) => gate.status === status);
  if (has("fail") || has("error") || findings.some(({ severity }) => severity === "fail")) return "fail";
  return has("inconclusive") || !has("pass") ? "inconclusive" : "pass";
}
