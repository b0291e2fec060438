// Rows that are there twice: in the data that judge, and in them and the training data. By hash, then exactly.
import type { DuckDBConnection } from "@duckdb/node-api";
import type { Comparable } from "./comparable.ts";

/** Values that one exact comparison holds in memory: some 250 MB of doubles. */
const mostValues = 30_000_000;

/** How many rows' values repeat an earlier row's. Missing values are equal to each other. */
export async function countDuplicates(
  connection: DuckDBConnection,
  columns: readonly string[],
): Promise<number> {
  if (columns.length === 0) return 0;
  const hash = hashOf(columns);
  const repeated = `select h from (select ${hash} as h from rows) group by h having count(*) > 1`;
  const [candidates = 0] = await readRow(
    connection,
    `select count(*) from (select ${hash} as h from rows) semi join (${repeated}) using (h)`,
  );
  if (candidates === 0) return 0;
  // Equal hashes are no proof. Only rows that have one in common are compared in full.
  return await sumOverParts(candidates, columns.length, async (part) => {
    const [extra = 0] = await readRow(
      connection,
      `select coalesce(sum(times - 1), 0) from (
         select count(*) as times from (select *, ${hash} as h from rows) semi join (${repeated}) using (h)
         where ${part("h")} group by ${columns.join()})`,
    );
    return extra;
  });
}

/** How many rows are in the training data, too. */
export async function countShared(
  connection: DuckDBConnection,
  columns: readonly Comparable[],
): Promise<number> {
  if (columns.length === 0) return 0;
  const rows = `(select ${columns.map((column, place) => `${column.rows} as v${place}`).join()} from rows)`;
  const train = `(select ${columns.map((column, place) => `${column.train} as v${place}`).join()} from train)`;
  const hash = hashOf(columns.map((_column, place) => `v${place}`));
  const [candidates = 0] = await readRow(
    connection,
    `select count(*) from (select ${hash} as h from ${rows}) semi join (select ${hash} as h from ${train}) using (h)`,
  );
  if (candidates === 0) return 0;
  const same = columns.map((_column, place) => `a.v${place} is not distinct from b.v${place}`).join(" and ");
  return await sumOverParts(candidates, columns.length, async (part) => {
    const [shared = 0] = await readRow(
      connection,
      `with probe as (select *, ${hash} as h from ${rows}),
            built as (select * from (select *, ${hash} as h from ${train}) semi join probe using (h))
       select count(*) from (select * from probe where ${part("h")}) a
       semi join (select distinct * from built where ${part("h")}) b on a.h = b.h and ${same}`,
    );
    return shared;
  });
}

/** How many rows of the training data are like no other one of them. */
export async function countSingle(
  connection: DuckDBConnection,
  columns: readonly Comparable[],
): Promise<number> {
  const hash = hashOf(columns.map(({ train }) => train));
  const [single = 0] = await readRow(
    connection,
    `select count(*) from (select ${hash} as h from train group by h having count(*) = 1)`,
  );
  return single;
}

async function sumOverParts(
  rows: number,
  columns: number,
  count: (part: (hash: string) => string) => Promise<number>,
): Promise<number> {
  const parts = Math.max(1, Math.ceil((rows * columns) / mostValues));
  let sum = 0;
  for (let part = 0; part < parts; part++) sum += await count((hash) => `${hash} % ${parts} = ${part}`);
  return sum;
}

const hashOf = (columns: readonly string[]) => `hash(${columns.join()})`;

async function readRow(connection: DuckDBConnection, query: string): Promise<number[]> {
  const read = await connection.runAndReadAll(query);
  return (read.getRows()[0] ?? []).map(Number);
}
