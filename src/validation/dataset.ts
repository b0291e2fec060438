// The labelled rows that a model is judged on: typed columns, labels and weights, read through DuckDB.
import type { DuckDBConnection } from "@duckdb/node-api";
import { basename } from "node:path";
import type { Batch } from "./batch.ts";
import type { Digest } from "../digest.ts";
import { MlshipError } from "../errors.ts";
import { loadTraining, type Training } from "./checks/training.ts";
import { type Database, openDatabase } from "./database.ts";
import type { Columns } from "./ports.ts";
import type { Series } from "./series.ts";
import { loadTable } from "./source.ts";
import type { SourceColumn } from "./stored.ts";
import { readBatches } from "./stream.ts";
import { type DataColumn, Table } from "./table.ts";
import { readNumbers, readTruth } from "./truth.ts";

/** Which columns have a meaning of their own. They are not given to the model. */
export interface Roles {
  /** A list for a regressor with several outputs, in their order. */
  target: string | readonly string[];
  weight?: string | undefined;
  key?: string | undefined;
  /** File of the rows that the model was trained on. */
  train?: string | undefined;
}

/** An open data file. Rows count from 0. */
export interface Dataset {
  /**
   * The database of the data: table `rows`, whose `rowid` is the row's number. It reaches no file and
   * no option, so a person's predicate may run in it.
   */
  connection: DuckDBConnection;
  /**
   * The column of the table `rows` that holds a column of the file: `c3`.
   * @throws MlshipError `data.no-column`.
   */
  sqlName(name: string): string;
  /** The path that it was opened with. */
  file: string;
  /** Digest of the file's bytes. */
  digest: Digest;
  rows: number;
  /** The first of the targets; usually the only one. */
  target: DataColumn;
  targets: DataColumn[];
  weight: string | null;
  key: string | null;
  /** What a model may be given: all columns but target, weight and key, in the order of the file. */
  features: DataColumn[];
  /** What is right: one label per row, or row by row as many numbers as there are targets. */
  labels: Series;
  /** One weight per row, at least 0; null when every row counts alike. */
  weights: Float64Array | null;
  /** The training data, in the table `train` of the same database; null when there are none. */
  training: Training | null;
  /**
   * Values of the rows `from` to before `to`. Missing values and NaN are null. The object has no
   * prototype, so a column may be called `__proto__`.
   * @throws MlshipError `data.no-column`, `data.column-type`, or `data.number` for a number that JSON
   *   cannot carry exactly.
   */
  columns(names: readonly string[], from: number, to: number): Promise<Columns>;
  /**
   * All rows in the order of the file, in batches of `size`.
   * @throws as `columns`.
   */
  batches(names: readonly string[], size: number): AsyncGenerator<Batch, void>;
  /** As `columns`, for the rows with these numbers, in their order; they must rise. */
  pick(names: readonly string[], rows: readonly number[]): Promise<Columns>;
  close(): void;
}

/** Fewer rows say nothing about a model, whatever the metric. */
const fewestRows = 10;

/**
 * Opens a csv, parquet or jsonl file as typed columns.
 * @param spill as in `openDatabase`: where columns go that are too many for memory.
 * @param signal ends reading; then its reason is thrown.
 * @throws MlshipError `data.*`, exit 2, that names the file and, where it is known, the line or row.
 */
export async function openDataset(
  file: string,
  roles: Roles,
  spill: string | null = null,
  signal?: AbortSignal,
): Promise<Dataset> {
  signal?.throwIfAborted();
  const database = await openDatabase(spill);
  const { connection, close } = database;
  // Does nothing where no query runs.
  const interrupt = () => connection.interrupt();
  signal?.addEventListener("abort", interrupt);
  try {
    const training = roles.train === undefined ? null : await loadTraining(connection, roles.train);
    signal?.throwIfAborted();
    const source = await loadTable(connection, file, signal);
    // From here on no query, a slice of the configuration's included, reaches a file or an option.
    await connection.run("set enable_external_access=false");
    await connection.run("set lock_configuration=true");
    return { ...(await readDataset(database, file, source, roles)), training, close };
  } catch (cause) {
    close();
    throw signal?.aborted ? signal.reason : cause;
  } finally {
    signal?.removeEventListener("abort", interrupt);
  }
}

