// Rows that judge the model more than once.
import type { DuckDBConnection } from "@duckdb/node-api";
import { showShare } from "../cells.ts";
import type { Finding } from "../sanity.ts";

/** Fewer repeated rows hardly change an interval. */
const mostRepeated = 0.01;

/**
 * Warns when more than 1 % of the rows repeat an earlier one although a column hardly ever repeats itself:
 * then they are copies. Where every column has few values, equal rows are no surprise.
 * @param columns names in SQL: `c3`.
 */
export async function inspectDuplicates(
  connection: DuckDBConnection,
  columns: readonly string[],
  counted: { rows: number; duplicates: number },
): Promise<Finding[]> {
  const { rows, duplicates } = counted;
  if (duplicates <= mostRepeated * rows) return [];
  const distinct = columns.map((column) => `approx_count_distinct(${column})`);
  const read = await connection.runAndReadAll(`select greatest(${distinct.join()}, 0) from rows`);
  const different = Number(read.getRows()[0]?.[0] ?? 0);
  // Half of the rows that are left, and a tenth of all: the estimate is off by some per cent.
  if (different < Math.max((rows - duplicates) / 2, rows / 10)) return [];
  return [
    {
      code: "data.duplicate-rows",
      severity: "warn",
      what: `${duplicates} of ${rows} rows (${showShare(duplicates, rows)}) repeat an earlier one`,
      fix: "remove copies from validate.data: counted twice, they make the intervals narrower than they are",
    },
  ];
}
