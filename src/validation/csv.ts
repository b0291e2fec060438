// Reads a CSV file into the table `rows`: checked first, typed by DuckDB, held to its number of rows.
import type { DuckDBConnection } from "@duckdb/node-api";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Digest } from "../digest.ts";
import { looks } from "./csv-scan.ts";
import { readCsvShape } from "./csv-shape.ts";
import { boundMemory } from "./database.ts";
import { refused, rejectDuplicates, unreadable } from "./data-fault.ts";
import { readHeader, readStart } from "./header.ts";
import { describe, literal, pathLiteral, type SourceColumn } from "./stored.ts";

/** What stands for a missing value in a CSV file; what pandas reads as missing, without the numeric oddities. */
const missing = ["", ..."NA N/A n/a #N/A <NA> NaN nan -NaN -nan NULL null None".split(" ")];

/**
 * Makes the table `rows` from a CSV file of `size` bytes.
 * @throws MlshipError `data.duplicate-column`, `data.unreadable` with the line.
 */
export async function loadCsv(
  connection: DuckDBConnection,
  file: string,
  size: number,
): Promise<{ columns: SourceColumn[]; digest: Digest }> {
  const { delimiter, names } = await readHeader(file, size);
  rejectDuplicates(file, names);
  const shape = await readCsvShape(file, { delimiter, fields: names.length, missing });
  if (shape.fault !== null) throw unreadable(file, shape.fault, { line: shape.line });
  await boundMemory(connection, names.length);
  const places = names.map((_name, place) => `'c${place}'`);
  const options = `header=true, skip=0, delim=${literal(delimiter)}, quote='"', escape='"', comment='',
    strict_mode=false, hive_partitioning=false, nullstr=[${missing.map(literal).join()}], names=[${places.join()}]`;
  const load = (types: string) => (path: string) =>
    connection.run(
      `create or replace table rows as select * from read_csv(${pathLiteral(path)}, ${options}, ${types})`,
    );
  const known = typesOf(shape.columns);
  const isLoaded =
    known !== null &&
    (await withoutMark(file, load(`types=[${known.map(literal).join()}]`)).then(
      () => true,
      // A whole number beyond 64 bits, a lone minus: what such a column is, is for the reader to say.
      () => false,
    ));
  if (!isLoaded) {
    await withoutMark(file, load(guessing)).catch((cause: unknown) => {
      throw refused(file, cause);
    });
  }
  await rejectLostRows(connection, file, shape.records - 1, names.length);
  const columns = await adoptTruthValues(connection, await describe(connection, names));
  return { columns, digest: shape.digest };
}

/**
 * Reads the whole file twice, to look at every value before a type is chosen. Neither dates nor truth
 * values are guessed: 2020-01-01 and yes are text, as in most training code.
 */
const guessing = "sample_size=-1, auto_type_candidates=['BIGINT','DOUBLE','VARCHAR']";

/** The types that {@link guessing} would choose; null when a column's looks do not tell. */
function typesOf(columns: Uint8Array): string[] | null {
  const types = Array.from(columns, (look) => {
    if (look === 0 || look & looks.text) return "VARCHAR";
    if (look & looks.odd) return null;
    return look & looks.real ? "DOUBLE" : "BIGINT";
  });
  return types.every((type) => type !== null) ? types : null;
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
