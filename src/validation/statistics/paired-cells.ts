// Two models' confusion tables on the same rows, drawn again and again: the cost does not grow with the rows.
import { type ClassAnswers, weightOf } from "../metrics/answers.ts";
import { addUp, type Average, cellOf, type CountedMetric, countedValue } from "../metrics/confusion.ts";
import { Stream } from "./random.ts";

/** Rows that the same (true class, candidate's answer, production's answer) has. */
interface PairedCell {
  /** Its cell in each model's confusion table. */
  candidate: number;
  production: number;
  weight: number;
  squares: number;
}

/** Counts the combinations that occur. */
function pairedCells(candidate: ClassAnswers, production: ClassAnswers): PairedCell[] {
  const { truth, predicted, weights, classes } = candidate;
  const found = new Map<number, PairedCell>();
  const size = classes * (classes + 1);
  for (let row = 0; row < truth.length; row++) {
    const is = truth[row] ?? 0;
    const own = cellOf(is, predicted[row] ?? 0, classes);
    const other = cellOf(is, production.predicted[row] ?? 0, classes);
    const weight = weightOf(weights, row);
    const known = found.get(own * size + other);
    if (known) {
      known.weight += weight;
      known.squares += weight * weight;
    } else {
      found.set(own * size + other, { candidate: own, production: other, weight, squares: weight * weight });
    }
  }
  return [...found.entries()].sort(([a], [b]) => a - b).map(([, cell]) => cell);
}

/** How draws of a metric of the paired tables are made. */
interface Drawing {
  seed: number;
  replicates: number;
}

/** A metric of the candidate's table minus that of production's. */
type Delta = (candidate: Float64Array, production: Float64Array) => number;

function deltaOf(metric: CountedMetric, average: Average, answers: ClassAnswers): Delta {
  const { classes, positive, truth } = answers;
  const known = new Set(truth);
  const places = Array.from({ length: classes }, (_none, place) => place);
  const value = (cells: Float64Array) => {
    const margins = addUp({ cells, classes });
    // Only a class without rows may be absent from a table.
    const present =
      known.size === classes
        ? places
        : places.filter((place) => known.has(place) || (margins.called[place] ?? 0) > 0);
    return countedValue(metric, margins, { average, positive, present });
  };
  return (candidate, production) => value(candidate) - value(production);
}

/** Puts one draw of a cell's weight into both models' tables. */
type Draw = (random: Stream, cell: PairedCell, now: Float64Array, before: Float64Array) => void;

/**
 * Differences of a metric over draws of the paired table. Each cell's weight is drawn from the gamma law
 * that its rows, each drawn from the exponential one, add up to: the Bayesian bootstrap (Rubin, 1981) of
 * all rows, at the cost of the cells.
 */
export function drawCells(
  metric: CountedMetric,
  average: Average,
  candidate: ClassAnswers,
  production: ClassAnswers,
  { seed, replicates }: Drawing,
): Float64Array {
  const draw: Draw = (random, cell, now, before) => {
    const scale = cell.squares / cell.weight;
    const weight = scale * random.gamma(cell.weight / scale);
    add(now, cell.candidate, weight);
    add(before, cell.production, weight);
  };
  const delta = deltaOf(metric, average, candidate);
  return deltasOf(candidate, production, delta, { seed, replicates }, draw);
}

/**
 * Differences of a metric when, in each row on which the models differ, chance decides which of them gave
 * which answer (Fisher's randomisation test, 1935; for accuracy it is McNemar's). Between models that are
 * equal row by row these differences and the one seen have the same law, however few rows there are.
 */
export function swapCells(
  metric: CountedMetric,
  average: Average,
  candidate: ClassAnswers,
  production: ClassAnswers,
  { seed, replicates }: Drawing,
): Float64Array {
  const draw: Draw = (random, cell, now, before) => {
    const differs = cell.candidate !== cell.production;
    const kept = differs ? cell.weight * halfOf(random, cell.weight ** 2 / cell.squares) : cell.weight;
    const swapped = cell.weight - kept;
    add(now, cell.candidate, kept);
    add(before, cell.production, kept);
    add(now, cell.production, swapped);
    add(before, cell.candidate, swapped);
  };
  const delta = deltaOf(metric, average, candidate);
  // Other numbers than those of `drawCells`.
  return deltasOf(candidate, production, delta, { seed: seed ^ 0x5a5a5a5a, replicates }, draw);
}

/** One difference per draw. Draw i depends on the seed and i alone. */
function deltasOf(
  candidate: ClassAnswers,
  production: ClassAnswers,
  delta: Delta,
  { seed, replicates }: Drawing,
  draw: Draw,
): Float64Array {
  const cells = pairedCells(candidate, production).filter(({ weight }) => weight > 0);
  const size = candidate.classes * (candidate.classes + 1);
  const [now, before] = [new Float64Array(size), new Float64Array(size)];
  const deltas = new Float64Array(replicates);
  for (let at = 0; at < replicates; at++) {
    const random = new Stream(seed, at);
    now.fill(0);
    before.fill(0);
    for (const cell of cells) draw(random, cell, now, before);
    deltas[at] = delta(now, before);
  }
  return deltas;
}

function add(table: Float64Array, cell: number, weight: number): void {
  table[cell] = (table[cell] ?? 0) + weight;
}

/** Rows up to which coins are thrown one by one; the share of more heads is normal enough. */
const mostThrown = 64;

/** Share of heads among so many (effective) throws of a coin. */
function halfOf(random: Stream, throws: number): number {
  if (throws > mostThrown) {
    return Math.min(1, Math.max(0, 0.5 + (random.normal() * 0.5) / Math.sqrt(throws)));
  }
  const whole = Math.max(1, Math.round(throws));
  let heads = 0;
  for (let at = 0; at < whole; at++) if (random.uniform() < 0.5) heads++;
  return heads / whole;
}
