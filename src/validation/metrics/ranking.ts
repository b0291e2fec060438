// Metrics of how probabilities rank the rows: area under the ROC curve, average precision.
import {
  type ClassAnswers,
  type Measured,
  measured,
  unmeasured,
  weightOf,
  type Probabilities,
} from "./answers.ts";
import { orderRows } from "./order.ts";

/** Which class a ranking is about, and how several rankings become one number. */
export type RankingAverage = "macro" | "weighted" | null;

/** Rows in groups of one score each, from the highest score down, rows without weight left out. */
export interface Ranking {
  /** Row numbers. */
  order: Uint32Array;
  /** Where in `order` each group begins, and one more entry for the end. */
  starts: Uint32Array;
  /** Weight of the rows of the class, and of the others, by group. */
  positives: Float64Array | Uint32Array;
  negatives: Float64Array | Uint32Array;
  /** Weight of all rows of the class, and of all others. */
  positive: number;
  negative: number;
}

/** Rankings of one set of probabilities that are kept: one sort serves every metric and interval. */
const kept = new WeakMap<Probabilities, { answers: ClassAnswers; place: number; ranking: Ranking }[]>();
/** Numbers in kept rankings per set of probabilities, about 24 bytes each; the last one is always kept. */
const mostKept = 4_000_000;

/** Ranks the rows by the probability of the class at `place`. */
export function rank(answers: ClassAnswers, probabilities: Probabilities, place: number): Ranking {
  const known = kept.get(probabilities) ?? [];
  const { truth, weights } = answers;
  const same = known.find(
    (one) => one.place === place && one.answers.truth === truth && one.answers.weights === weights,
  );
  if (same) return same.ranking;
  const ranking = makeRanking(answers, probabilities, place);
  const room = (known.length + 1) * truth.length <= mostKept;
  kept.set(probabilities, [...(room ? known : []), { answers, place, ranking }]);
  return ranking;
}

function makeRanking(answers: ClassAnswers, probabilities: Probabilities, place: number): Ranking {
  const { truth, classes, weights } = answers;
  // As scikit-learn does, rows without weight are left out before thresholds are taken.
  const all = orderRows(probabilities, classes, place);
  all.reverse();
  const order = weights ? all.filter((row) => (weights[row] ?? 0) > 0) : all;
  const starts = new Uint32Array(order.length + 1);
  let groups = 0;
  let last = Number.NaN;
  for (let at = 0; at < order.length; at++) {
    const score = probabilities[(order[at] ?? 0) * classes + place] ?? 0;
    if (score !== last) starts[groups++] = at;
    last = score;
  }
  starts[groups] = order.length;
  // Rows that count alike are whole numbers: half the memory.
  const Sums = weights ? Float64Array : Uint32Array;
  const [positives, negatives] = [new Sums(groups), new Sums(groups)];
  let [positive, negative] = [0, 0];
  for (let group = 0; group < groups; group++) {
    let [is, isNot] = [0, 0];
    const end = starts[group + 1] ?? 0;
    for (let at = starts[group] ?? 0; at < end; at++) {
      const row = order[at] ?? 0;
      if (truth[row] === place) is += weightOf(weights, row);
      else isNot += weightOf(weights, row);
    }
    positives[group] = is;
    negatives[group] = isNot;
    positive += is;
    negative += isNot;
  }
  return { order, starts: starts.slice(0, groups + 1), positives, negatives, positive, negative };
}

/** Area under the ROC curve by trapezoids, so that ties count half; NaN without both kinds of rows. */
export function area({ positives, negatives, positive, negative }: Ranking): number {
  let [sum, above] = [0, 0];
  for (let group = 0; group < positives.length; group++) {
    const here = positives[group] ?? 0;
    sum += (negatives[group] ?? 0) * (above + here / 2);
    above += here;
  }
  return sum / (positive * negative);
}

/** Sum of precision times the gain in recall, over falling thresholds; 0 without positive rows. */
export function stepArea({ positives, negatives, positive }: Ranking): number {
  let [total, hits, called] = [0, 0, 0];
  for (let group = 0; group < positives.length; group++) {
    const here = positives[group] ?? 0;
    hits += here;
    called += here + (negatives[group] ?? 0);
    total += (here * hits) / called;
  }
  return positive === 0 ? 0 : total / positive;
}

/** Why a model has no ranking; null when it has one. */
export function unranked({ probabilities }: ClassAnswers): string | null {
  if (!probabilities) return "the model gives no probabilities";
  for (let at = 0; at < probabilities.length; at++)
    if (!Number.isFinite(probabilities[at])) return "some probabilities are not finite";
  return null;
}

/**
 * One class against the rest, averaged over the classes. A weighted average leaves out classes without
 * rows; a macro average that includes a class without a value has no value, as in scikit-learn's
 * `roc_auc_score(multi_class="ovr", labels=...)`.
 */
function ranked(
  answers: ClassAnswers,
  average: RankingAverage,
  score: (ranking: Ranking) => number,
): Measured {
  const { probabilities, classes, positive } = answers;
  const fault = unranked(answers);
  if (!probabilities || fault !== null) return unmeasured(fault ?? "");
  if (average === null) {
    return measured(score(rank(answers, probabilities, positive)), "only one class has rows");
  }
  let [sum, weight] = [0, 0];
  for (let place = 0; place < classes; place++) {
    const ranking = rank(answers, probabilities, place);
    const share = average === "macro" ? 1 : ranking.positive;
    if (share === 0) continue;
    sum += share * score(ranking);
    weight += share;
  }
  return measured(sum / weight, "a class has no rows, or all of them");
}

/** Area under the ROC curve; of the positive class, or one class against the rest. */
export function rocAuc(answers: ClassAnswers, average: RankingAverage): Measured {
  return ranked(answers, average, area);
}

/** Average precision (area under the precision-recall steps), as scikit-learn's `average_precision_score`. */
export function averagePrecision(answers: ClassAnswers, average: RankingAverage): Measured {
  return ranked(answers, average, stepArea);
}
