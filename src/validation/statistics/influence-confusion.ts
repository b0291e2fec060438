// How metrics of a confusion table change with the weight of a row.
import { type ClassAnswers, weightOf } from "../metrics/answers.ts";
import {
  addUp,
  type Average,
  cellOf,
  classScores,
  countConfusion,
  type CountedMetric,
  countedMetrics,
  countedValue,
  type Margins,
  type Scope,
} from "../metrics/confusion.ts";
import type { Influence } from "./influence.ts";

/** Whether a confusion table decides the metric. */
export function isCounted(metric: string): metric is CountedMetric {
  return countedMetrics.some((name) => name === metric);
}

/** Derivatives of a metric by the sums of its table: by class, and by the weight of all rows. */
interface Gradient {
  hits: Float64Array;
  actual: Float64Array;
  called: Float64Array;
  all: number;
}

/** Influence of the rows on a metric of the confusion table. */
export function confusionInfluence(
  metric: CountedMetric,
  answers: ClassAnswers,
  average: Average,
): Influence | null {
  const { truth, predicted, weights, classes, positive } = answers;
  const table = countConfusion(answers);
  const margins = addUp(table);
  const scope = { average, positive, present: table.present };
  const byCell = cellGradient(metric, margins, scope);
  if (!byCell) return null;
  const rows = new Float64Array(truth.length);
  for (let row = 0; row < rows.length; row++) {
    rows[row] = weightOf(weights, row) * (byCell[cellOf(truth[row] ?? 0, predicted[row] ?? 0, classes)] ?? 0);
  }
  return { value: countedValue(metric, margins, scope), rows };
}

/** Derivative of a metric by each cell of its table; null where it has none. */
export function cellGradient(metric: CountedMetric, margins: Margins, scope: Scope): Float64Array | null {
  const classes = margins.hits.length;
  const gradient: Gradient = {
    hits: new Float64Array(classes),
    actual: new Float64Array(classes),
    called: new Float64Array(classes),
    all: 0,
  };
  if (margins.all === 0) return null;
  if (metric === "accuracy") ofAccuracy(gradient, margins);
  else if (metric === "balancedAccuracy") ofBalancedAccuracy(gradient, margins);
  else if (metric === "mcc") ofMcc(gradient, margins);
  else ofClassScore(metric, gradient, margins, scope);
  const cells = new Float64Array(classes * (classes + 1));
  for (let is = 0; is < classes; is++) {
    for (let said = 0; said <= classes; said++) {
      cells[is * (classes + 1) + said] =
        gradient.all +
        (gradient.actual[is] ?? 0) +
        (gradient.called[said] ?? 0) +
        (is === said ? (gradient.hits[is] ?? 0) : 0);
    }
  }
  return cells;
}

function ofAccuracy(gradient: Gradient, { hits, all }: Margins): void {
  gradient.hits.fill(1 / all);
  gradient.all = -hits.reduce((sum, hit) => sum + hit, 0) / all ** 2;
}

function ofBalancedAccuracy(gradient: Gradient, { hits, actual }: Margins): void {
  const classes = actual.filter((rows) => rows > 0).length;
  for (const [place, rows] of actual.entries()) {
    if (rows === 0) continue;
    gradient.hits[place] = 1 / (rows * classes);
    gradient.actual[place] = -(hits[place] ?? 0) / (rows * rows * classes);
  }
}

function ofMcc(gradient: Gradient, { hits, actual, called, all }: Margins): void {
  const right = hits.reduce((sum, hit) => sum + hit, 0);
  let [joint, said, is] = [right * all, all * all, all * all];
  for (let place = 0; place < hits.length; place++) {
    const [rows, calls] = [actual[place] ?? 0, called[place] ?? 0];
    joint -= rows * calls;
    said -= calls * calls;
    is -= rows * rows;
  }
  if (said <= 0 || is <= 0) return;
  const scale = 1 / (Math.sqrt(said) * Math.sqrt(is));
  const value = joint * scale;
  gradient.hits.fill(all * scale);
  for (let place = 0; place < hits.length; place++) {
    const [rows, calls] = [actual[place] ?? 0, called[place] ?? 0];
    gradient.actual[place] = -calls * scale + (value * rows) / is;
    gradient.called[place] = -rows * scale + (value * calls) / said;
  }
  gradient.all = right * scale - value * all * (1 / said + 1 / is);
}

/** Derivatives of one class's score by its hits, its rows and its calls. */
const slopes = {
  precision: (hits: number, _actual: number, called: number) =>
    called === 0 ? [0, 0, 0] : [1 / called, 0, -hits / called ** 2],
  recall: (hits: number, actual: number) => (actual === 0 ? [0, 0, 0] : [1 / actual, -hits / actual ** 2, 0]),
  f1: (hits: number, actual: number, called: number) => {
    const both = actual + called;
    return both === 0 ? [0, 0, 0] : [2 / both, (-2 * hits) / both ** 2, (-2 * hits) / both ** 2];
  },
};

function ofClassScore(
  metric: keyof typeof classScores,
  gradient: Gradient,
  margins: Margins,
  { average, positive, present }: Scope,
): void {
  const { hits, actual, called, all } = margins;
  if (average === "micro") {
    const [right, calls] = [hits, called].map((some) => some.reduce((sum, one) => sum + one, 0));
    const [byHits = 0, byRows = 0, byCalls = 0] = slopes[metric](right ?? 0, all, calls ?? 0);
    gradient.hits.fill(byHits);
    gradient.called.fill(byCalls);
    gradient.all = byRows;
    return;
  }
  let weighted = 0;
  for (const place of average === "binary" ? [positive] : present) {
    const [hit, rows, calls] = [hits[place] ?? 0, actual[place] ?? 0, called[place] ?? 0];
    const [byHits = 0, byRows = 0, byCalls = 0] = slopes[metric](hit, rows, calls);
    const score = classScores[metric](hit, rows, calls);
    const part = average === "binary" ? 1 : average === "macro" ? 1 / present.length : rows / all;
    gradient.hits[place] = part * byHits;
    gradient.actual[place] = part * byRows + (average === "weighted" ? score / all : 0);
    gradient.called[place] = part * byCalls;
    weighted += part * score;
  }
  if (average === "weighted") gradient.all = -weighted / all;
}
