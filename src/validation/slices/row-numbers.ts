// Reads one column of small whole numbers from DuckDB into a typed array.
import { type DuckDBConnection, DuckDBIntegerVector } from "@duckdb/node-api";

/** The values of a query that gives one column of type INTEGER, without nulls. */
export async function readIntegers(connection: DuckDBConnection, sql: string): Promise<Int32Array> {
  const result = await connection.run(sql);
  const parts: Int32Array[] = [];
  for (const chunk of await result.fetchAllChunks()) {
    const vector = chunk.getColumnVector(0);
    if (!(vector instanceof DuckDBIntegerVector)) throw new TypeError("a cast to integer gives integers");
    // Its public way looks each value up in a mask of nulls, of which there are none.
    parts.push(vector["items"].slice(0, chunk.rowCount));
  }
  const all = new Int32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
