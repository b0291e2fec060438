// How sure metrics of a confusion table are.
import { type ClassAnswers, rowsOf, weightOf } from "../metrics/answers.ts";
import { cellOf, countConfusion } from "../metrics/confusion.ts";
import { flawlessEstimate } from "./estimate-flawless.ts";
import { influence, type MetricKey, standardError } from "./influence.ts";
import { type Estimate, linearEstimate } from "./linear-estimate.ts";
import { meanOfShares, type Share, shareOf, wilson } from "./proportion.ts";
import { type Bounds, fisher, logit } from "./scale.ts";

/** Weights, and squared weights, of the rows in each cell of the confusion table. */
interface SquaredCells {
  classes: number;
  weights: Float64Array;
  squares: Float64Array;
}

/** Whether a cell, of a true class and a predicted one, is among those that a share is of. */
type Among = (is: number, said: number) => boolean;

function squaredCells({ classes, truth, predicted, weights }: ClassAnswers): SquaredCells {
  const size = classes * (classes + 1);
  const cells = { classes, weights: new Float64Array(size), squares: new Float64Array(size) };
  for (let row = 0; row < truth.length; row++) {
    const cell = cellOf(truth[row] ?? 0, predicted[row] ?? 0, classes);
    const weight = weightOf(weights, row);
    cells.weights[cell] = (cells.weights[cell] ?? 0) + weight;
    cells.squares[cell] = (cells.squares[cell] ?? 0) + weight * weight;
  }
  return cells;
}

/** The share of right answers among some cells; null when they hold no rows. */
function rightAmong({ classes, weights, squares }: SquaredCells, among: Among): Share | null {
  const [hits, misses] = [
    { weight: 0, squares: 0 },
    { weight: 0, squares: 0 },
  ];
  for (let is = 0; is < classes; is++) {
    for (let said = 0; said <= classes; said++) {
      if (!among(is, said)) continue;
      const side = is === said ? hits : misses;
      side.weight += weights[is * (classes + 1) + said] ?? 0;
      side.squares += squares[is * (classes + 1) + said] ?? 0;
    }
  }
  return shareOf(hits, misses);
}

/**
 * Scores of a class as a share of rows, and how the score follows from the share. F1 is 2s ÷ (1 + s) of
 * the share s = hits ÷ (hits + misses + false alarms), so it needs no approximation either.
 */
const scores: Partial<
  Record<MetricKey["name"], { among: (place: number) => Among; shape: (share: number) => number }>
> = {
  precision: { among: (place) => (_is, said) => said === place, shape: (value) => value },
  recall: { among: (place) => (is) => is === place, shape: (value) => value },
  f1: {
    among: (place) => (is, said) => is === place || said === place,
    shape: (value) => (2 * value) / (1 + value),
  },
};

/** Metrics that are one share of all rows, or of those that were called some class. */
function overall({ name, average }: MetricKey, classes: number): Among | null {
  if (name === "accuracy" || (name === "recall" && (average === "micro" || average === "weighted")))
    return () => true;
  if (name === "precision" && average === "micro") return (_is, said) => said < classes;
  return null;
}

/** Estimates of a confusion table's metrics: Wilson's interval wherever they are made of shares of rows. */
export function countedEstimate(answers: ClassAnswers, named: MetricKey): Estimate | null {
  const fallback = answers.task === "binary" ? "binary" : "macro";
  const key = { name: named.name, average: named.average ?? fallback };
  const cells = squaredCells(answers);
  const among = overall(key, answers.classes);
  if (among) return ofShare(rightAmong(cells, among), (value) => value);
  const score = scores[key.name];
  if (score && key.average === "binary")
    return ofShare(rightAmong(cells, score.among(answers.positive)), score.shape);
  if (key.name === "balancedAccuracy" || key.average === "macro") {
    const parts = partsOf(key, answers, cells);
    if (parts) return ofMean(parts, key.name === "f1" ? dependence(answers, key) : 1);
  }
  const found = influence(answers, named);
  if (!found) return null;
  // Rounding leaves some 1e-17 per row where there is no scatter.
  if (standardError(found.rows) <= 1e-14 * Math.abs(found.value)) {
    return flawlessEstimate(answers, Math.abs(found.value - 1) < 1e-12 ? 1 : found.value);
  }
  return linearEstimate(found, key.name === "mcc" ? fisher : logit, rowsOf(answers), "influence");
}

function ofShare(found: Share | null, shape: (share: number) => number): (Estimate & Part) | null {
  if (!found) return null;
  return {
    value: shape(found.value),
    method: "wilson",
    bounds(z) {
      const { lo, hi } = wilson(found, z);
      return { lo: shape(lo), hi: shape(hi) };
    },
  };
}

function ofMean(parts: Part[], together: number): Estimate | null {
  if (parts.length === 0) return null;
  return {
    value: parts.reduce((sum, { value }) => sum + value, 0) / parts.length,
    method: "wilson",
    bounds: (z) =>
      meanOfShares(
        parts.map(({ value, bounds }) => ({ value, bounds: bounds(z) })),
        together,
      ),
  };
}

interface Part {
  value: number;
  bounds: (z: number) => Bounds;
}

/** The class scores of which a macro average, or balanced accuracy, is the mean; null for other metrics. */
function partsOf({ name }: MetricKey, answers: ClassAnswers, cells: SquaredCells): Part[] | null {
  const score = scores[name === "balancedAccuracy" ? "recall" : name];
  if (!score) return null;
  return countConfusion(answers).present.flatMap((place): Part[] => {
    const part = ofShare(rightAmong(cells, score.among(place)), score.shape);
    if (part) return [part];
    // A class without such rows counts 0, as in the metric itself, and may be anything in truth.
    return name === "balancedAccuracy" ? [] : [{ value: 0, bounds: () => ({ lo: 0, hi: 1 }) }];
  });
}

/**
 * How much more the mean of the classes' F1 scatters than if they were independent: one wrong answer is
 * a miss of one class and a false alarm of another.
 */
function dependence(answers: ClassAnswers, key: MetricKey): number {
  const whole = influence(answers, key);
  const { present } = countConfusion(answers);
  const apart = present.reduce((sum, positive) => {
    const one = influence({ ...answers, task: "binary", positive }, { name: key.name, average: "binary" });
    return sum + (one ? standardError(one.rows) ** 2 : 0);
  }, 0);
  const alone = Math.sqrt(apart) / present.length;
  return whole && alone > 0 ? standardError(whole.rows) / alone : 1;
}
