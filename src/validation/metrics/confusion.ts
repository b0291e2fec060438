// Metrics that a confusion table decides: accuracy, precision, recall, F1 and Matthews' coefficient.
import { type ClassAnswers, type Measured, measured, weightOf } from "./answers.ts";

/** How a per-class metric becomes one number. */
export const averages = ["binary", "macro", "micro", "weighted"] as const;
export type Average = (typeof averages)[number];

/** Metrics of a confusion table. */
export const countedMetrics = ["accuracy", "balancedAccuracy", "precision", "recall", "f1", "mcc"] as const;
export type CountedMetric = (typeof countedMetrics)[number];

/** Weighted counts of (true class, predicted class) pairs. */
export interface Confusion {
  classes: number;
  /**
   * Row-major: the true class chooses the row, the predicted class the column. One more column counts
   * the rows that were predicted as none of the classes.
   */
  cells: Float64Array;
  /** Classes that occur among the true or the predicted labels. */
  present: number[];
}

/** Sums of a confusion table; all its metrics are made of them. */
export interface Margins {
  /** By class: weight of the rows that are it and were called it, that are it, that were called it. */
  hits: Float64Array;
  actual: Float64Array;
  called: Float64Array;
  /** Weight of all rows. */
  all: number;
}

/** The cell of a row in a table of so many classes. */
export function cellOf(is: number, said: number, classes: number): number {
  return is * (classes + 1) + (said < 0 ? classes : said);
}

/** Counts the pairs. */
export function countConfusion({ classes, truth, predicted, weights }: ClassAnswers): Confusion {
  const cells = new Float64Array(classes * (classes + 1));
  const seen = new Uint8Array(classes + 1);
  for (let row = 0; row < truth.length; row++) {
    const is = truth[row] ?? 0;
    const said = predicted[row] ?? 0;
    const cell = cellOf(is, said, classes);
    cells[cell] = (cells[cell] ?? 0) + weightOf(weights, row);
    seen[is] = 1;
    seen[said < 0 ? classes : said] = 1;
  }
  const places = Array.from({ length: classes }, (_none, place) => place);
  return { classes, cells, present: places.filter((place) => seen[place] === 1) };
}

/** Adds up the cells of a table. */
export function addUp({ cells, classes }: Pick<Confusion, "cells" | "classes">): Margins {
  const hits = new Float64Array(classes);
  const actual = new Float64Array(classes);
  const called = new Float64Array(classes);
  let [all, at] = [0, 0];
  for (let is = 0; is < classes; is++) {
    for (let said = 0; said <= classes; said++, at++) {
      const weight = cells[at] ?? 0;
      actual[is] = (actual[is] ?? 0) + weight;
      if (said < classes) called[said] = (called[said] ?? 0) + weight;
      if (is === said) hits[is] = weight;
      all += weight;
    }
  }
  return { hits, actual, called, all };
}

/** A ratio that is 0 when nothing is counted, as scikit-learn's `zero_division="warn"`. */
const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);

/** Precision, recall or F1 of one class. */
export const classScores = {
  precision: (hits: number, _actual: number, called: number) => share(hits, called),
  recall: (hits: number, actual: number) => share(hits, actual),
  f1: (hits: number, actual: number, called: number) => share(2 * hits, actual + called),
};

/** Which classes a metric of a table is about. */
export interface Scope {
  average: Average;
  /** Number of the positive class. */
  positive: number;
  present: readonly number[];
}

/**
 * Precision, recall or F1. Macro and weighted averages go over the classes that occur among the true or
 * predicted labels, and a class without rows or without predictions counts 0: as scikit-learn's
 * `precision_recall_fscore_support` with its defaults.
 */
function classScore(
  metric: keyof typeof classScores,
  margins: Margins,
  { average, positive, present }: Scope,
): number {
  const score = classScores[metric];
  const of = (place: number) =>
    score(margins.hits[place] ?? 0, margins.actual[place] ?? 0, margins.called[place] ?? 0);
  if (average === "binary") return of(positive);
  let [hits, called, sum] = [0, 0, 0];
  for (const place of present) {
    hits += margins.hits[place] ?? 0;
    called += margins.called[place] ?? 0;
    sum += average === "macro" ? of(place) : (margins.actual[place] ?? 0) * of(place);
  }
  if (average === "micro") return score(hits, margins.all, called);
  return average === "macro" ? sum / present.length : share(sum, margins.all);
}

const total = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0);

/**
 * Mean recall over the classes that have rows; predicted classes without rows are left out, as in
 * scikit-learn's `balanced_accuracy_score`.
 */
function balancedAccuracy({ hits, actual }: Margins): number {
  let [sum, classes] = [0, 0];
  for (let place = 0; place < hits.length; place++) {
    const rows = actual[place] ?? 0;
    if (rows === 0) continue;
    sum += (hits[place] ?? 0) / rows;
    classes++;
  }
  return sum / classes;
}

/**
 * Matthews' correlation coefficient in Gorodkin's form for K classes; 0 when the truth or the prediction
 * is constant, as in scikit-learn's `matthews_corrcoef`.
 */
function mcc({ hits, actual, called, all }: Margins): number {
  if (all === 0) return Number.NaN;
  let [joint, said, is] = [total(hits) * all, all * all, all * all];
  for (let place = 0; place < hits.length; place++) {
    const [rows, calls] = [actual[place] ?? 0, called[place] ?? 0];
    joint -= rows * calls;
    said -= calls * calls;
    is -= rows * rows;
  }
  // Not sqrt(said * is): the product of two large counts loses the last digits.
  return said <= 0 || is <= 0 ? 0 : joint / (Math.sqrt(said) * Math.sqrt(is));
}

/** A metric of the sums of a table; NaN when it has no rows. `scope` matters to precision, recall and F1. */
export function countedValue(metric: CountedMetric, margins: Margins, scope: Scope): number {
  switch (metric) {
    case "accuracy":
      return total(margins.hits) / margins.all;
    case "balancedAccuracy":
      return balancedAccuracy(margins);
    case "mcc":
      return mcc(margins);
    default:
      return classScore(metric, margins, scope);
  }
}

/** A metric of a confusion table. */
export function countedScore(
  metric: CountedMetric,
  table: Confusion,
  average: Average,
  positive: number,
): Measured {
  const scope = { average, positive, present: table.present };
  return measured(countedValue(metric, addUp(table), scope), "there are no rows");
}
