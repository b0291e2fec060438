// ROC and precision-recall curves: exact points at a hundred quantiles of each kind of row.
import type { Label } from "../../model/model.ts";
import { type ClassAnswers, weightOf, type Probabilities } from "../metrics/answers.ts";
import type { Curve, Pictures } from "../report/pictures.ts";

type Curves = Pictures["curves"][number];

/** Most classes with curves of their own: more lines cannot be told apart. */
const mostCurves = 20;
/** Thresholds from the rows of the class, and as many from the others: together below 200 points. */
const quantiles = 98;

/**
 * The curves of the positive class, or of each class against the others: the 20 with the most rows,
 * in the model's order. A class without rows, or without other rows, has no curves, and nobody has
 * any where a probability is not finite.
 */
export function curvesOf(answers: ClassAnswers, classes: readonly Label[]): Curves[] {
  const { task, positive, probabilities } = answers;
  if (!probabilities || !probabilities.every(Number.isFinite)) return [];
  const places = task === "binary" ? [positive] : largest(answers);
  return places.flatMap((place) => {
    const name = classes[place];
    const drawn = name === undefined ? null : draw(answers, probabilities, place);
    return name === undefined || drawn === null ? [] : [{ class: name, ...drawn }];
  });
}

function largest({ classes, truth, weights }: ClassAnswers): number[] {
  const totals = new Float64Array(classes);
  for (let row = 0; row < truth.length; row++) {
    const place = truth[row] ?? 0;
    totals[place] = (totals[place] ?? 0) + weightOf(weights, row);
  }
  const places = Array.from(totals, (_total, place) => place);
  const bySize = places.toSorted((a, b) => (totals[b] ?? 0) - (totals[a] ?? 0) || a - b);
  return bySize.slice(0, mostCurves).toSorted((a, b) => a - b);
}

/**
 * Points at chosen thresholds need no order of the rows: each row falls into the bin between two of
 * them. The thresholds are quantiles of both kinds of rows, so that neither axis has a gap above 1 %.
 */
function draw(
  answers: ClassAnswers,
  probabilities: Probabilities,
  place: number,
): Pick<Curves, "roc" | "precisionRecall"> | null {
  const { truth, classes, weights } = answers;
  const thresholds = thresholdsOf(answers, probabilities, place);
  const hits = new Float64Array(thresholds.length);
  const misses = new Float64Array(thresholds.length);
  let [positives, negatives] = [0, 0];
  for (let row = 0; row < truth.length; row++) {
    const weight = weightOf(weights, row);
    if (weight === 0) continue;
    const bin = firstAtMost(thresholds, probabilities[row * classes + place] ?? 0);
    const is = truth[row] === place;
    const counts = is ? hits : misses;
    counts[bin] = (counts[bin] ?? 0) + weight;
    if (is) positives += weight;
    else negatives += weight;
  }
  if (positives === 0 || negatives === 0) return null;
  const roc: Curve = { x: [0], y: [0] };
  const precisionRecall: Curve = { x: [0], y: [] };
  let [hit, missed] = [0, 0];
  for (let bin = 0; bin < thresholds.length; bin++) {
    hit += hits[bin] ?? 0;
    missed += misses[bin] ?? 0;
    push(roc, Math.min(1, missed / negatives), Math.min(1, hit / positives));
    const precision = hit / (hit + missed);
    if (precisionRecall.y.length === 0) precisionRecall.y.push(rounded(precision));
    push(precisionRecall, Math.min(1, hit / positives), precision);
  }
  return { roc, precisionRecall };
}

function push(curve: Curve, x: number, y: number): void {
  curve.x.push(rounded(x));
  curve.y.push(rounded(y));
}

/** What a page can draw; it keeps a report small. */
const rounded = (value: number) => Number(value.toFixed(6));

/** Scores from high to low, without repetition; the lowest score is the last of them. */
function thresholdsOf(answers: ClassAnswers, probabilities: Probabilities, place: number): Float64Array {
  const { truth, classes, weights } = answers;
  const scores = [new Float64Array(truth.length), new Float64Array(truth.length)] as const;
  const lengths = [0, 0];
  for (let row = 0; row < truth.length; row++) {
    if (weightOf(weights, row) === 0) continue;
    const kind = truth[row] === place ? 1 : 0;
    scores[kind][lengths[kind] ?? 0] = probabilities[row * classes + place] ?? 0;
    lengths[kind] = (lengths[kind] ?? 0) + 1;
  }
  const chosen = scores.flatMap((all, kind) => quantilesOf(all.subarray(0, lengths[kind]).sort()));
  return Float64Array.from(new Set(chosen)).sort().toReversed();
}

/** Evenly spread values of sorted ones, the first and the last among them; all when they are few. */
function quantilesOf(sorted: Float64Array): number[] {
  const last = sorted.length - 1;
  if (last < quantiles) return [...sorted];
  return Array.from({ length: quantiles + 1 }, (_none, step) => {
    return sorted[Math.round((step * last) / quantiles)] ?? 0;
  });
}

/** Place of the first of falling thresholds that a score reaches. */
function firstAtMost(thresholds: Float64Array, score: number): number {
  let [low, high] = [0, thresholds.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((thresholds[middle] ?? 0) <= score) high = middle;
    else low = middle + 1;
  }
  return low;
}
