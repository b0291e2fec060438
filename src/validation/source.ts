// Reads a data file into one DuckDB table whose columns are named c0, c1 …: no name from a file is SQL.
import type { DuckDBConnection } from "@duckdb/node-api";
import { stat } from "node:fs/promises";
import { MlshipError } from "../errors.ts";
import type { ColumnType } from "../model/model.ts";
import { readCsvShape } from "./csv-shape.ts";
import { readHeader, readStart } from "./header.ts";

/** A column of the table `rows`, found there as `c` and its place. */
export interface SourceColumn {
  name: string;
  /** Null for what a model cannot be given: lists, structures, bytes. */
  type: ColumnType | null;
  /** DuckDB's own name of the type, for messages. */
  stored: string;
}

/** What stands for a missing value in a CSV file; what pandas reads as missing, without the numeric oddities. */
const missing = [
  "",
  "NA",
  "N/A",
  "n/a",
  "#N/A",
  "<NA>",
  "NaN",
  "nan",
  "-NaN",
  "-nan",
  "NULL",
  "null",
  "None",
];

/** A text as an SQL literal. */
const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** A path as an SQL literal, with what DuckDB would take for a pattern in brackets. */
const pathLiteral = (file: string) => literal(file.replaceAll(/[*?[]/g, "[$&]"));

/**
 * Makes the table `rows` from a csv (with a header), parquet or jsonl file.
 * @throws MlshipError `data.missing`, `data.empty`, `data.duplicate-column`, `data.unreadable`.
 */
export async function loadTable(connection: DuckDBConnection, file: string): Promise<SourceColumn[]> {
  const size = await sizeOf(file);
  const start = await readStart(file, Math.min(size, 4096));
  const text = start
    .toString("utf8")
    .replace(/^\u{FEFF}/u, "")
    .trimStart();
  if (text === "") throw empty(file);
  if (start.subarray(0, 4).toString("latin1") === "PAR1") return loadParquet(connection, file);
  if (start.includes(0) || /\.(parquet|pq)$/i.test(file)) {
    throw unreadable(file, "it is neither Parquet nor text in UTF-8");
  }
  if (text.startsWith("{") && !/\.(csv|tsv)$/i.test(file)) return loadJsonLines(connection, file);
  return loadCsv(connection, file, size);
}

async function loadCsv(connection: DuckDBConnection, file: string, size: number): Promise<SourceColumn[]> {
  const { delimiter, names } = await readHeader(file, size);
  rejectDuplicates(file, names);
  const shape = await readCsvShape(file, delimiter, names.length);
  if (shape.fault !== null) throw unreadable(file, shape.fault, { line: shape.line });
  const places = names.map((_name, place) => `'c${place}'`);
  // Neither dates nor truth values are guessed: 2020-01-01 and yes are text, as in most training code.
  const from = `read_csv(${pathLiteral(file)}, header=true, skip=0, delim=${literal(delimiter)}, quote='"', escape='"',
    comment='', strict_mode=false, hive_partitioning=false, nullstr=[${missing.map(literal).join()}],
    names=[${places.join()}], sample_size=-1, auto_type_candidates=['BIGINT','DOUBLE','VARCHAR'])`;
  await connection.run(`create table rows as select * from ${from}`).catch((cause: unknown) => {
    throw unreadable(file, shorten(cause), { cause });
  });
  await rejectLostRows(connection, file, shape.records - 1, names.length);
  return adoptTruthValues(connection, await describe(connection, names));
}

/** Holds the reader to the file: it may not leave out a row. */
async function rejectLostRows(connection: DuckDBConnection, file: string, rows: number, width: number) {
  const [[read] = []] = (await connection.runAndReadAll("select count(*) from rows")).getRows();
  // In a file of one column a blank line is a row without a value.
  if (Number(read) === rows || (width === 1 && Number(read) > rows)) return;
  throw unreadable(file, `it has ${rows} rows, but only ${Number(read)} of them could be read`);
}

async function loadParquet(connection: DuckDBConnection, file: string): Promise<SourceColumn[]> {
  const from = `read_parquet(${pathLiteral(file)}, hive_partitioning=false)`;
  try {
    const [folded = []] = await readTexts(connection, `describe select * from ${from}`);
    // DuckDB renames columns that differ only in case; the file's own schema has the names.
    const schema = `select name from parquet_schema(${pathLiteral(file)}) offset 1`;
    const [written = []] = await readTexts(connection, schema);
    const names = written.length === folded.length ? written : folded;
    rejectDuplicates(file, names);
    return await adopt(connection, from, names);
  } catch (cause) {
    throw cause instanceof MlshipError ? cause : unreadable(file, shorten(cause), { cause });
  }
}

async function loadJsonLines(connection: DuckDBConnection, file: string): Promise<SourceColumn[]> {
  const path = pathLiteral(file);
  try {
    const [names = [], types = []] = await readTexts(
      connection,
      `describe select * from read_json(${path}, format='newline_delimited', sample_size=-1, hive_partitioning=false)`,
    );
    const [keys = []] = await readTexts(
      connection,
      `select distinct unnest(json_keys(json)) from read_json_objects(${path}, format='newline_delimited')`,
    );
    const folded = keys.filter((name) => !names.includes(name));
    if (folded.length > 0) {
      throw duplicate(file, `key ${JSON.stringify(folded[0])} differs from another key only in case`);
    }
    // What looks like a time stays text, as the file has it.
    const spec = types.map((type, place) => {
      const kept = /^(DATE|TIME|UUID|INTERVAL)/.test(type) ? "VARCHAR" : type;
      return `${literal(names[place] ?? "")}: ${literal(kept)}`;
    });
    const from = `read_json(${path}, format='newline_delimited', hive_partitioning=false, columns={${spec.join()}})`;
    return await adopt(connection, from, names);
  } catch (cause) {
    throw cause instanceof MlshipError ? cause : unreadable(file, shorten(cause), { cause });
  }
}

/** Fills the table from a typed source, with the types that a model can be given. */
async function adopt(connection: DuckDBConnection, from: string, names: string[]): Promise<SourceColumn[]> {
  const places = names.map((_name, place) => `c${place}`).join();
  await connection.run(`create table raw as select * from ${from} as source(${places})`);
  const columns = await describe(connection, names, "raw");
  const casts = columns.map(({ type, stored }, place) => `${castTo(type, stored, `c${place}`)} as c${place}`);
  await connection.run(`create table rows as select ${casts.join()} from raw`);
  await connection.run("drop table raw");
  return columns;
}

async function describe(
  connection: DuckDBConnection,
  names: string[],
  table = "rows",
): Promise<SourceColumn[]> {
  const [, stored = []] = await readTexts(connection, `describe ${table}`);
  return names.map((name, place) => {
    const type = stored[place] ?? "";
    return { name, type: columnType(type), stored: type };
  });
}

/** The columns of a query whose values are text. */
async function readTexts(connection: DuckDBConnection, query: string): Promise<string[][]> {
  const read = await connection.runAndReadAll(query);
  return read.getColumns().map((column) => column.map((value) => (typeof value === "string" ? value : "")));
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

/** The column type of a DuckDB type; null for what a model cannot be given. */
export function columnType(stored: string): ColumnType | null {
  if (stored === "BOOLEAN") return "bool";
  if (/^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/.test(stored)) return "int64";
  if (stored === "FLOAT") return "float32";
  if (stored === "DOUBLE" || /^DECIMAL\(\d+,\d+\)$/.test(stored)) return "float64";
  if (/^(VARCHAR|DATE|UUID|TIME|ENUM\()/.test(stored) && !stored.endsWith("]")) return "string";
  return null;
}

function castTo(type: ColumnType | null, stored: string, column: string): string {
  if (type === "int64" && stored !== "BIGINT") return `${column}::bigint`;
  // NaN is a missing value, as in a CSV file.
  if (type === "float64") return `nullif(${column}::double, 'nan'::double)`;
  if (type === "float32") return `nullif(${column}, 'nan'::float)`;
  if (type === "string" && stored !== "VARCHAR") return `${column}::varchar`;
  return column;
}

async function sizeOf(file: string): Promise<number> {
  const found = await stat(file).catch((cause: unknown) => {
    throw new MlshipError({
      code: "data.missing",
      what: `the data file ${file} cannot be opened`,
      why:
        cause instanceof Error && "code" in cause && cause.code !== "ENOENT"
          ? cause.message
          : "there is no such file",
      fix: "check validate.data in mlship.yaml; the path is relative to that file",
      exit: "usage",
      at: { file },
      cause,
    });
  });
  if (!found.isFile()) throw unreadable(file, "it is not a file");
  if (found.size === 0) throw empty(file);
  return found.size;
}

function rejectDuplicates(file: string, names: string[]): void {
  const twice = names.find((name, place) => names.indexOf(name) !== place);
  if (twice === undefined) return;
  throw duplicate(
    file,
    twice === ""
      ? "more than one column has no name"
      : `more than one column is named ${JSON.stringify(twice)}`,
  );
}

function duplicate(file: string, why: string): MlshipError {
  return new MlshipError({
    code: "data.duplicate-column",
    what: `the columns of ${file} cannot be told apart`,
    why,
    fix: "give every column a name of its own",
    exit: "usage",
    at: { file, line: 1 },
  });
}

function empty(file: string): MlshipError {
  return new MlshipError({
    code: "data.empty",
    what: `the data file ${file} is empty`,
    fix: "write labelled rows into it: a header line and one line per row",
    exit: "usage",
    at: { file },
  });
}

const forms = "data must be csv with a header line, parquet, or jsonl with one object per line, in UTF-8";
const plainer = "save it without byte order mark and with one kind of line end, or as parquet";

function unreadable(file: string, why: string, known: { line?: number; cause?: unknown } = {}): MlshipError {
  const said = known.cause instanceof Error ? known.cause.message : "";
  const sniffed = said.includes("Error when sniffing file");
  const found = /CSV Error on Line: (\d+)/.exec(said)?.[1];
  const line = known.line ?? (found === undefined ? undefined : Number(found));
  return new MlshipError({
    code: "data.unreadable",
    what: `the data file ${file} cannot be read`,
    // The shape of the file has been checked: what the sniffer cannot make out is a matter of form.
    why: sniffed
      ? "its byte order mark, line ends or quotes are mixed in a way that the reader does not know"
      : why,
    fix: sniffed ? plainer : forms,
    exit: "usage",
    at: line === undefined ? { file } : { file, line },
    ...(known.cause === undefined ? {} : { cause: known.cause }),
  });
}

/** What DuckDB says of a file, without the row itself and without its advice on options. */
function shorten(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  const lines = message
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("Original Line:"));
  const stop = lines.findIndex((line) => /^(Possible|LINE \d|\s+file|The search space)/.test(line));
  return lines
    .slice(0, stop === -1 ? 3 : Math.max(stop, 1))
    .join("; ")
    .replace(/^(Invalid Input|Conversion|IO|Binder|Parser|Out of Range) Error: /, "");
}
