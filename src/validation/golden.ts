// Golden rows: labelled rows with the answers that were measured, replayed on every place that serves.
import { z } from "zod";
import { type Digest, digestDocument } from "../digest.ts";
import { type ColumnType, columnTypes, type InputColumn, type Label, tasks } from "../model/model.ts";
import type { Dataset } from "./dataset.ts";
import type { Evaluation } from "./evaluate.ts";
import type { Columns, Predictions } from "./ports.ts";
import type { Series } from "./series.ts";

const digest = z.templateLiteral(["sha256:", z.string()]);
const label = z.union([z.string(), z.number(), z.boolean()]);

/** Schema of `mlship.golden/v1`. Columns are a list, not an object: any name is safe in it. */
export const goldenSchema = z.strictObject({
  schema: z.literal("mlship.golden/v1"),
  /** Digest of the model that gave the answers. */
  model: digest,
  /** Digest of the data file that the rows are from. */
  dataset: digest,
  task: z.enum(tasks),
  classes: z.array(label).nullable(),
  rows: z.int().min(1),
  columns: z.array(
    z.strictObject({
      name: z.string(),
      type: z.enum(columnTypes),
      values: z.array(z.union([z.number(), z.string(), z.boolean(), z.null()])),
    }),
  ),
  labels: z.array(z.union([label, z.array(z.number())])),
  /** Of a regressor with several outputs, a number of each. */
  predictions: z.array(z.union([label, z.array(z.number())])),
  probabilities: z.array(z.array(z.number())).nullable(),
  digest,
});

export type Golden = z.infer<typeof goldenSchema>;

/** At most this many rows are golden: one request that every server takes. */
const mostGoldenRows = 200;

/**
 * Chooses rows evenly over the file, and the first row of each class that would be missing. The same
 * labels always give the same rows.
 */
export function chooseGoldenRows(labels: Series, most = mostGoldenRows): number[] {
  if (labels.length <= most) return spreadRows(labels.length, most);
  const first = new Map<Label, number>();
  // Numbers of a regression are not classes: there a first row of each would be the start of the file.
  for (let row = 0; row < labels.length && first.size <= most / 2; row++) {
    const name = labels.at(row);
    if (!first.has(name)) first.set(name, row);
  }
  if (first.size > most / 2) return spreadRows(labels.length, most);
  const chosen = new Set([...first.values(), ...spreadRows(labels.length, most - first.size)]);
  return [...chosen].toSorted((a, b) => a - b);
}

function spreadRows(rows: number, most: number): number[] {
  const count = Math.min(rows, most);
  return Array.from({ length: count }, (_none, at) => Math.floor((at * rows) / count));
}

/** The label of a row, or its numbers when there are several. */
function labelOf(series: Series, row: number, outputs: number): Label | number[] {
  return outputs === 1 ? series.at(row) : [...series.numbers().subarray(row * outputs, (row + 1) * outputs)];
}

/**
 * Picks the golden rows of an evaluation; null when an answer among them is not finite, which no
 * document can hold and no verdict lets pass.
 */
export async function makeGolden(
  model: Digest,
  dataset: Dataset,
  inputs: readonly InputColumn[],
  { task, classes, answer }: Evaluation,
): Promise<Golden | null> {
  const { predictions, outputs, probabilities, width } = answer;
  const rows = outputs === 1 ? chooseGoldenRows(dataset.labels) : spreadRows(dataset.rows, mostGoldenRows);
  const values = await dataset.pick(
    inputs.map(({ name }) => name),
    rows,
  );
  const picked = rows.map((row) => labelOf(predictions, row, outputs));
  const chances =
    probabilities && rows.map((row) => [...probabilities.subarray(row * width, (row + 1) * width)]);
  if (![...picked.flat(), ...(chances?.flat() ?? [])].every(isPlain)) return null;
  const content: Omit<Golden, "digest"> = {
    schema: "mlship.golden/v1",
    model,
    dataset: dataset.digest,
    task,
    classes,
    rows: rows.length,
    columns: inputs.map(({ name, type }) => ({
      name,
      type,
      values: (values[name] ?? []).map(givenAs(type)),
    })),
    labels: rows.map((row) => labelOf(dataset.labels, row, outputs)),
    predictions: picked,
    probabilities: chances,
  };
  return { ...content, digest: digestDocument(content) };
}

/** Truth values of the data that the model takes as numbers: a server is strict about types. */
const givenAs = (type: ColumnType) => (value: number | string | boolean | null) =>
  typeof value === "boolean" && type !== "bool" ? Number(value) : value;

const isPlain = (value: Label) => typeof value !== "number" || Number.isFinite(value);

/** The golden rows as a model is given them. */
export function goldenColumns({ columns }: Golden): Columns {
  const given: Columns = Object.create(null);
  for (const { name, values } of columns) given[name] = values;
  return given;
}

/** How far other answers to the golden rows are from the measured ones. */
export interface GoldenComparison {
  rows: number;
  /** Rows with another label; of a regression, rows whose answer is not a finite number. */
  flips: number;
  /**
   * Largest difference of a probability; of a regression, of a value, relative to the largest golden
   * value. Answers that are not finite count as flips, not here.
   */
  maxDelta: number;
}

/** Compares answers with the golden ones. Answers of another shape differ in every row. */
export function compareGolden(golden: Golden, { predictions, probabilities }: Predictions): GoldenComparison {
  const { rows } = golden;
  const sameShape =
    predictions.length === rows &&
    (probabilities === null) === (golden.probabilities === null) &&
    (probabilities === null || probabilities.length === rows);
  if (!sameShape) return { rows, flips: rows, maxDelta: 0 };
  const isValue = golden.task === "regression";
  const scale = isValue ? golden.predictions.flat().reduce(largerSize, 0) : 1;
  let [flips, maxDelta] = [0, 0];
  for (let row = 0; row < rows; row++) {
    const [was, is] = [golden.predictions[row], predictions[row]];
    const before = isValue ? numbersOf(was) : (golden.probabilities?.[row] ?? []);
    const after = isValue ? numbersOf(is) : (probabilities?.[row] ?? []);
    const deltas = before.map(
      (value, place) => Math.abs((after[place] ?? Number.NaN) - value) / (scale || 1),
    );
    const finite = deltas.every(Number.isFinite) && before.length === after.length;
    if (!finite || (!isValue && was !== is)) flips++;
    if (finite) maxDelta = Math.max(maxDelta, ...deltas);
  }
  return { rows, flips, maxDelta };
}

const largerSize = (largest: number, value: Label) => Math.max(largest, Math.abs(Number(value)));

/** The numbers of a row's prediction; NaN where it holds something else. */
function numbersOf(prediction: Label | number[] | undefined): number[] {
  const values = Array.isArray(prediction) ? prediction : [prediction];
  return values.map((value) => (typeof value === "number" ? value : Number.NaN));
}
