// Texts that training did not show.
import type { DuckDBConnection } from "@duckdb/node-api";
import type { DataFacts } from "../report/data.ts";
import type { Finding } from "../sanity.ts";
import type { Comparable } from "./comparable.ts";

type Unseen = DataFacts["unseenCategories"][number];

/** A column with unseen texts, and how many texts training showed exactly once. */
export interface UnseenColumn extends Unseen {
  single: number;
}

const mostNamed = 10;
/** A category is a word or two; free text in a report helps nobody. */
const longest = 60;

/** The columns of text that hold what the training data do not. */
export async function findUnseen(
  connection: DuckDBConnection,
  columns: readonly Comparable[],
): Promise<UnseenColumn[]> {
  const found: UnseenColumn[] = [];
  for (const { name, rows, train } of columns) {
    const read = await connection.runAndReadAll(
      `with known as (select ${train} as value, count(*) as times from train group by 1),
            new as (select value, count(*) as times from (select ${rows} as value from rows)
                    anti join known using (value) where value is not null group by 1)
       select value, (select sum(times) from new), (select count(*) from known where times = 1)
       from new order by times desc, value limit ${mostNamed}`,
    );
    const top = read.getRows();
    const [first] = top;
    if (!first) continue;
    const values = top.map(([value]) => shorten(String(value)));
    found.push({ column: name, rows: Number(first[1]), values, single: Number(first[2]) });
  }
  return found;
}

function shorten(text: string): string {
  // By code points: half of a character is none.
  const letters = Array.from(text);
  return letters.length > longest ? `${letters.slice(0, longest).join("")}…` : text;
}

/**
 * Warns of columns with more unseen texts than another draw of the same rows would have: by Good and
 * Turing, as many as the share of rows whose text training showed once. Three standard deviations of a
 * count are chance.
 */
export function inspectUnseen(
  unseen: readonly UnseenColumn[],
  { rows, trainRows }: { rows: number; trainRows: number },
): Finding[] {
  const found = unseen
    .filter((column) => {
      const chance = (rows * column.single) / trainRows;
      return column.rows > chance + 3 * Math.sqrt(chance);
    })
    .toSorted((a, b) => b.rows - a.rows);
  if (found.length === 0) return [];
  const shown = found.slice(0, 3).map((column) => {
    const [first, second] = column.values.map((value) => JSON.stringify(value));
    const named = [first, ...(second === undefined ? [] : [second])].join(", ");
    return `${JSON.stringify(column.column)} (${column.rows} rows: ${named}${column.values.length > 2 ? " …" : ""})`;
  });
  const more = found.length > shown.length ? ` and ${found.length - shown.length} more columns` : "";
  return [
    {
      code: "data.unseen-categories",
      severity: "warn",
      what: `the training data do not hold every category: ${shown.join(", ")}${more}`,
      fix: "check how they are spelt, and train on such rows if they will come: the model knows nothing of them",
    },
  ];
}
