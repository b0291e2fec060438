// Labels and weights of all rows, in typed arrays.
import type { DuckDBConnection } from "@duckdb/node-api";
import { Series, SeriesBuilder } from "./series.ts";
import { readBatches } from "./stream.ts";
import type { PlacedColumn } from "./table.ts";

/** What of the table `rows` is read. */
export interface Reading {
  file: string;
  rows: number;
  columns: readonly PlacedColumn[];
}

/** Rows that are read at once; they are copied into the whole and let go. */
const size = 65_536;

/**
 * The labels of a column without gaps; of several columns of numbers, row by row a number of each.
 * @throws MlshipError `data.number` for infinity and for whole numbers beyond 2^53.
 */
export async function readTruth(connection: DuckDBConnection, reading: Reading): Promise<Series> {
  const [column, another] = reading.columns;
  if (another || column?.type === "float64" || column?.type === "float32" || column?.type === "int64") {
    return Series.numbers(await readNumbers(connection, reading)).compact();
  }
  const builder = new SeriesBuilder(reading.rows);
  for await (const batch of readBatches(connection, { ...reading, size })) {
    const [text] = batch.texts;
    builder.add(
      text
        ? Series.coded(batch.textBlock, text.words)
        : Series.coded(Int32Array.from(batch.numberBlock), [false, true]),
    );
  }
  return builder.finish();
}

/**
 * Numbers row by row; NaN where one is missing.
 * @throws as {@link readTruth}.
 */
export async function readNumbers(connection: DuckDBConnection, reading: Reading): Promise<Float64Array> {
  const width = reading.columns.length;
  const values = new Float64Array(reading.rows * width);
  let first = 0;
  for await (const { rows, numberBlock } of readBatches(connection, { ...reading, size })) {
    for (let place = 0; place < width; place++) {
      for (let row = 0; row < rows; row++) {
        values[(first + row) * width + place] = numberBlock[place * rows + row] ?? Number.NaN;
      }
    }
    first += rows;
  }
  return values;
}
