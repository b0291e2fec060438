// Reads one column of small whole numbers from DuckDB into a typed array.
import { type DuckDBConnection, DuckDBIntegerVector } from "@duckdb/node-api";

/** The values of a query that gives one column of type INTEGER, without nulls. */
export async function readIntegers(connection: DuckDBConnection, sql: string): Promise<Int32Array> {
  const result = await connection.run(sql);
  const parts: Int32Array[] = [];
  for (const chunk of await result.fetchAllChunks()) {
    const vector = chunk.getColumnVector(0);
    if (!(vector instanceof DuckDBIntegerVector)) throw new TypeError("a cast to integer gives integers");
    parts.push(Int32Array.from({ length: chunk.rowCount }, (_none, row) => vector.getItem(row) ?? 0));
  }
  const all = new Int32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
