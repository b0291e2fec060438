// Values outside what training showed: numbers beyond its range.
import type { DuckDBConnection } from "@duckdb/node-api";
import { showNumber } from "../show.ts";
import type { DataFacts } from "../report/data.ts";
import type { Finding } from "../sanity.ts";
import type { Comparable } from "./comparable.ts";

type Range = DataFacts["range"][number];

/** The columns with numbers below or above all of the training data's. */
export async function findOutside(
  connection: DuckDBConnection,
  columns: readonly Comparable[],
): Promise<Range[]> {
  if (columns.length === 0) return [];
  const ends = async (table: "rows" | "train") => {
    const list = columns.map((column) => `min(${column[table]})::double, max(${column[table]})::double`);
    return (await readRow(connection, `select ${list.join()} from ${table}`)).map((end) =>
      end === null ? null : Number(end),
    );
  };
  const [shown, seen] = [await ends("train"), await ends("rows")];
  const outside = columns.flatMap(({ name, rows }, place) => {
    const [low, high, least, most] = [shown, seen].flatMap((list) => [list[place * 2], list[place * 2 + 1]]);
    if (low == null || high == null || least == null || most == null) return [];
    return least < low || most > high ? [{ name, rows, low, high }] : [];
  });
  if (outside.length === 0) return [];
  const counts = outside.flatMap(({ rows, low, high }) => [
    `count(case when ${rows} < '${low}'::double then 1 end)`,
    `count(case when ${rows} > '${high}'::double then 1 end)`,
  ]);
  const counted = (await readRow(connection, `select ${counts.join()} from rows`)).map(Number);
  return outside.map(({ name, low, high }, place) => ({
    column: name,
    low,
    high,
    below: counted[place * 2] ?? 0,
    above: counted[place * 2 + 1] ?? 0,
  }));
}

async function readRow(connection: DuckDBConnection, query: string) {
  return (await connection.runAndReadAll(query)).getRows()[0] ?? [];
}

/** How seldom a warning may come of chance alone. */
const byChance = 0.001;

/**
 * Warns of columns with more values outside than another draw of the same rows would have. Of `rows` new
 * and `trainRows` old values in one order, the k greatest are all new with a probability of at most
 * (rows / (rows + trainRows))^k, whatever the column's distribution; shared between all columns and ends
 * (Bonferroni).
 */
export function inspectOutside(
  outside: readonly Range[],
  { rows, trainRows, columns }: { rows: number; trainRows: number; columns: number },
): Finding[] {
  const most = Math.log(byChance / (2 * columns)) / Math.log(rows / (rows + trainRows));
  const found = outside
    .filter(({ below, above }) => Math.max(below, above) > most)
    .toSorted((a, b) => b.below + b.above - (a.below + a.above));
  if (found.length === 0) return [];
  const shown = found.slice(0, 3).map(({ column, below, above, low, high }) => {
    const parts = [
      ...(below > 0 ? [`${below} below ${showNumber(low)}`] : []),
      ...(above > 0 ? [`${above} above ${showNumber(high)}`] : []),
    ];
    return `${JSON.stringify(column)} (${parts.join(", ")})`;
  });
  const more = found.length > shown.length ? ` and ${found.length - shown.length} more columns` : "";
  return [
    {
      code: "data.out-of-range",
      severity: "warn",
      what: `more rows than chance explains are outside the range of the training data: ${shown.join(", ")}${more}`,
      fix: "check their units, and train on such rows if they will come: a model guesses outside of what it has seen",
    },
  ];
}
