// All metrics of a task, computed once for every runner and every gate.
import type { Task } from "../../model/model.ts";
import { type Answers, type ClassAnswers, type Measured, unmeasured } from "./answers.ts";
import {
  type Average,
  type Confusion,
  countConfusion,
  type CountedMetric,
  countedScore,
} from "./confusion.ts";
import { brier, ece, logLoss } from "./probability.ts";
import { averagePrecision, type RankingAverage, rocAuc } from "./ranking.ts";
import { regressionScore } from "./regression.ts";

/** Metrics that a classifier has. */
export const classMetrics = [
  "accuracy",
  "balancedAccuracy",
  "precision",
  "recall",
  "f1",
  "rocAuc",
  "averagePrecision",
  "logLoss",
  "brier",
  "ece",
  "mcc",
] as const;

/** Metrics that a regressor has. */
export const numberMetrics = ["mae", "rmse", "mape", "r2", "medianAbsoluteError", "pinball"] as const;

export type MetricName = (typeof classMetrics)[number] | (typeof numberMetrics)[number];

/** Metrics where less is better. */
const losses = new Set<string>([
  "logLoss",
  "brier",
  "ece",
  "mae",
  "rmse",
  "mape",
  "medianAbsoluteError",
  "pinball",
  "loadTime",
  "rss",
  "modelSize",
]);

/** Whether less is better. */
export function isLoss(metric: string): boolean {
  return losses.has(metric);
}

/** The metrics that a task has. */
export function metricsOf(task: Task): readonly MetricName[] {
  return task === "regression" ? numberMetrics : classMetrics;
}

/** One measured metric. Averaged metrics appear once per average; the task's own average comes first. */
export type Metric = { name: MetricName; average: Average | null } & Measured;

/** The averages that a metric has for a task, the one that is meant when none is named first. */
export function averagesOf(task: Task, metric: MetricName): readonly (Average | null)[] {
  if (metric === "precision" || metric === "recall" || metric === "f1") {
    return task === "binary" ? ["binary", "macro", "micro", "weighted"] : ["macro", "micro", "weighted"];
  }
  if (metric === "rocAuc" || metric === "averagePrecision")
    return task === "binary" ? [null] : ["macro", "weighted"];
  return [null];
}

/** Computes every metric of the task with every average it has. */
export function measure(answers: Answers): Metric[] {
  if (answers.task === "regression") {
    return numberMetrics.map((name) => ({ name, average: null, ...regressionScore(name, answers) }));
  }
  const table = countConfusion(answers);
  return classMetrics.flatMap((name) =>
    averagesOf(answers.task, name).map((average) => ({
      name,
      average,
      ...formulas[name](answers, average, table),
    })),
  );
}

/** One metric with one average, for parts of the rows: the others are not computed. */
export function measureOne(answers: Answers, name: MetricName, average: Average | null): Measured {
  if (answers.task === "regression") {
    const number = numberMetrics.find((metric) => metric === name);
    return number ? regressionScore(number, answers) : unmeasured("it is no metric of a regressor");
  }
  const metric = classMetrics.find((known) => known === name);
  return metric
    ? formulas[metric](answers, average, countConfusion(answers))
    : unmeasured("it is no metric of a classifier");
}

type ClassFormula = (answers: ClassAnswers, average: Average | null, table: Confusion) => Measured;

const ranking = (average: Average | null): RankingAverage =>
  average === "macro" || average === "weighted" ? average : null;

const counted =
  (metric: CountedMetric): ClassFormula =>
  ({ positive }, average, table) =>
    countedScore(metric, table, average ?? "macro", positive);

const formulas: Record<(typeof classMetrics)[number], ClassFormula> = {
  accuracy: counted("accuracy"),
  balancedAccuracy: counted("balancedAccuracy"),
  precision: counted("precision"),
  recall: counted("recall"),
  f1: counted("f1"),
  rocAuc: (answers, average) => rocAuc(answers, ranking(average)),
  averagePrecision: (answers, average) => averagePrecision(answers, ranking(average)),
  logLoss,
  brier,
  ece,
  mcc: counted("mcc"),
};

/** The metrics with the average that the task means by default: one per name. */
export function defaultMetrics<Named extends Pick<Metric, "name" | "average">>(
  task: Task,
  metrics: readonly Named[],
): Named[] {
  return metrics.filter(({ name, average }) => average === averagesOf(task, name)[0]);
}

/** Name of a metric → its value, with the task's own average; metrics without a value are left out. */
export function defaultValues(task: Task, metrics: readonly Metric[]): Record<string, number> {
  return Object.fromEntries(
    defaultMetrics(task, metrics).flatMap(({ name, value }) => (value === null ? [] : [[name, value]])),
  );
}
