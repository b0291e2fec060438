// Two models' confusion tables on the same rows, drawn again and again: the cost does not grow with the rows.
import { type ClassAnswers, weightOf } from "../metrics/answers.ts";
import {
  addUp,
  type Average,
  cellOf,
  type CountedMetric,
  countConfusion,
  countedValue,
} from "../metrics/confusion.ts";
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
  { seed, replicates }: { seed: number; replicates: number },
): Float64Array {
  const { classes, positive } = candidate;
  const cells = pairedCells(candidate, production).filter(({ weight }) => weight > 0);
  const scopes = [candidate, production].map((answers) => {
    return { average, positive, present: countConfusion(answers).present };
  });
  const tables = [0, 1].map(() => new Float64Array(classes * (classes + 1)));
  const deltas = new Float64Array(replicates);
  for (let draw = 0; draw < replicates; draw++) {
    const random = new Stream(seed, draw);
    for (const table of tables) table.fill(0);
    for (const cell of cells) {
      const scale = cell.squares / cell.weight;
      const weight = scale * random.gamma(cell.weight / scale);
      for (const [side, table] of tables.entries()) {
        const at = side === 0 ? cell.candidate : cell.production;
        table[at] = (table[at] ?? 0) + weight;
      }
    }
    const [now = Number.NaN, before = Number.NaN] = tables.map((table, side) => {
      const scope = scopes[side];
      return scope ? countedValue(metric, addUp({ cells: table, classes }), scope) : Number.NaN;
    });
    deltas[draw] = now - before;
  }
  return deltas;
}
