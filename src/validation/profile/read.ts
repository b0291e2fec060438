// Columns of a DuckDB table as numbers and as counted texts, on an even sample where there are very many rows.
import { type DuckDBConnection, DuckDBDoubleVector } from "@duckdb/node-api";
import { tallyOf, mostNamed, type Tally } from "./tally.ts";

/** A part of a table: every `stride`-th row from the first one on. */
export interface Sample {
  /** `rows` or `train`. */
  table: "rows" | "train";
  /** Rows in the sample. */
  rows: number;
  stride: number;
}

/** Quantiles of a million rows are off by 0.1 % of the rows at most (4 standard errors); more rows only cost memory. */
const mostRows = 1_000_000;
/** Numbers held at a time: 64 MB. */
const mostValues = 8_000_000;

/** All rows up to a million, else every k-th one: the same rows every time. */
export function sampleOf(table: Sample["table"], rows: number): Sample {
  const stride = Math.max(1, Math.ceil(rows / mostRows));
  return { table, stride, rows: Math.ceil(rows / stride) };
}

/**
 * Reads columns as numbers, a few at a time; a missing value is NaN.
 * @param columns names in SQL: `c3`.
 */
export async function* readNumbers(
  connection: DuckDBConnection,
  sample: Sample,
  columns: readonly string[],
): AsyncGenerator<Float64Array> {
  const most = Math.max(1, Math.floor(mostValues / Math.max(1, sample.rows)));
  for (let from = 0; from < columns.length; from += most) {
    yield* await readTogether(connection, sample, columns.slice(from, from + most));
  }
}

async function readTogether(
  connection: DuckDBConnection,
  sample: Sample,
  columns: readonly string[],
): Promise<Float64Array[]> {
  const values = columns.map(() => new Float64Array(sample.rows));
  const list = columns.map((column) => `coalesce(${column}::double, 'nan'::double)`).join();
  const result = await connection.stream(`select ${list} from ${sample.table} ${filterOf(sample)}`);
  let at = 0;
  for (let chunk = await result.fetchChunk(); chunk?.rowCount; chunk = await result.fetchChunk()) {
    for (const [place, column] of values.entries()) {
      const vector = chunk.getColumnVector(place);
      if (!(vector instanceof DuckDBDoubleVector)) throw new TypeError("a cast to double gives doubles");
      // Its public way looks each value up in a mask of big integers: ten times as slow, and nothing is masked.
      column.set(vector["items"], at);
    }
    at += chunk.rowCount;
  }
  return values;
}

/** Counts the values of a column of text or of truth values, the missing ones aside. */
export async function countTexts(
  connection: DuckDBConnection,
  sample: Sample,
  column: string,
): Promise<Tally> {
  const counted = `select ${column}::varchar as value, count(*) as times from ${sample.table} ${filterOf(sample)} group by 1`;
  const read = await connection.runAndReadAll(
    `with counted as (${counted}), present as (select * from counted where value is not null)
     select value, times, (select sum(times) from present), (select count(*) from present)
     from present order by times desc, value limit ${mostNamed}`,
  );
  const rows = read.getRows();
  const tally = tallyOf(new Map(rows.map(([value, times]) => [String(value), Number(times)])));
  const named = tally.top.reduce((sum, { count }) => sum + count, 0);
  const [, , all = 0, distinct = 0] = rows[0] ?? [];
  return { top: tally.top, other: Number(all) - named, distinct: Number(distinct) };
}

const filterOf = ({ stride }: Sample) => (stride === 1 ? "" : `where rowid % ${stride} = 0`);
