// Classes that stand in another order than they should: probabilities against predictions, and answers against the truth.
import type { Probabilities } from "../metrics/answers.ts";
import type { Label } from "../../model/model.ts";
import type { Finding } from "../sanity.ts";
import type { Places } from "../series.ts";

/** How a classifier answered, with classes as places. */
export interface ClassAnswered {
  classes: readonly Label[];
  truth: Places;
  /** The model's own decisions; -1 for none of its classes. */
  predicted: Places;
  /** Row by row; null when the model gives none. */
  probabilities: Probabilities | null;
}

/** Nearly all rows of a class: a model that merely decides by another threshold never comes near. */
const nearlyAll = 0.9;
/** Most rows of a class by far. */
const most = 2 / 3;
/** Standard deviations that chance does not reach: once in 30,000 times. */
const beyondChance = 4;

/** Looks for classes in another order. */
export function inspectClassOrder(answered: ClassAnswered): Finding[] {
  const ordered = inspectProbabilityOrder(answered);
  return ordered.length > 0 ? ordered : inspectSwapped(answered);
}

/** The most probable class is another one than the predicted one, and always the same other one. */
function inspectProbabilityOrder({ classes, predicted, probabilities }: ClassAnswered): Finding[] {
  if (probabilities === null) return [];
  const likeliest = predicted.map((_place, row) => argmax(probabilities, classes.length, row));
  const moved = findSwap(pairs(predicted, likeliest, classes.length), nearlyAll);
  if (moved === null) return [];
  return [
    {
      code: "probabilities.class-order",
      severity: "fail",
      what: `the probabilities stand in another order than the classes: where the model predicts ${showMoves(moved, classes)} has the highest probability`,
      fix: "return one probability per class in the order of the model's classes, usually the sorted labels; check the handler's postprocess",
    },
  ];
}

/** The rows of a class are nearly all predicted to be another one, and the other way round. */
function inspectSwapped({ classes, truth, predicted }: ClassAnswered): Finding[] {
  const moved = findSwap(pairs(truth, predicted, classes.length), most);
  if (moved === null) return [];
  return [
    {
      code: "predictions.swapped-classes",
      severity: "fail",
      what: `classes are swapped: where the label is ${showMoves(moved, classes)} is predicted in most rows`,
      fix: "check that the labels of validate.data mean what they meant in training, and the order of the classes in the handler",
    },
  ];
}

/** What {@link inspectRanking} looks at. */
export interface Ranked {
  /** Area under the ROC curve of the positive class; null when it has none. */
  rocAuc: number | null;
  positives: number;
  negatives: number;
}

/**
 * A model that ranks the rows upside down: the area under the ROC curve is at most 1/3, so that of the
 * mirrored model is at least 2/3, and chance does not explain it. Its standard deviation under chance is
 * that of the rank sum test (Mann and Whitney, 1947).
 */
export function inspectRanking({ rocAuc, positives, negatives }: Ranked): Finding[] {
  if (rocAuc === null || rocAuc > 1 - most) return [];
  const deviation = Math.sqrt((positives + negatives + 1) / (12 * positives * negatives));
  if ((0.5 - rocAuc) / deviation < beyondChance) return [];
  return [
    {
      code: "probabilities.inverted",
      severity: "fail",
      what: `the model ranks the rows upside down: its area under the ROC curve is ${rocAuc.toFixed(3)}, mirrored it would be ${(1 - rocAuc).toFixed(3)}`,
      fix: "check the order of the classes in the handler, and that the labels of validate.data mean what they meant in training",
    },
  ];
}

/** Counts of pairs: `counts[a * classes + b]`. Rows without a class are left out. */
function pairs(from: Places, to: Places, classes: number): Float64Array {
  const counts = new Float64Array(classes * classes);
  for (let row = 0; row < from.length; row++) {
    const [a, b] = [from[row] ?? -1, to[row] ?? -1];
    if (a >= 0 && b >= 0) counts[a * classes + b] = (counts[a * classes + b] ?? 0) + 1;
  }
  return counts;
}

/**
 * The classes that changed places among each other: each goes to another one with at least this share of
 * its rows, more than chance between two classes explains, and the places that they leave and take are
 * the same. Null when there are none.
 */
function findSwap(counts: Float64Array, share: number): Map<number, number> | null {
  const classes = Math.sqrt(counts.length);
  const moved = new Map<number, number>();
  for (let from = 0; from < classes; from++) {
    const row = counts.subarray(from * classes, (from + 1) * classes);
    const rows = row.reduce((sum, count) => sum + count, 0);
    const to = row.indexOf(Math.max(...row));
    const part = (row[to] ?? 0) / rows;
    if (to !== from && part >= share && (part - 0.5) * 2 * Math.sqrt(rows) >= beyondChance)
      moved.set(from, to);
  }
  // A class whose place nobody takes was not swapped: another model, or a threshold, explains it better.
  const taken = new Set(moved.values());
  const swapped = new Map([...moved].filter(([from, to]) => taken.has(from) && moved.has(to)));
  return swapped.size >= 2 && new Set(swapped.values()).size === swapped.size ? swapped : null;
}

function argmax(probabilities: Probabilities, classes: number, row: number): number {
  let best = 0;
  for (let place = 1; place < classes; place++) {
    if ((probabilities[row * classes + place] ?? 0) > (probabilities[row * classes + best] ?? 0))
      best = place;
  }
  return best;
}

/** `0, 1` and `1, 0`: the first three. */
function showMoves(moved: ReadonlyMap<number, number>, classes: readonly Label[]): string {
  const name = (place: number) => JSON.stringify(classes[place]);
  const shown = [...moved].slice(0, 3).map(([from, to]) => `${name(from)}, ${name(to)}`);
  return `${shown.join("; where ")}${moved.size > 3 ? ` (and ${moved.size - 3} more)` : ""}`;
}
