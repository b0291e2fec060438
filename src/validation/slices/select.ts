// The rows of declared slices: each predicate runs over a view that has the columns by their real names.
import type { DuckDBConnection } from "@duckdb/node-api";
import type { SliceRule } from "../../config/config.ts";
import { MlshipError, type Problem } from "../../errors.ts";
import type { Dataset } from "../dataset.ts";
import { readIntegers } from "./row-numbers.ts";
import { faultOf, quoteName, reasonOf } from "./predicate.ts";

/** A declared slice and the numbers of its rows, rising. */
export interface Selection {
  rule: SliceRule;
  rows: Int32Array;
}

/**
 * Chooses the rows of every slice. A row where the predicate is unknown (null) is not in the slice.
 * @throws MlshipError `validate.slice`, exit 2, that names every bad predicate with the reason.
 */
export async function selectSlices(dataset: SliceData, rules: readonly SliceRule[]): Promise<Selection[]> {
  if (rules.length === 0) return [];
  const view = await openView(dataset);
  const selections: Selection[] = [];
  const problems: Problem[] = [];
  for (const [place, rule] of rules.entries()) {
    const fault = await faultOf(dataset.connection, view.name, rule.where);
    const chosen = fault === null ? await choose(dataset.connection, view, rule.where) : { fault };
    if ("rows" in chosen) selections.push({ rule, rows: chosen.rows });
    else problems.push({ what: `validate.slices[${place}] (${rule.where}): ${chosen.fault}` });
  }
  const [first] = problems;
  if (!first) return selections;
  throw new MlshipError({
    code: "validate.slice",
    what: problems.length === 1 ? first.what : `${problems.length} slices cannot be chosen`,
    fix: `write one SQL condition over the columns of the data, such as ${exampleOf(dataset)}`,
    exit: "usage",
    ...(problems.length > 1 ? { problems } : {}),
  });
}

/** What of a data set slices are chosen from. */
export type SliceData = Pick<Dataset, "connection" | "sqlName" | "features" | "targets" | "weight" | "key">;

/** The rows under the names of the file. */
export interface View {
  /** Quoted. */
  name: string;
  /** The columns of the file that it has. */
  columns: ReadonlySet<string>;
  /** Quoted name of the column that holds a row's number. */
  row: string;
}

/** A view of the rows under the names of the file. Names that SQL cannot tell apart are left out. */
export async function openView(dataset: SliceData): Promise<View> {
  const { connection, features, targets, weight, key } = dataset;
  const names = [...features.map(({ name }) => name), ...targets.map(({ name }) => name), weight, key].filter(
    (name) => name !== null,
  );
  const counted = new Map<string, number>();
  for (const name of names) counted.set(name.toLowerCase(), (counted.get(name.toLowerCase()) ?? 0) + 1);
  const own = names.filter((name) => counted.get(name.toLowerCase()) === 1);
  let row = "row of mlship";
  while (counted.has(row)) row += " ";
  const columns = own.map((name) => `${dataset.sqlName(name)} as ${quoteName(name)}`);
  const view = { name: quoteName("data"), columns: new Set(own), row: quoteName(row) };
  await connection.run(
    `create or replace temp view ${view.name} as select ${[`rowid::integer as ${view.row}`, ...columns].join()} from rows`,
  );
  return view;
}

async function choose(
  connection: DuckDBConnection,
  view: View,
  where: string,
): Promise<{ rows: Int32Array } | { fault: string }> {
  try {
    return { rows: await chooseRows(connection, view, where) };
  } catch (cause) {
    // A value that cannot be converted shows only when the rows are read.
    return { fault: reasonOf(cause) };
  }
}

/** The numbers of the rows that a predicate is true of, rising. @param where checked, or made here. */
export async function chooseRows(
  connection: DuckDBConnection,
  view: View,
  where: string,
): Promise<Int32Array> {
  const rows = await readIntegers(connection, `select ${view.row} from ${view.name} where (${where}\n)`);
  return rows.sort();
}

function exampleOf({ features }: SliceData): string {
  const [first] = features;
  if (!first) return "age >= 60";
  const name = /^[a-z_]\w*$/i.test(first.name) ? first.name : quoteName(first.name);
  return first.type === "string" ? `${name} = 'DE'` : first.type === "bool" ? name : `${name} >= 0`;
}
