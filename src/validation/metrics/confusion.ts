// Metrics that a confusion table decides: accuracy, precision, recall, F1 and Matthews' coefficient.
import { type ClassAnswers, type Measured, measured, unmeasured, weightOf } from "./answers.ts";

/** How a per-class metric becomes one number. */
export const averages = ["binary", "macro", "micro", "weighted"] as const;
export type Average = (typeof averages)[number];

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

/** Counts the pairs. */
export function countConfusion({ classes, truth, predicted, weights }: ClassAnswers): Confusion {
  const cells = new Float64Array(classes * (classes + 1));
  const seen = new Set<number>();
  for (let row = 0; row < truth.length; row++) {
    const is = truth[row] ?? 0;
    const said = predicted[row] ?? 0;
    const cell = is * (classes + 1) + (said < 0 ? classes : said);
    cells[cell] = (cells[cell] ?? 0) + weightOf(weights, row);
    seen.add(is);
    if (said >= 0) seen.add(said);
  }
  return { classes, cells, present: [...seen].toSorted((a, b) => a - b) };
}

interface Margins {
  hits: number;
  /** Weight of the rows of the class. */
  actual: number;
  /** Weight of the rows predicted as the class. */
  called: number;
}

function marginsOf({ classes, cells }: Confusion, place: number): Margins {
  let [actual, called] = [0, 0];
  const width = classes + 1;
  for (let other = 0; other < width; other++) {
    actual += cells[place * width + other] ?? 0;
    if (other < classes) called += cells[other * width + place] ?? 0;
  }
  return { hits: cells[place * width + place] ?? 0, actual, called };
}

/** A ratio that is 0 when nothing is counted, as scikit-learn's `zero_division="warn"`. */
const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);

const perClass = {
  precision: ({ hits, called }: Margins) => share(hits, called),
  recall: ({ hits, actual }: Margins) => share(hits, actual),
  f1: ({ hits, actual, called }: Margins) => share(2 * hits, actual + called),
};

/**
 * Precision, recall or F1. Macro and weighted averages go over the classes that occur among the true or
 * predicted labels, and a class without rows or without predictions counts 0: as scikit-learn's
 * `precision_recall_fscore_support` with its defaults.
 */
export function classScore(
  metric: keyof typeof perClass,
  table: Confusion,
  average: Average,
  positive: number,
): Measured {
  const score = perClass[metric];
  if (average === "binary") return measured(score(marginsOf(table, positive)));
  const margins = table.present.map((place) => marginsOf(table, place));
  const sum = (pick: (of: Margins) => number) => margins.reduce((total, of) => total + pick(of), 0);
  if (margins.length === 0) return unmeasured("there are no rows");
  if (average === "macro") return measured(sum(score) / margins.length);
  const pooled = {
    hits: sum((of) => of.hits),
    actual: sum((of) => of.actual),
    called: sum((of) => of.called),
  };
  if (average === "micro") return measured(score(pooled));
  return measured(
    share(
      sum((of) => of.actual * score(of)),
      pooled.actual,
    ),
  );
}

/** Share of rows predicted correctly. */
export function accuracy(table: Confusion): Measured {
  const margins = table.present.map((place) => marginsOf(table, place));
  const hits = margins.reduce((sum, of) => sum + of.hits, 0);
  const all = margins.reduce((sum, of) => sum + of.actual, 0);
  return measured(hits / all, "there are no rows");
}

/**
 * Mean recall over the classes that have rows; predicted classes without rows are left out, as in
 * scikit-learn's `balanced_accuracy_score`.
 */
export function balancedAccuracy(table: Confusion): Measured {
  const margins = table.present.map((place) => marginsOf(table, place)).filter(({ actual }) => actual > 0);
  const sum = margins.reduce((total, of) => total + of.hits / of.actual, 0);
  return measured(sum / margins.length, "there are no rows");
}

/**
 * Matthews' correlation coefficient in Gorodkin's form for K classes; 0 when the truth or the prediction
 * is constant, as in scikit-learn's `matthews_corrcoef`.
 */
export function mcc(table: Confusion): Measured {
  const margins = table.present.map((place) => marginsOf(table, place));
  const sum = (pick: (of: Margins) => number) => margins.reduce((total, of) => total + pick(of), 0);
  const all = sum(({ actual }) => actual);
  if (all === 0) return unmeasured("there are no rows");
  const joint = sum(({ hits }) => hits) * all - sum(({ actual, called }) => actual * called);
  const said = all * all - sum(({ called }) => called ** 2);
  const is = all * all - sum(({ actual }) => actual ** 2);
  // Not sqrt(said * is): the product of two large counts loses the last digits.
  return measured(said <= 0 || is <= 0 ? 0 : joint / (Math.sqrt(said) * Math.sqrt(is)));
}
