// The table `rows` in DuckDB: its columns c0, c1 … and what type a model sees in each.
import type { DuckDBConnection } from "@duckdb/node-api";
import type { ColumnType } from "../model/model.ts";

/** A column of the table `rows`, found there as `c` and its place. */
export interface SourceColumn {
  name: string;
  /** Null for what a model cannot be given: lists, structures, bytes. */
  type: ColumnType | null;
  /** DuckDB's own name of the type, for messages. */
  stored: string;
}

/** A text as an SQL literal. */
export const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** A path as an SQL literal, with what DuckDB would take for a pattern in brackets. */
export const pathLiteral = (file: string) => literal(file.replaceAll(/[*?[]/g, "[$&]"));

/** The columns of a table under the file's names. */
export async function describe(
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
export async function readTexts(connection: DuckDBConnection, query: string): Promise<string[][]> {
  const read = await connection.runAndReadAll(query);
  return read.getColumns().map((column) => column.map((value) => (typeof value === "string" ? value : "")));
}

/** The column type of a DuckDB type; null for what a model cannot be given. */
function columnType(stored: string): ColumnType | null {
  if (stored === "BOOLEAN") return "bool";
  if (/^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/.test(stored)) return "int64";
  if (stored === "FLOAT") return "float32";
  if (stored === "DOUBLE" || /^DECIMAL\(\d+,\d+\)$/.test(stored)) return "float64";
  if (/^(VARCHAR|DATE|UUID|TIME|ENUM\()/.test(stored) && !stored.endsWith("]")) return "string";
  return null;
}
