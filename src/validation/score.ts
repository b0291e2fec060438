// Gives a scorer the rows of a data set in batches, and gathers its answers.
import type { Probabilities } from "./metrics/answers.ts";
import { MlshipError } from "../errors.ts";
import type { InputColumn } from "../model/model.ts";
import type { Dataset } from "./dataset.ts";
import type { BatchAnswer, Scorer } from "./ports.ts";
import { type Series, SeriesBuilder } from "./series.ts";

/** All answers, in the order of the rows. */
export interface Answer {
  /** One label per row, or row by row `outputs` numbers. */
  predictions: Series;
  outputs: number;
  /** Row by row; null when the model gives none. */
  probabilities: Probabilities | null;
  /** Probabilities per row, 0 when there are none. */
  width: number;
}

/** What {@link scoreRows} needs. */
export interface Scoring {
  inputs: readonly InputColumn[];
  dataset: Pick<Dataset, "rows" | "batches">;
  scorer: Pick<Scorer, "predict">;
  onProgress?: ((done: number, total: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** Rows per batch when the model has few inputs: large enough to vectorise, small enough to stay in a processor's cache. */
const mostRows = 8192;
/** Values per batch: 8 MB, however many inputs there are. */
const mostValues = 1_000_000;

/**
 * Scores every row. While the model is at work on a batch the next one is read and sent.
 * @throws MlshipError `score.*` when the model fails, or its answers do not have the shape of its input.
 */
export async function scoreRows({ inputs, dataset, scorer, onProgress, signal }: Scoring): Promise<Answer> {
  const names = inputs.map(({ name }) => name);
  const size = Math.min(mostRows, Math.max(1, Math.floor(mostValues / Math.max(1, names.length))));
  const gathering = new Gathering(dataset.rows);
  let earlier: Promise<BatchAnswer> | null = null;
  const gather = async (asked: Promise<BatchAnswer>) => {
    gathering.add(await asked);
    onProgress?.(gathering.rows, dataset.rows);
  };
  for await (const batch of dataset.batches(names, size)) {
    signal?.throwIfAborted();
    const asked = scorer.predict(batch).then((answer) => held(answer, batch.rows));
    // When the batch before it fails, that is the error: nobody waits for this one any more.
    asked.catch(() => null);
    if (earlier) await gather(earlier);
    earlier = asked;
  }
  if (earlier) await gather(earlier);
  return gathering.finish();
}

/** The answers to the batches so far. */
class Gathering {
  rows = 0;
  readonly #total: number;
  #shape: { outputs: number; width: number } | null = null;
  #predictions = new SeriesBuilder(0);
  #probabilities: Probabilities | null = null;

  constructor(total: number) {
    this.#total = total;
  }

  add({ predictions, outputs, probabilities, width }: BatchAnswer): void {
    if (this.#shape === null) {
      this.#shape = { outputs, width };
      this.#predictions = new SeriesBuilder(this.#total * outputs);
      if (width > 0) this.#probabilities = new Float32Array(this.#total * width);
    }
    if (outputs !== this.#shape.outputs || width !== this.#shape.width) {
      throw misshapen(
        `row ${this.rows + 1} has ${outputs} values and ${width} probabilities, the first row has ${this.#shape.outputs} and ${this.#shape.width}`,
      );
    }
    this.#predictions.add(predictions);
    if (probabilities) this.#keep(probabilities, this.rows * width);
    this.rows += predictions.length / outputs;
  }

  /** In single precision, which is half the memory, until a value needs more. */
  #keep(probabilities: Float64Array, from: number): void {
    const kept = this.#probabilities;
    if (kept instanceof Float32Array && !probabilities.every(isSingle))
      this.#probabilities = Float64Array.from(kept);
    this.#probabilities?.set(probabilities, from);
  }

  finish(): Answer {
    const { outputs, width } = this.#shape ?? { outputs: 1, width: 0 };
    return { predictions: this.#predictions.finish(), outputs, probabilities: this.#probabilities, width };
  }
}

/** Whether single precision holds a number as it is. NaN counts: it stays NaN. */
const isSingle = (value: number) => Object.is(Math.fround(value), value);

/** Holds an answer to the number of rows that it is for. */
function held(answer: BatchAnswer, rows: number): BatchAnswer {
  const { predictions, outputs, probabilities, width } = answer;
  if (predictions.length !== rows * outputs)
    throw misshapen(`it gave ${predictions.length / outputs} predictions for ${rows} rows`);
  if ((probabilities?.length ?? 0) !== rows * width)
    throw misshapen("it did not give every row the same number of probabilities");
  return answer;
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