async function readDataset(
  { connection, connect }: Database,
  file: string,
  { columns, digest }: Awaited<ReturnType<typeof loadTable>>,
  roles: Roles,
): Promise<Omit<Dataset, "training" | "close">> {
  const { rows, nulls } = await countNulls(connection, columns);
  if (rows < fewestRows) throw tooFew(file, rows);
  const table = new Table(connection, file, columns, nulls);
  const wanted = typeof roles.target === "string" ? [roles.target] : roles.target;
  const targets = wanted.map((name) => table.column(name, "validate.target"));
  const [target] = targets;
  if (!target) throw new TypeError("the configuration names a target");
  for (const column of targets) {
    if (column.nulls > 0) throw await nullTarget(connection, file, column, table.place(column.name));
  }
  const taken = new Set<string>(wanted);
  if (roles.weight !== undefined) taken.add(table.column(roles.weight, "validate.weight").name);
  if (roles.key !== undefined) {
    taken.add(roles.key);
    await rejectRepeatedKeys(
      connection,
      file,
      table.column(roles.key, "validate.key"),
      table.place(roles.key),
    );
  }
  return {
    connection,
    sqlName: (name) => `c${table.place(table.column(name, null).name)}`,
    file,
    digest,
    rows,
    target,
    targets,
    weight: roles.weight ?? null,
    key: roles.key ?? null,
    features: columns.flatMap(({ name, type }, place) =>
      type === null || taken.has(name)
        ? []
        : [{ name, type, nullable: (nulls[place] ?? 0) > 0, nulls: nulls[place] ?? 0 }],
    ),
    labels: await readTruth(connection, { file, rows, columns: table.placed(wanted) }),
    weights:
      roles.weight === undefined ? null : await readWeights(connection, table, roles.weight, file, rows),
    columns: (names, from, to) =>
      table.read(names, `rowid >= ${Math.trunc(from)} and rowid < ${Math.trunc(to)}`),
    async *batches(names, size) {
      // Of its own: the checks ask the other one for something while a model is at work.
      const streaming = await connect();
      try {
        yield* readBatches(streaming, { file, columns: table.placed(names), size });
      } finally {
        streaming.closeSync();
      }
    },
    pick: (names, picked) => table.read(names, `rowid in (${[-1, ...picked].map(Math.trunc).join()})`),
  };
}

async function countNulls(connection: DuckDBConnection, columns: SourceColumn[]) {
  // NaN became null when the table was filled. `count(*) filter` would take minutes on 10 000 columns.
  const counts = columns.map((_column, place) => `count(c${place})`);
  const read = await connection.runAndReadAll(`select count(*), ${counts.join()} from rows`);
  const [rows = 0, ...filled] = (read.getRows()[0] ?? []).map(Number);
  return { rows, nulls: filled.map((count) => rows - count) };
}

async function readWeights(
  connection: DuckDBConnection,
  table: Table,
  name: string,
  file: string,
  rows: number,
): Promise<Float64Array> {
  const { type } = table.column(name, "validate.weight");
  const columns = type === "string" ? [] : table.placed([name]);
  const values = await readNumbers(connection, { file, rows, columns });
  const bad = columns.length === 0 ? 0 : values.findIndex((value) => !(value >= 0));
  const sum = values.reduce((total, value) => total + value, 0);
  if (bad === -1 && sum > 0) return values;
  throw new MlshipError({
    code: "data.weight",
    what: `column ${JSON.stringify(name)} of ${basename(file)} cannot be used as weights`,
    why: bad === -1 ? "its sum is 0" : `row ${bad + 1} does not hold a number of at least 0`,
    fix: "correct the column, or remove validate.weight",
    exit: "usage",
    at: { file },
  });
}

async function rejectRepeatedKeys(
  connection: DuckDBConnection,
  file: string,
  key: DataColumn,
  place: number,
) {
  const read = await connection.runAndReadAll(`select count(distinct c${place}), count(*) from rows`);
  const [different, rows] = (read.getRows()[0] ?? []).map(Number);
  if (different === rows) return;
  throw new MlshipError({
    code: "data.key",
    what: `column ${JSON.stringify(key.name)} of ${basename(file)} does not identify rows`,
    why: `${rows} rows have ${different} different values in it`,
    fix: "remove the repeated rows, or name another column as validate.key",
    exit: "usage",
    at: { file },
  });
}

async function nullTarget(connection: DuckDBConnection, file: string, target: DataColumn, place: number) {
  const read = await connection.runAndReadAll(`select min(rowid) from rows where c${place} is null`);
  const row = Number(read.getRows()[0]?.[0] ?? 0) + 1;
  return new MlshipError({
    code: "data.null-target",
    what: `column ${JSON.stringify(target.name)} of ${basename(file)} has no value in ${target.nulls} ${target.nulls === 1 ? "row" : "rows"}, the first is row ${row}`,
    why: "a prediction cannot be compared with a missing label",
    fix: "label these rows or remove them",
    exit: "usage",
    at: { file },
  });
}

function tooFew(file: string, rows: number): MlshipError {
  const found = rows === 0 ? "no rows" : rows === 1 ? "one row" : `${rows} rows`;
  return new MlshipError({
    code: "data.too-few-rows",
    what: `${basename(file)} has ${found}, too few to judge a model`,
    fix: `add labelled rows: at least ${fewestRows} are needed, a few hundred make a useful judgement`,
    exit: "usage",
    at: { file },
  });
}
