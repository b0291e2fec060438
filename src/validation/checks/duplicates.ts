// Rows that judge the model more than once.
import type { DuckDBConnection } from "@duckdb/node-api";
import { showShare } from "../cells.ts";
import type { Finding } from "../sanity.ts";

/** Fewer repeated rows hardly change an interval. */
const mostRepeated = 0.01;

/**
 * Warns when more than 1 % of the rows repeat an earlier one although two columns hardly ever repeat
 * themselves: that both do it in the same rows is no chance. With fewer such columns equal rows may be
 * honest, and are a fact of the report only.
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
  const read = await connection.runAndReadAll(`select ${distinct.join()} from rows`);
  const [, second = 0] = (read.getRows()[0] ?? []).map(Number).toSorted((a, b) => b - a);
  // Half of the rows that are left, and a tenth of all: the estimate is off by some per cent.
  if (second < Math.max((rows - duplicates) / 2, rows / 10)) return [];
  return [
    {
      code: "data.duplicate-rows",
      severity: "warn",
      what: `${duplicates} of ${rows} rows (${showShare(duplicates, rows)}) repeat an earlier one`,
      fix: "remove copies from validate.data: counted twice, they make the intervals narrower than they are",
    },
  ];
}
