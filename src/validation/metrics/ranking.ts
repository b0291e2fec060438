// Metrics of how probabilities rank the rows: area under the ROC curve, average precision.
import { type ClassAnswers, type Measured, measured, unmeasured, weightOf } from "./answers.ts";

/** Which class a ranking is about, and how several rankings become one number. */
export type RankingAverage = "macro" | "weighted" | null;

/** Weights of positive and negative rows that share one score, from the highest score down. */
interface Step {
  positives: number;
  negatives: number;
}

function stepsOf(answers: ClassAnswers, scores: Float64Array, place: number): Step[] {
  const { truth, classes, weights } = answers;
  const score = (row: number) => scores[row * classes + place] ?? 0;
  const order = Uint32Array.from(truth, (_label, row) => row).sort((a, b) => score(b) - score(a) || a - b);
  const steps: Step[] = [];
  let last = Number.NaN;
  for (const row of order) {
    const weight = weightOf(weights, row);
    // As scikit-learn does, rows without weight are left out before thresholds are taken.
    if (weight === 0) continue;
    if (score(row) !== last) steps.push({ positives: 0, negatives: 0 });
    last = score(row);
    const step = steps.at(-1);
    if (!step) continue;
    if (truth[row] === place) step.positives += weight;
    else step.negatives += weight;
  }
  return steps;
}

/** Area under the ROC curve by trapezoids, so that ties count half; NaN without both kinds of rows. */
function area(steps: Step[]): number {
  let [above, positives, negatives] = [0, 0, 0];
  for (const step of steps) {
    above += step.negatives * (positives + step.positives / 2);
    positives += step.positives;
    negatives += step.negatives;
  }
  return above / (positives * negatives);
}

/** Sum of precision times the gain in recall, over falling thresholds; 0 without positive rows. */
function stepArea(steps: Step[]): number {
  const all = steps.reduce((sum, { positives }) => sum + positives, 0);
  let [total, hits, called] = [0, 0, 0];
  for (const { positives, negatives } of steps) {
    hits += positives;
    called += positives + negatives;
    total += (positives * hits) / called;
  }
  return all === 0 ? 0 : total / all;
}

/**
 * One class against the rest, averaged over the classes. A weighted average leaves out classes without
 * rows; a macro average that includes a class without a value has no value, as in scikit-learn's
 * `roc_auc_score(multi_class="ovr", labels=...)`.
 */
function ranked(answers: ClassAnswers, average: RankingAverage, score: (steps: Step[]) => number): Measured {
  const { probabilities, classes, positive } = answers;
  if (!probabilities) return unmeasured("the model gives no probabilities");
  if (!probabilities.every(Number.isFinite)) return unmeasured("some probabilities are not finite");
  if (average === null) {
    return measured(score(stepsOf(answers, probabilities, positive)), "only one class has rows");
  }
  let [sum, weight] = [0, 0];
  for (let place = 0; place < classes; place++) {
    const steps = stepsOf(answers, probabilities, place);
    const rows = steps.reduce((total, { positives }) => total + positives, 0);
    const share = average === "macro" ? 1 : rows;
    if (share === 0) continue;
    sum += share * score(steps);
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
