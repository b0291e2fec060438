// How the area under the ROC curve and average precision change with the weight of a row.
import { type ClassAnswers, weightOf } from "../metrics/answers.ts";
import type { Average } from "../metrics/confusion.ts";
import { area, rank, type Ranking, stepArea, unranked } from "../metrics/ranking.ts";
import type { Influence } from "./influence.ts";

/** Adds a share of the influence on one class's area to `rows`. */
type AddInfluence = (
  ranking: Ranking,
  value: number,
  isPositive: (row: number) => boolean,
  share: number,
  weights: Float64Array | null,
  rows: Float64Array,
) => void;

const metrics: Record<
  "rocAuc" | "averagePrecision",
  { score: (ranking: Ranking) => number; add: AddInfluence }
> = {
  rocAuc: { score: area, add: addAreaInfluence },
  averagePrecision: { score: stepArea, add: addStepInfluence },
};

/** Influence of the rows on a ranking metric; of several classes, each against the rest. */
export function rankingInfluence(
  metric: keyof typeof metrics,
  answers: ClassAnswers,
  average: Average,
): Influence | null {
  const { probabilities, truth, weights, classes, positive } = answers;
  if (!probabilities || unranked(answers) !== null) return null;
  const { score, add } = metrics[metric];
  const rows = new Float64Array(truth.length);
  if (answers.task === "binary" && average === "binary") {
    const ranking = rank(answers, probabilities, positive);
    const value = score(ranking);
    add(ranking, value, (row) => truth[row] === positive, 1, weights, rows);
    return { value, rows };
  }
  const scores = new Float64Array(classes);
  let value = 0;
  let all = 0;
  for (let place = 0; place < classes; place++) {
    const ranking = rank(answers, probabilities, place);
    all = ranking.positive + ranking.negative;
    const share = average === "macro" ? 1 / classes : ranking.positive / all;
    if (share === 0) continue;
    scores[place] = score(ranking);
    value += share * (scores[place] ?? 0);
    add(ranking, scores[place] ?? 0, (row) => truth[row] === place, share, weights, rows);
  }
  // The shares of a weighted average are estimated from the same rows.
  if (average !== "macro") {
    for (let row = 0; row < rows.length; row++) {
      const share = weightOf(weights, row) / all;
      rows[row] = (rows[row] ?? 0) + share * ((scores[truth[row] ?? 0] ?? 0) - value);
    }
  }
  return { value, rows };
}

/**
 * Placements: the share of the other kind that a row is ranked on the right side of, ties half. Their
 * variances are DeLong's, in the form of Sun and Xu (2014) that needs one sort.
 */
function addAreaInfluence(
  ...[ranking, value, isPositive, share, weights, rows]: Parameters<AddInfluence>
): void {
  const { order, starts, positives, negatives, positive, negative } = ranking;
  let [positivesAbove, negativesAbove] = [0, 0];
  for (let group = 0; group < positives.length; group++) {
    const [is, isNot] = [positives[group] ?? 0, negatives[group] ?? 0];
    const beats = (negative - negativesAbove - isNot / 2) / negative;
    const beaten = (positivesAbove + is / 2) / positive;
    const end = starts[group + 1] ?? 0;
    for (let at = starts[group] ?? 0; at < end; at++) {
      const row = order[at] ?? 0;
      const slope = isPositive(row) ? (beats - value) / positive : (beaten - value) / negative;
      rows[row] = (rows[row] ?? 0) + share * weightOf(weights, row) * slope;
    }
    positivesAbove += is;
    negativesAbove += isNot;
  }
}

/**
 * A positive row adds its own precision, and lifts the precision at every positive row ranked below or
 * beside it; a negative row lowers that precision.
 */
function addStepInfluence(
  ...[ranking, value, isPositive, share, weights, rows]: Parameters<AddInfluence>
): void {
  const { order, starts, positives, negatives, positive } = ranking;
  if (positive === 0) return;
  const precisions = new Float64Array(positives.length);
  // Sums over the groups from one on down, of what a positive row lifts and a negative row lowers.
  let [lifts, lowers, hits, called] = [0, 0, 0, 0];
  for (let group = 0; group < positives.length; group++) {
    hits += positives[group] ?? 0;
    called += (positives[group] ?? 0) + (negatives[group] ?? 0);
    const precision = hits / called;
    precisions[group] = precision;
    lifts += ((positives[group] ?? 0) * (1 - precision)) / called;
    lowers += ((positives[group] ?? 0) * precision) / called;
  }
  called = 0;
  for (let group = 0; group < positives.length; group++) {
    const precision = precisions[group] ?? 0;
    const end = starts[group + 1] ?? 0;
    for (let at = starts[group] ?? 0; at < end; at++) {
      const row = order[at] ?? 0;
      const slope = isPositive(row) ? precision - value + lifts : -lowers;
      rows[row] = (rows[row] ?? 0) + (share * weightOf(weights, row) * slope) / positive;
    }
    called += (positives[group] ?? 0) + (negatives[group] ?? 0);
    lifts -= ((positives[group] ?? 0) * (1 - precision)) / called;
    lowers -= ((positives[group] ?? 0) * precision) / called;
  }
}
