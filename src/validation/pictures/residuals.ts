// Residuals of a regressor: how far predictions lie from the truth, and a sample of rows to look at.
import { type NumberAnswers, weightOf } from "../metrics/answers.ts";
import type { Pictures } from "../report/pictures.ts";

type Residuals = Pictures["residuals"][number];

/** Bins of equal width over the middle 98 % of the rows; one bin more on each side holds what is beyond. */
const middleBins = 30;
const sampleRows = 500;

/** One picture per output. Rows without a finite prediction are left out. */
export function residualsOf(answers: NumberAnswers, outputs: readonly string[]): Residuals[] {
  return outputs.flatMap((output, place) => {
    const rows = answers.truth.length / answers.outputs;
    const column = (values: Float64Array) =>
      Float64Array.from({ length: rows }, (_none, row) => values[row * answers.outputs + place] ?? 0);
    const [truth, predicted] = [column(answers.truth), column(answers.predicted)];
    const residuals = predicted.map((value, row) => value - (truth[row] ?? 0));
    const sorted = residuals.filter(Number.isFinite).sort();
    if (sorted.length === 0) return [];
    const edges = edgesOf(sorted);
    return [
      {
        output,
        edges,
        counts: countInto(edges, residuals, answers.weights),
        sample: sampleOf(truth, predicted),
      },
    ];
  });
}

function edgesOf(sorted: Float64Array): number[] {
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  const [lowest, low, high, highest] = [at(0), at(0.01), at(0.99), at(1)];
  const width = (high - low) / middleBins;
  const middle = Array.from({ length: middleBins + 1 }, (_none, step) =>
    step === middleBins ? high : low + step * width,
  );
  const edges = [...new Set([lowest, ...middle, highest])].toSorted((a, b) => a - b);
  // All residuals are one number.
  return edges.length > 1 ? edges : [lowest, lowest];
}

function countInto(edges: number[], residuals: Float64Array, weights: Float64Array | null): number[] {
  const counts = Array.from({ length: edges.length - 1 }, () => 0);
  for (const [row, residual] of residuals.entries()) {
    if (!Number.isFinite(residual)) continue;
    let [low, high] = [0, counts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((edges[middle] ?? 0) <= residual) low = middle;
      else high = middle - 1;
    }
    counts[low] = (counts[low] ?? 0) + weightOf(weights, row);
  }
  return counts;
}

/** Rows at even steps over the file. */
function sampleOf(truth: Float64Array, predicted: Float64Array): Residuals["sample"] {
  const finite = Array.from(predicted.keys()).filter((row) => Number.isFinite(predicted[row] ?? Number.NaN));
  const taken = Math.min(sampleRows, finite.length);
  const rows = Array.from({ length: taken }, (_none, at) => {
    return finite[Math.floor((at * finite.length) / taken)] ?? 0;
  });
  return { x: rows.map((row) => truth[row] ?? 0), y: rows.map((row) => predicted[row] ?? 0) };
}
