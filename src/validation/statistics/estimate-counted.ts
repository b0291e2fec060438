// How sure metrics of a confusion table are.
import { type ClassAnswers, rowsOf, weightOf } from "../metrics/answers.ts";
import { cellOf } from "../metrics/confusion.ts";
import { type Estimate, linearEstimate } from "./linear-estimate.ts";
import { influence, type MetricKey } from "./influence.ts";
import { meanOfShares, type Share, shareOf, wilson } from "./proportion.ts";
import { fisher, logit } from "./scale.ts";

/** Weights, and squared weights, of the rows in each cell of the confusion table. */
export interface SquaredCells {
  classes: number;
  weights: Float64Array;
  squares: Float64Array;
}

/** Adds up the cells. */
export function squaredCells({ classes, truth, predicted, weights }: ClassAnswers): SquaredCells {
  const cells = {
    classes,
    weights: new Float64Array(classes * (classes + 1)),
    squares: new Float64Array(classes * (classes + 1)),
  };
  for (let row = 0; row < truth.length; row++) {
    const cell = cellOf(truth[row] ?? 0, predicted[row] ?? 0, classes);
    const weight = weightOf(weights, row);
    cells.weights[cell] = (cells.weights[cell] ?? 0) + weight;
    cells.squares[cell] = (cells.squares[cell] ?? 0) + weight * weight;
  }
  return cells;
}

/** A share of the cells: those that `isHit` says, among those that `isIn` says. */
function share(
  { classes, weights, squares }: SquaredCells,
  isIn: (is: number, said: number) => boolean,
): Share | null {
  const [hits, misses] = [
    { weight: 0, squares: 0 },
    { weight: 0, squares: 0 },
  ];
  for (let is = 0; is < classes; is++) {
    for (let said = 0; said <= classes; said++) {
      if (!isIn(is, said)) continue;
      const side = is === said ? hits : misses;
      side.weight += weights[is * (classes + 1) + said] ?? 0;
      side.squares += squares[is * (classes + 1) + said] ?? 0;
    }
  }
  return shareOf(hits, misses);
}

/** The metrics that are one share of rows, as the cells that it is a share of. */
function cellsOfShare({ name, average }: MetricKey, { task, classes, positive }: ClassAnswers) {
  const means = average ?? (task === "binary" ? "binary" : "macro");
  if (name === "accuracy" || (name === "recall" && (means === "micro" || means === "weighted")))
    return () => true;
  if (name === "precision" && means === "micro") return (_is: number, said: number) => said < classes;
  if (means !== "binary") return null;
  if (name === "precision") return (_is: number, said: number) => said === positive;
  if (name === "recall") return (is: number) => is === positive;
  return null;
}

/**
 * Estimates of a confusion table's metrics. A share of rows gets Wilson's interval; binary F1 the same,
 * because it is 2s ÷ (1 + s) of the share s = hits ÷ (hits + misses + false alarms).
 */
export function countedEstimate(answers: ClassAnswers, key: MetricKey): Estimate | null {
  const cells = squaredCells(answers);
  const isIn = cellsOfShare(key, answers);
  if (isIn) {
    const found = share(cells, isIn);
    return found && { value: found.value, method: "wilson", bounds: (z) => wilson(found, z) };
  }
  const { positive, classes } = answers;
  if (key.name === "f1" && (key.average ?? answers.task) === "binary") {
    const found = share(cells, (is, said) => is === positive || said === positive);
    const f1 = (value: number) => (2 * value) / (1 + value);
    return (
      found && {
        value: f1(found.value),
        method: "wilson",
        bounds(z) {
          const { lo, hi } = wilson(found, z);
          return { lo: f1(lo), hi: f1(hi) };
        },
      }
    );
  }
  if (key.name === "balancedAccuracy") {
    const parts = Array.from({ length: classes }, (_none, place) =>
      share(cells, (is) => is === place),
    ).filter((part) => part !== null);
    const value = parts.reduce((sum, part) => sum + part.value, 0) / parts.length;
    return {
      value,
      method: "wilson",
      bounds: (z) =>
        parts.length === 0
          ? null
          : meanOfShares(parts.map((part) => ({ value: part.value, bounds: wilson(part, z) }))),
    };
  }
  const found = influence(answers, key);
  return found && linearEstimate(found, key.name === "mcc" ? fisher : logit, rowsOf(answers), "influence");
}
