// A candidate beside the version in production, on the same rows.
import { type Answers, type ClassAnswers, rowsOf } from "../metrics/answers.ts";
import type { Average } from "../metrics/confusion.ts";
import type { Interval } from "../report/measures.ts";
import { drawPaired } from "./bootstrap.ts";
import { influence, type MetricKey, standardError } from "./influence.ts";
import { isCounted } from "./influence-confusion.ts";
import { freedomOf } from "./linear-estimate.ts";
import { countDiscordant, mcnemar, tango } from "./mcnemar.ts";
import { criticalValue, studentReach, studentTwoSided, upperTail } from "./normal.ts";
import { drawCells, swapCells } from "./paired-cells.ts";
import { stretched } from "./within-classes.ts";

/** How a comparison is made. */
export interface Comparing {
  /** Share of intervals that hold the true difference: 0.95. */
  level: number;
  /** Of whatever is drawn, a whole number below 2^32; the same seed gives the same digits. */
  seed: number;
  /** Draws, where there are any: 2000. */
  replicates: number;
}

/** A metric of both, and how they differ. */
export interface Difference {
  candidate: number;
  production: number;
  /** Candidate minus production, in the metric's own direction. */
  delta: number;
  ci: Interval | null;
  /** `mcnemar`, `delong`, `cells`, `bootstrap`, or `influence` for more rows than are drawn. */
  test: string;
  /** Two-sided: the level at which the interval reaches 0, or the test's own. */
  p: number | null;
  /** Standard error of `delta`. */
  se: number | null;
}

/**
 * Rows up to which a metric without a formula is drawn. With more, the normal law of the rows' influences
 * is nearer to the truth than 2000 draws are to each other, at none of the cost.
 */
export const mostDrawnRows = 10_000;

/**
 * Compares two models that answered the same rows, with the same classes in the same order: accuracy by
 * McNemar's test and Tango's interval, areas under the ROC curve by DeLong, Delong and Clarke-Pearson
 * (1988), other metrics of the confusion table by draws over its paired cells, the rest by the paired
 * bootstrap. Null when either model has no value.
 */
export async function compareAnswers(
  candidate: Answers,
  production: Answers,
  metric: MetricKey,
  comparing: Comparing,
): Promise<Difference | null> {
  const [now, before] = [influence(candidate, metric), influence(production, metric)];
  if (!now || !before || now.rows.length !== before.rows.length) return null;
  const differing = now.rows.map((one, row) => one - (before.rows[row] ?? 0));
  const apart =
    metric.name === "rocAuc" && candidate.task !== "regression" ? stretched(differing, candidate) : differing;
  const difference = {
    candidate: now.value,
    production: before.value,
    delta: now.value - before.value,
    se: standardError(apart),
  };
  const { level } = comparing;
  const plain = { level, replicates: null, seed: null };
  if (isAccuracy(metric) && candidate.task !== "regression" && production.task !== "regression") {
    const counts = countDiscordant(
      candidate.truth,
      candidate.predicted,
      production.predicted,
      candidate.weights,
    );
    const bounds = tango(counts, criticalValue(level));
    const ci = bounds && { ...bounds, ...plain, method: "tango" };
    return { ...difference, ci, test: "mcnemar", p: mcnemar(counts) };
  }
  const drawn = drawnDeltas(candidate, production, metric, comparing);
  const test = isCounted(metric.name)
    ? "cells"
    : drawn
      ? "bootstrap"
      : metric.name === "rocAuc"
        ? "delong"
        : "influence";
  const { delta } = difference;
  const swapped = swappedDeltas(candidate, production, metric, comparing);
  const scatter = drawn?.every(Number.isFinite) ? spreadOf(drawn) : difference.se;
  // A class of a few rows may scatter less in draws than equal models do; the larger one is honest.
  const se = swapped ? Math.max(scatter, spreadOf(swapped)) : scatter;
  if (!(se > 0)) {
    // Without any scatter only an equal model is no surprise.
    return {
      ...difference,
      ci: { lo: delta, hi: delta, ...plain, method: test },
      test,
      p: delta === 0 ? 1 : null,
    };
  }
  const freedom = freedomOf(apart);
  const half = studentReach(criticalValue(level), freedom) * se;
  const p = studentTwoSided(delta / se, freedom);
  const chance = swapped ? chanceOf(delta, swapped) : 0;
  // Nor may an interval leave out 0 when equal models differ as much too often.
  const keeps = chance > 2 * upperTail(criticalValue(level));
  const made = drawn ? { replicates: comparing.replicates, seed: comparing.seed } : {};
  const lo = keeps ? Math.min(0, delta - half) : delta - half;
  const hi = keeps ? Math.max(0, delta + half) : delta + half;
  const ci = { lo, hi, ...plain, ...made, method: test };
  return { ...difference, se, ci, test, p: Math.max(p, chance) };
}

/** Differences that are drawn; null where a formula is as good, or better. */
function drawnDeltas(
  candidate: Answers,
  production: Answers,
  { name, average }: MetricKey,
  { seed, replicates }: Comparing,
): Float64Array | null {
  if (candidate.task !== "regression" && production.task !== "regression" && isCounted(name)) {
    const means = average ?? averageOf(candidate);
    return drawCells(name, means, candidate, production, { seed, replicates });
  }
  if (name === "rocAuc" || rowsOf(candidate) > mostDrawnRows) return null;
  return drawPaired(candidate, production, { name, average }, { seed, from: 0, to: replicates });
}

/** Differences of equal models that share out these answers; null for metrics that no table decides. */
function swappedDeltas(
  candidate: Answers,
  production: Answers,
  { name, average }: MetricKey,
  { seed, replicates }: Comparing,
): Float64Array | null {
  if (candidate.task === "regression" || production.task === "regression" || !isCounted(name)) return null;
  const means = average ?? averageOf(candidate);
  return swapCells(name, means, candidate, production, { seed, replicates });
}

/** Share of drawn differences that are at least as large; 0 says less than one in all of them. */
function chanceOf(delta: number, drawn: Float64Array): number {
  const least = Math.abs(delta) * (1 - 1e-9);
  let as = 0;
  for (const one of drawn) if (Math.abs(one) >= least) as++;
  return as / drawn.length;
}

const averageOf = ({ task }: ClassAnswers): Average => (task === "binary" ? "binary" : "macro");

/** Metrics that are the share of rows with a right answer. */
function isAccuracy({ name, average }: MetricKey): boolean {
  return name === "accuracy" || (name === "recall" && (average === "micro" || average === "weighted"));
}

/** Standard deviation. */
function spreadOf(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / Math.max(1, values.length - 1));
}
