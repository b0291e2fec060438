// Gives a scorer the rows of a data set in batches, and gathers its answers.
import { MlshipError } from "../errors.ts";
import type { InputColumn, Label } from "../model/model.ts";
import type { Dataset } from "./dataset.ts";
import type { Predictions, Scorer } from "./ports.ts";

/** All answers, in the order of the rows. */
export interface Answer {
  predictions: Label[];
  /** Row by row; null when the model gives none. */
  probabilities: Float64Array | null;
  /** Probabilities per row, 0 when there are none. */
  width: number;
}

/** What {@link scoreRows} needs. */
export interface Scoring {
  inputs: readonly InputColumn[];
  dataset: Pick<Dataset, "rows" | "columns">;
  scorer: Scorer;
  onProgress?: ((done: number, total: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** Rows per batch when the model has few inputs: large enough to vectorise, small enough to stream. */
const mostRows = 4096;
/** Values per batch: some megabytes of JSON, however many inputs there are. */
const mostValues = 400_000;

/**
 * Scores every row.
 * @throws MlshipError `score.*` when the model fails, or its answers do not have the shape of its input.
 */
export async function scoreRows({ inputs, dataset, scorer, onProgress, signal }: Scoring): Promise<Answer> {
  const names = inputs.map(({ name }) => name);
  const batch = Math.min(mostRows, Math.max(1, Math.floor(mostValues / Math.max(1, names.length))));
  const predictions: Label[] = [];
  let probabilities: Float64Array | null = null;
  let width = 0;
  for (let from = 0; from < dataset.rows; from += batch) {
    signal?.throwIfAborted();
    const to = Math.min(from + batch, dataset.rows);
    const answered = await scorer.score(await dataset.columns(names, from, to));
    const found = widthOf(answered, to - from);
    if (from === 0 && found > 0) {
      width = found;
      probabilities = new Float64Array(dataset.rows * width);
    }
    if (found !== width)
      throw misshapen(`row ${from + 1} has ${found} probabilities, the first row has ${width}`);
    for (const label of answered.predictions) predictions.push(label);
    for (const [row, chances] of (answered.probabilities ?? []).entries()) {
      probabilities?.set(chances, (from + row) * width);
    }
    onProgress?.(to, dataset.rows);
  }
  return { predictions, probabilities, width };
}

function widthOf({ predictions, probabilities }: Predictions, rows: number): number {
  if (predictions.length !== rows)
    throw misshapen(`it gave ${predictions.length} predictions for ${rows} rows`);
  if (!probabilities) return 0;
  const width = probabilities[0]?.length ?? 0;
  if (probabilities.length !== rows || probabilities.some((row) => row.length !== width) || width === 0) {
    throw misshapen("it did not give every row the same number of probabilities");
  }
  return width;
}

function misshapen(why: string): MlshipError {
  return new MlshipError({
    code: "score.shape",
    what: "the model's answers do not fit the rows that it was given",
    why,
    fix: "return one prediction per row, and one probability per class or none; check the handler when there is one",
    exit: "usage",
  });
}
