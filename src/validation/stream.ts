// Reads columns of the table `rows` in the order of the file, batch by batch, into typed arrays.
import {
  type DuckDBConnection,
  type DuckDBDataChunk,
  DuckDBDoubleVector,
  DuckDBVarCharVector,
} from "@duckdb/node-api";
import type { Batch } from "./batch.ts";
import { badNumber } from "./data-fault.ts";
import type { PlacedColumn } from "./table.ts";

/** What {@link readBatches} reads. */
export interface BatchReading {
  file: string;
  columns: readonly PlacedColumn[];
  /** Rows of each batch; the last one may have fewer. */
  size: number;
}

/**
 * Batches of all rows. While a batch is at work the next one is not read ahead: whoever wants both asks
 * for it in time.
 * @param connection is kept busy until the last batch; nothing else may ask it anything meanwhile.
 * @throws MlshipError `data.number` for a number that no server could be sent exactly.
 */
export async function* readBatches(
  connection: DuckDBConnection,
  { file, columns, size }: BatchReading,
): AsyncGenerator<Batch, void> {
  const numbers = columns.filter(({ type }) => type !== "string");
  const texts = columns.filter(({ type }) => type === "string");
  // Missing is NaN: then no value needs a second look at a mask.
  const list = [
    ...numbers.map(({ place }) => `coalesce(c${place}::double, 'nan'::double)`),
    ...texts.map(({ place }) => `c${place}`),
    // A query needs a column, also for a model that takes none of the file.
    ...(columns.length === 0 ? ["null"] : []),
  ];
  const result = await connection.stream(`select ${list.join()} from rows`);
  let batch = new Filling(numbers, texts, size);
  let first = 0;
  for await (const chunk of result) {
    for (let from = 0; from < chunk.rowCount;) {
      from += batch.take(chunk, from);
      if (batch.rows < size) continue;
      yield batch.finish(file, first);
      first += size;
      batch = new Filling(numbers, texts, size);
    }
  }
  if (batch.rows > 0) yield batch.finish(file, first);
}

/** A batch that is being filled. */
class Filling {
  rows = 0;
  readonly #numbers: readonly PlacedColumn[];
  readonly #texts: readonly PlacedColumn[];
  readonly #size: number;
  readonly #numberBlock: Float64Array;
  readonly #textBlock: Int32Array;
  readonly #words: Map<string, number>[];

  constructor(numbers: readonly PlacedColumn[], texts: readonly PlacedColumn[], size: number) {
    this.#numbers = numbers;
    this.#texts = texts;
    this.#size = size;
    this.#numberBlock = new Float64Array(numbers.length * size);
    this.#textBlock = new Int32Array(texts.length * size);
    this.#words = texts.map(() => new Map());
  }

  /** Takes rows of a chunk until one of both is exhausted; returns how many. */
  take(chunk: DuckDBDataChunk, from: number): number {
    const count = Math.min(chunk.rowCount - from, this.#size - this.rows);
    for (let column = 0; column < this.#numbers.length; column++) {
      const vector = chunk.getColumnVector(column);
      if (!(vector instanceof DuckDBDoubleVector)) throw new TypeError("a cast to double gives doubles");
      copyNumbers(vector, from, this.#numberBlock, column * this.#size + this.rows, count);
    }
    for (const [index, words] of this.#words.entries()) {
      const vector = chunk.getColumnVector(this.#numbers.length + index);
      if (!(vector instanceof DuckDBVarCharVector)) throw new TypeError("a column of text gives texts");
      copyTexts(vector, from, this.#textBlock, index * this.#size + this.rows, count, words);
    }
    this.rows += count;
    return count;
  }

  /** @param first number of the batch's first row. */
  finish(file: string, first: number): Batch {
    const { rows } = this;
    closeGaps(this.#numberBlock, this.#numbers.length, this.#size, rows);
    closeGaps(this.#textBlock, this.#texts.length, this.#size, rows);
    const numberBlock = this.#numberBlock.subarray(0, this.#numbers.length * rows);
    for (const [index, { name, type }] of this.#numbers.entries()) {
      const values = numberBlock.subarray(index * rows, (index + 1) * rows);
      const bad = type === "int64" ? findInexact(values) : findInfinite(values);
      if (bad !== -1) throw badNumber(file, name, values[bad] ?? 0, first + bad);
    }
    return {
      rows,
      numbers: this.#numbers.map(({ name }) => name),
      numberBlock,
      texts: this.#texts.map(({ name }, index) => ({ name, words: [...(this.#words[index]?.keys() ?? [])] })),
      textBlock: this.#textBlock.subarray(0, this.#texts.length * rows),
    };
  }
}

function copyNumbers(vector: DuckDBDoubleVector, from: number, to: Float64Array, at: number, count: number) {
  // Its public way looks each value up in a mask of big integers: ten times as slow, and nothing is masked.
  to.set(vector["items"].subarray(from, from + count), at);
}

function copyTexts(
  vector: DuckDBVarCharVector,
  from: number,
  to: Int32Array,
  at: number,
  count: number,
  words: Map<string, number>,
) {
  for (let row = 0; row < count; row++) {
    const text = vector.getItem(from + row);
    let place = text === null ? -1 : words.get(text);
    if (place === undefined && text !== null) words.set(text, (place = words.size));
    to[at + row] = place ?? -1;
  }
}

/** Closes the gaps between the columns of a block with `size` places each, of which `rows` are filled. */
function closeGaps(block: Float64Array | Int32Array, columns: number, size: number, rows: number): void {
  if (rows === size) return;
  for (let column = 1; column < columns; column++) {
    block.copyWithin(column * rows, column * size, column * size + rows);
  }
}

/** Whole numbers beyond 2^53 have lost their last digits as doubles; none of those within reads as one beyond. */
function findInexact(values: Float64Array): number {
  for (let row = 0; row < values.length; row++) {
    const value = values[row] ?? 0;
    if (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER) return row;
  }
  return -1;
}

function findInfinite(values: Float64Array): number {
  for (let row = 0; row < values.length; row++) {
    const value = values[row];
    if (value === Infinity || value === -Infinity) return row;
  }
  return -1;
}
