// The paired bootstrap: both models on the same rows, drawn with replacement, sorted once for all draws.
import {
  type Answers,
  type ClassAnswers,
  type NumberAnswers,
  rowsOf,
  type Probabilities,
} from "../metrics/answers.ts";
import { brierOf, calibratedOf, calibrationBins, logLossOf } from "../metrics/probability.ts";
import { rank } from "../metrics/ranking.ts";
import { lossOf, sortedErrors } from "../metrics/regression.ts";
import type { MetricKey } from "./influence.ts";
import { Stream } from "./random.ts";

/** A metric of a draw: of the rows, each counted so often. */
type Statistic = (counts: Uint8Array) => number;

/**
 * Candidate minus production in each of the draws `from` … `to` − 1. Draw number i depends on the seed
 * and i alone, so that any split over workers gives the same digits.
 */
export function drawPaired(
  candidate: Answers,
  production: Answers,
  metric: MetricKey,
  { seed, from, to }: { seed: number; from: number; to: number },
): Float64Array | null {
  const [now, before] = [statisticOf(candidate, metric), statisticOf(production, metric)];
  if (!now || !before) return null;
  const rows = rowsOf(candidate);
  // A row is drawn once on average; 256 times has no chance that could be written down.
  const counts = new Uint8Array(rows);
  const deltas = new Float64Array(to - from);
  for (let draw = from; draw < to; draw++) {
    counts.fill(0);
    new Stream(seed, draw).resample(counts, rows);
    deltas[draw - from] = now(counts) - before(counts);
  }
  return deltas;
}

/** How a metric is computed again from counts; null for metrics that are drawn in another way. */
function statisticOf(answers: Answers, { name, average }: MetricKey): Statistic | null {
  if (answers.task === "regression") return numberStatistic(answers, name);
  const { probabilities } = answers;
  if (!probabilities) return null;
  if (name === "rocAuc" || name === "averagePrecision") {
    const score = name === "rocAuc" ? areaOf : stepAreaOf;
    if (average !== "macro" && average !== "weighted")
      return score(answers, probabilities, answers.positive).value;
    const parts = Array.from({ length: answers.classes }, (_none, place) =>
      score(answers, probabilities, place),
    );
    return (counts) => {
      let [sum, all] = [0, 0];
      for (const part of parts) {
        const value = part.value(counts);
        const share = average === "macro" ? 1 : part.positive();
        if (share === 0) continue;
        sum += share * value;
        all += share;
      }
      return sum / all;
    };
  }
  if (name === "logLoss") return meanOf(answers, logLossOf(answers, probabilities));
  if (name === "brier") return meanOf(answers, brierOf(answers, probabilities));
  return name === "ece" ? eceOf(answers, probabilities) : null;
}

/** Weighted mean of a cost of the rows. */
function meanOf(answers: Answers, cost: (row: number) => number): Statistic {
  const { weights } = answers;
  const costs = Float64Array.from({ length: rowsOf(answers) }, (_none, row) => cost(row));
  return (counts) => {
    let [sum, all] = [0, 0];
    for (let row = 0; row < counts.length; row++) {
      const weight = weights ? (counts[row] ?? 0) * (weights[row] ?? 0) : (counts[row] ?? 0);
      sum += weight * (costs[row] ?? 0);
      all += weight;
    }
    return sum / all;
  };
}

function eceOf(answers: ClassAnswers, probabilities: Probabilities): Statistic {
  const { weights, truth } = answers;
  const { bin, gap } = calibratedOf(answers, probabilities);
  const bins = Uint8Array.from(truth, (_is, row) => bin(row));
  const gaps = Float64Array.from(truth, (_is, row) => gap(row));
  return (counts) => {
    const sums = new Float64Array(calibrationBins);
    let all = 0;
    for (let row = 0; row < counts.length; row++) {
      const weight = (counts[row] ?? 0) * (weights?.[row] ?? 1);
      const at = bins[row] ?? 0;
      sums[at] = (sums[at] ?? 0) + weight * (gaps[row] ?? 0);
      all += weight;
    }
    return sums.reduce((sum, one) => sum + Math.abs(one), 0) / all;
  };
}

