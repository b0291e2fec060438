// Finds slices that nobody declared where the model is worse. Advice only: no gate looks at them.
import { type DuckDBConnection, DuckDBUTinyIntVector } from "@duckdb/node-api";
import { type Answers, rowsOf } from "../metrics/answers.ts";
import { profileFeatures } from "../profile/profile.ts";
import { sampleOf } from "../profile/read.ts";
import type { ColumnProfile } from "../report/profile.ts";
import type { Slice } from "../report/measures.ts";
import { measureFound } from "./part.ts";
import { type CodedColumn, searchSlices } from "./search.ts";
import { chooseRows, openView, type SliceData, type View } from "./select.ts";
import { type CutColumn, cutColumn } from "./terms.ts";
import { headline } from "./wanted.ts";

/** Columns that are looked at, in the order of the file. */
const mostColumns = 300;
/** Values that are read; of a larger table every second, third … row is looked at. */
const mostValues = 6_000_000;

/** The rows, divided along each column: what slices are made of. */
export interface Divided {
  view: View;
  columns: readonly CutColumn[];
  codes: readonly CodedColumn[];
  /** Every so many rows were looked at. */
  stride: number;
}

/**
 * Divides the rows along each column. What the search costs is bounded by the number of values read, not
 * by a clock, so that the same data give the same slices. Needs no answers: it can be done while the
 * model is asked.
 * @param profiles of the model's inputs, which say where to cut them.
 * @returns null where no column has two parts.
 */
export async function divideRows(
  dataset: SliceData & { rows: number },
  profiles: readonly ColumnProfile[],
): Promise<Divided | null> {
  const { rows, connection } = dataset;
  const cut = [...profiles, ...(await profileOthers(dataset, profiles, rows))]
    .slice(0, mostColumns)
    .map(cutColumn)
    .filter(({ terms }) => terms.length > 1);
  if (cut.length === 0) return null;
  const view = await openView(dataset);
  const columns = cut.filter(({ name }) => view.columns.has(name));
  const stride = Math.max(1, Math.ceil((rows * columns.length) / mostValues));
  return { view, columns, stride, codes: await readCodes(connection, view, columns, stride) };
}

/** Searches conditions on one or two columns where errors are more frequent, or larger, than elsewhere. */
export async function discoverSlices(
  { connection }: Pick<SliceData, "connection">,
  answers: Answers,
  divided: Divided | null,
  level: number,
): Promise<Slice[]> {
  if (divided === null) return [];
  const { view, columns, codes, stride } = divided;
  const losses = lossesOf(answers, stride);
  const slices: Slice[] = [];
  for (const found of searchSlices(losses, codes)) {
    const where = found.terms.map(({ column, part }) => columns[column]?.terms[part] ?? "true").join(" and ");
    const rows = await chooseRows(connection, view, where);
    const { p, pAdjusted } = found;
    const metric = measureFound(answers, rows, { ...headline(answers.task), p, pAdjusted }, level);
    slices.push({
      name: where,
      where,
      origin: "found",
      rows: rows.length,
      reason: null,
      metrics: [metric],
    });
  }
  return slices;
}

/** Columns that the model is not given may tell its errors apart, too: a site, a device. */
async function profileOthers(
  dataset: SliceData,
  profiles: readonly ColumnProfile[],
  rows: number,
): Promise<ColumnProfile[]> {
  const known = new Set(profiles.map(({ name }) => name));
  const others = dataset.features
    .filter(({ name }) => !known.has(name))
    .slice(0, Math.max(0, mostColumns - profiles.length))
    .map(({ name, type }) => ({ name, type, sql: dataset.sqlName(name) }));
  return await profileFeatures(dataset.connection, sampleOf("rows", rows), others);
}

/** The part of each column that every `stride`th row is in. */
async function readCodes(
  connection: DuckDBConnection,
  view: View,
  columns: readonly CutColumn[],
  stride: number,
): Promise<CodedColumn[]> {
  const cases = columns.map(({ terms }) => {
    const parts = terms.map((term, part) => `when ${term} then ${part}`);
    return `(case ${parts.join(" ")} else 255 end)::utinyint`;
  });
  const result = await connection.run(
    `select ${cases.join()} from ${view.name} where ${view.row} % ${stride} = 0 order by ${view.row}`,
  );
  const chunks = await result.fetchAllChunks();
  const rows = chunks.reduce((sum, { rowCount }) => sum + rowCount, 0);
  return columns.map(({ terms }, column) => {
    const codes = new Uint8Array(rows);
    let at = 0;
    for (const chunk of chunks) {
      const vector = chunk.getColumnVector(column);
      if (!(vector instanceof DuckDBUTinyIntVector)) throw new TypeError("a cast to utinyint gives bytes");
      // Its public way looks each value up in a mask of nulls, of which there are none.
      const { rowCount } = chunk;
      codes.set(vector["items"].subarray(0, rowCount), at);
      at += rowCount;
    }
    return { codes, parts: terms.length };
  });
}

/** What the model got wrong of every `stride`th row: 1 for another class, the absolute error of numbers. */
function lossesOf(answers: Answers, stride: number): Float64Array {
  const { truth, predicted } = answers;
  const rows = Math.ceil(rowsOf(answers) / stride);
  if (answers.task !== "regression")
    return new Float64Array(rows).map((_zero, at) => (truth[at * stride] === predicted[at * stride] ? 0 : 1));
  const { outputs } = answers;
  return new Float64Array(rows).map((_zero, at) => {
    let loss = 0;
    for (let output = 0; output < outputs; output++) {
      const place = at * stride * outputs + output;
      loss += Math.abs((truth[place] ?? 0) - (predicted[place] ?? 0));
    }
    return loss;
  });
}
