// Reads a CSV file into the table `rows`: checked first, typed by DuckDB, held to its number of rows.
import type { DuckDBConnection } from "@duckdb/node-api";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Digest } from "../digest.ts";
import { guessing, missing, readingOf } from "./csv-reading.ts";
import { type CsvLayout, type CsvShape, readCsvShape, readLooks } from "./csv-shape.ts";
import { boundMemory } from "./database.ts";
import { refused, rejectDuplicates, unreadable } from "./data-fault.ts";
import { readHeader, readStart } from "./header.ts";
import { describe, literal, pathLiteral, type SourceColumn } from "./stored.ts";

/**
 * Makes the table `rows` from a CSV file of `size` bytes.
 * @throws MlshipError `data.duplicate-column`, `data.unreadable` with the line.
 */
export async function loadCsv(
  connection: DuckDBConnection,
  file: string,
  size: number,
  signal?: AbortSignal,
): Promise<{ columns: SourceColumn[]; digest: Digest }> {
  const { delimiter, names } = await readHeader(file, size);
  rejectDuplicates(file, names);
  const layout = { delimiter, fields: names.length, missing };
  await boundMemory(connection, names.length);
  const dialect = dialectOf(layout);
  const load: Load = (reading) =>
    withoutMark(file, (path) =>
      connection.run(
        `create or replace table rows as select * from read_csv(${pathLiteral(path)}, ${dialect}, ${reading})`,
      ),
    );
  const { shape, isLoaded } = await checkWhileLoading(connection, file, layout, { load, signal });
  if (shape.fault !== null) throw unreadable(file, shape.fault, { line: shape.line });
  if (!isLoaded) await loadAsWhole(file, readingOf(shape), load);
  await rejectLostRows(connection, file, shape.records - 1, names.length);
  const columns = await adoptTruthValues(connection, await describe(connection, names));
  return { columns, digest: shape.digest };
}

/** What DuckDB is told of a file's records. */
function dialectOf({ delimiter, fields }: CsvLayout): string {
  const places = Array.from({ length: fields }, (_none, place) => literal(`c${place}`));
  return `header=true, skip=0, delim=${literal(delimiter)}, quote='"', escape='"', comment='',
    strict_mode=false, hive_partitioning=false, names=[${places.join()}]`;
}

/** Fills the table by a reading; see {@link readingOf}. */
type Load = (reading: string) => Promise<void>;

/**
 * Checks the whole file, and meanwhile loads it the way in which its first records have to be read. When
 * all of them have to be read otherwise, such as whole numbers of which a late one is not, it is not loaded.
 */
async function checkWhileLoading(
  connection: DuckDBConnection,
  file: string,
  layout: CsvLayout,
  { load, signal }: { load: Load; signal: AbortSignal | undefined },
): Promise<{ shape: CsvShape; isLoaded: boolean }> {
  const presumed = readingOf(await readLooks(file, layout));
  const loading =
    presumed !== null &&
    load(presumed).then(
      () => true,
      () => false,
    );
  try {
    const shape = await readCsvShape(file, layout, signal);
    const isRight = shape.fault === null && readingOf(shape) === presumed;
    return { shape, isLoaded: isRight && (await loading) };
  } finally {
    // Does nothing to what has ended.
    connection.interrupt();
    await loading;
  }
}

/** Loads the file the way in which all of its records have to be read. @param reading null when the bytes do not tell. */
async function loadAsWhole(file: string, reading: string | null, load: Load): Promise<void> {
  // A whole number beyond 64 bits, a lone minus: what such a column is, is for the reader to say.
  await load(reading ?? guessing)
    .catch(() => load(guessing))
    .catch((cause: unknown) => {
      throw refused(file, cause);
    });
}

/**
 * Gives `read` a file that does not begin with a byte order mark and a quote, which DuckDB cannot tell
 * apart from a name: the file itself, or a copy without the mark that is removed afterwards.
 */
async function withoutMark(file: string, read: (path: string) => Promise<unknown>): Promise<void> {
  const start = await readStart(file, 4);
  if (start.toString("hex") !== "efbbbf22") {
    await read(file);
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), "mlship-data-"));
  try {
    const copy = join(folder, "data.csv");
    await pipeline(createReadStream(file, { start: 3 }), createWriteStream(copy));
    await read(copy);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Holds the reader to the file: it may not leave out a row. */
async function rejectLostRows(connection: DuckDBConnection, file: string, rows: number, width: number) {
  const [[read] = []] = (await connection.runAndReadAll("select count(*) from rows")).getRows();
  // In a file of one column a blank line is a row without a value.
  if (Number(read) === rows || (width === 1 && Number(read) > rows)) return;
  throw unreadable(file, `it has ${rows} rows, but only ${Number(read)} of them could be read`);
}

/** Text columns of a CSV file that hold only true and false, in any case, become truth values. */
async function adoptTruthValues(
  connection: DuckDBConnection,
  columns: SourceColumn[],
): Promise<SourceColumn[]> {
  const texts = columns
    .map(({ type }, place) => (type === "string" ? `c${place}` : null))
    .filter((at) => at !== null);
  if (texts.length === 0) return columns;
  const tests = texts.map((at) => `coalesce(bool_and(lower(${at}) in ('true', 'false')), false)`);
  const [verdicts = []] = (await connection.runAndReadAll(`select ${tests.join()} from rows`)).getRowsJS();
  const truths = new Set(texts.filter((_at, index) => verdicts[index] === true));
  for (const at of truths) await connection.run(`alter table rows alter ${at} type boolean`);
  return columns.map((column, place) =>
    truths.has(`c${place}`) ? { ...column, type: "bool", stored: "BOOLEAN" } : column,
  );
}
