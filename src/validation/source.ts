// Reads a data file into one DuckDB table whose columns are named c0, c1 …: no name from a file is SQL.
import type { DuckDBConnection } from "@duckdb/node-api";
import { stat } from "node:fs/promises";
import { type Digest, digestFile } from "../digest.ts";
import { MlshipError } from "../errors.ts";
import type { ColumnType } from "../model/model.ts";
import { loadCsv } from "./csv.ts";
import { boundMemory } from "./database.ts";
import { duplicate, empty, refused, rejectDuplicates, unreadable } from "./data-fault.ts";
import { readStart } from "./header.ts";
import { describe, literal, pathLiteral, readTexts, type SourceColumn } from "./stored.ts";

/**
 * Makes the table `rows` from a csv (with a header), parquet or jsonl file.
 * @throws MlshipError `data.missing`, `data.empty`, `data.duplicate-column`, `data.unreadable`.
 */
export async function loadTable(
  connection: DuckDBConnection,
  file: string,
  signal?: AbortSignal,
): Promise<{ columns: SourceColumn[]; digest: Digest }> {
  const size = await sizeOf(file);
  const start = await readStart(file, Math.min(size, 4096));
  const text = start
    .toString("utf8")
    .replace(/^\u{FEFF}/u, "")
    .trimStart();
  if (text === "") throw empty(file);
  if (start.subarray(0, 4).toString("latin1") === "PAR1") {
    return { columns: await loadParquet(connection, file), digest: await digestFile(file) };
  }
  if (start.includes(0) || /\.(parquet|pq)$/i.test(file)) {
    throw unreadable(file, "it is neither Parquet nor text in UTF-8");
  }
  if (text.startsWith("{") && !/\.(csv|tsv)$/i.test(file)) {
    return { columns: await loadJsonLines(connection, file), digest: await digestFile(file) };
  }
  return loadCsv(connection, file, size, signal);
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
    throw cause instanceof MlshipError ? cause : refused(file, cause);
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
    throw cause instanceof MlshipError ? cause : refused(file, cause);
  }
}

/** Fills the table from a typed source, with the types that a model can be given. */
async function adopt(connection: DuckDBConnection, from: string, names: string[]): Promise<SourceColumn[]> {
  await boundMemory(connection, names.length);
  const places = names.map((_name, place) => `c${place}`).join();
  const source = `from ${from} as source(${places})`;
  const columns = await describe(connection, names, `select * ${source}`);
  const casts = columns.map(({ type, stored }, place) => `${castTo(type, stored, `c${place}`)} as c${place}`);
  await connection.run(`create table rows as select ${casts.join()} ${source}`);
  return columns;
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
