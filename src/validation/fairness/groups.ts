// The groups of a column: which rows have the same value.
import { MlshipError } from "../../errors.ts";
import type { Label } from "../../model/model.ts";
import type { SliceData } from "../slices/select.ts";
import { readIntegers } from "../slices/row-numbers.ts";

/** Rows with the same value in a column; null is the group of the rows without one. */
export interface Group {
  group: Label | null;
  /** Row numbers, rising. */
  rows: Int32Array;
}

/** More groups than this are no groups: a column of numbers that was named by mistake. */
const mostGroups = 50;

/**
 * The groups of a column in the order of their values, the rows without one last.
 * @throws MlshipError `data.no-column`, and `validate.fairness` when the column has too many values, exit 2.
 */
export async function groupsOf(dataset: SliceData, column: string): Promise<Group[]> {
  const { connection } = dataset;
  const name = dataset.sqlName(column);
  const read = await connection.runAndReadAll(
    `select distinct ${name} from rows where ${name} is not null order by 1 limit ${mostGroups + 1}`,
  );
  const values = read
    .getRows()
    .map(([value]): Label =>
      typeof value === "string" || typeof value === "boolean" ? value : Number(value),
    );
  if (values.length > mostGroups) {
    throw new MlshipError({
      code: "validate.fairness",
      what: `column ${JSON.stringify(column)} of validate.fairness has more than ${mostGroups} different values`,
      why: "so many groups are too small to be compared",
      fix: "name a column with few values, or declare validate.slices over ranges of this one",
      exit: "usage",
    });
  }
  // A number per group, in the same order, so that one query reads all rows whatever the column's type.
  const codes = await readIntegers(
    connection,
    `with groups as (select ${name} as value, dense_rank() over (order by ${name}) - 1 as code from rows where ${name} is not null group by ${name})
     select coalesce(groups.code, -1)::integer from rows left join groups on rows.${name} = groups.value order by rows.rowid`,
  );
  return [...values, null].flatMap((group, place) => {
    const code = group === null ? -1 : place;
    const rows = Int32Array.from(rowsWith(codes, code));
    return rows.length === 0 ? [] : [{ group, rows }];
  });
}

function* rowsWith(codes: Int32Array, code: number): Iterable<number> {
  for (let row = 0; row < codes.length; row++) if (codes[row] === code) yield row;
}