/** One class's ranking, made once: by place in the order, the row, whether it is positive, and where groups end. */
function sortedOf(answers: ClassAnswers, probabilities: Probabilities, place: number) {
  const { order, starts } = rank(answers, probabilities, place);
  const positive = Uint8Array.from(order, (row) => (answers.truth[row] === place ? 1 : 0));
  const last = new Uint8Array(order.length);
  for (const start of starts) if (start > 0) last[start - 1] = 1;
  return { order, positive, last, weights: answers.weights };
}

interface RankedStatistic {
  value: Statistic;
  /** Weight of the positive rows in the last draw. */
  positive: () => number;
}

function areaOf(answers: ClassAnswers, probabilities: Probabilities, place: number): RankedStatistic {
  const { order, positive, last, weights } = sortedOf(answers, probabilities, place);
  let positives = 0;
  return {
    positive: () => positives,
    value(counts) {
      let [sum, above, here, others, negatives] = [0, 0, 0, 0, 0];
      for (let at = 0; at < order.length; at++) {
        const row = order[at] ?? 0;
        const weight = weights ? (counts[row] ?? 0) * (weights[row] ?? 0) : (counts[row] ?? 0);
        if (positive[at] === 1) here += weight;
        else others += weight;
        if (last[at] === 1) {
          sum += others * (above + here / 2);
          above += here;
          negatives += others;
          here = 0;
          others = 0;
        }
      }
      positives = above;
      return sum / (above * negatives);
    },
  };
}

function stepAreaOf(answers: ClassAnswers, probabilities: Probabilities, place: number): RankedStatistic {
  const { order, positive, last, weights } = sortedOf(answers, probabilities, place);
  let positives = 0;
  return {
    positive: () => positives,
    value(counts) {
      let [total, hits, called, here] = [0, 0, 0, 0];
      for (let at = 0; at < order.length; at++) {
        const row = order[at] ?? 0;
        const weight = weights ? (counts[row] ?? 0) * (weights[row] ?? 0) : (counts[row] ?? 0);
        called += weight;
        if (positive[at] === 1) here += weight;
        if (last[at] === 1) {
          hits += here;
          if (here > 0) total += (here * hits) / called;
          here = 0;
        }
      }
      positives = hits;
      return hits === 0 ? 0 : total / hits;
    },
  };
}

function numberStatistic(answers: NumberAnswers, name: MetricKey["name"]): Statistic | null {
  const { truth, predicted, outputs } = answers;
  const perOutput = Array.from({ length: outputs }, (_none, output): Statistic | null => {
    const of = (values: Float64Array) => (row: number) => values[row * outputs + output] ?? 0;
    const [is, said] = [of(truth), of(predicted)];
    if (name === "medianAbsoluteError") return medianOf(answers, output);
    if (name === "r2") {
      const residual = meanOf(answers, (row) => (is(row) - said(row)) ** 2);
      const first = is(0);
      // Around the first value, so that large means do not cost digits.
      const [mean, square] = [
        meanOf(answers, (row) => is(row) - first),
        meanOf(answers, (row) => (is(row) - first) ** 2),
      ];
      return (counts) => 1 - residual(counts) / (square(counts) - mean(counts) ** 2);
    }
    if (name !== "mae" && name !== "rmse" && name !== "mape" && name !== "pinball") return null;
    const loss = lossOf(name, answers);
    const mean = meanOf(answers, (row) => loss(is(row), said(row)));
    return name === "rmse" ? (counts) => Math.sqrt(mean(counts)) : mean;
  }).filter((one) => one !== null);
  if (perOutput.length !== outputs) return null;
  return (counts) => perOutput.reduce((sum, one) => sum + one(counts), 0) / outputs;
}

function medianOf(answers: NumberAnswers, output: number): Statistic {
  const { weights } = answers;
  const { errors, order } = sortedErrors(answers, output);
  return (counts) => {
    const weigh = (row: number) => (counts[row] ?? 0) * (weights?.[row] ?? 1);
    let all = 0;
    for (const row of order) all += weigh(row);
    let below = 0;
    let found = Number.NaN;
    for (const row of order) {
      const weight = weigh(row);
      if (weight === 0) continue;
      if (!Number.isNaN(found)) return (found + (errors[row] ?? 0)) / 2;
      below += weight;
      if (below - all / 2 > Number.EPSILON) return errors[row] ?? 0;
      if (below >= all / 2) found = errors[row] ?? 0;
    }
    return found;
  };
}
