// The baseline for monitoring: how features and predictions were distributed when the model was judged.
import type { Probabilities } from "../metrics/answers.ts";
import type { DuckDBConnection } from "@duckdb/node-api";
import { setImmediate } from "node:timers/promises";
import type { InputColumn, Label } from "../../model/model.ts";
import type { ColumnProfile, Profile } from "../report/profile.ts";
import type { Series } from "../series.ts";
import { binnedProfile, categoryProfile, numberProfile } from "./column.ts";
import { countTexts, readNumbers, type Sample } from "./read.ts";
import { tallyOf } from "./tally.ts";

/** A feature, and its column in the table that it is profiled on. */
export interface Feature extends Pick<InputColumn, "name" | "type"> {
  /** `c3`. */
  sql: string;
}

/** Profiles features in their order: numbers in bins or as categories, texts and truth values as categories. */
export async function profileFeatures(
  connection: DuckDBConnection,
  sample: Sample,
  features: readonly Feature[],
): Promise<ColumnProfile[]> {
  const isNamed = ({ type }: Feature) => type === "string" || type === "bool";
  const numbers = features.filter((feature) => !isNamed(feature));
  const found = new Map<Feature, ColumnProfile>();
  const read = readNumbers(
    connection,
    sample,
    numbers.map(({ sql }) => sql),
  );
  let place = 0;
  for await (const values of read) {
    const feature = numbers[place++];
    if (feature) found.set(feature, numberProfile(feature, values));
    // A model that waits for rows gets them.
    await setImmediate();
  }
  for (const feature of features.filter(isNamed)) {
    const tally = await countTexts(connection, sample, feature.sql);
    found.set(feature, categoryProfile(feature, sample.rows, tally));
  }
  return features.flatMap((feature) => found.get(feature) ?? []);
}

/** What a model answered, as monitoring will see it answer. */
export interface Answered {
  /** In the order of the probabilities; null for a regressor. */
  classes: readonly Label[] | null;
  positive: Label | null;
  predictions: Series;
  /** Row by row; null when the model gives none. */
  probabilities: Probabilities | null;
  /** Numbers of one row's answer: 1 but for a regressor of several outputs. */
  outputs: number;
}

/** Classes whose probabilities are profiled; of a model with more, the first ones. */
const mostClasses = 20;

/** Profiles the answers: classes counted and probabilities in bins, or the numbers in bins. */
export function profileAnswers(answered: Answered): Profile["predictions"] {
  const { classes, positive, predictions, probabilities, outputs } = answered;
  if (classes === null) return profileNumbers(predictions.numbers(), outputs);
  const counts = countLabels(predictions);
  const labels = { name: "prediction", type: typeOf(classes) };
  const counted = categoryProfile(labels, predictions.length, tallyOf(counts));
  if (probabilities === null) return [counted];
  const isShown = (place: number, name: Label) =>
    positive === null ? place < mostClasses : name === positive;
  const shown = [...classes.entries()].filter(([place, name]) => isShown(place, name));
  const chances = shown.map(([place, name]) =>
    binnedProfile(
      { name: positive === null ? `probability of ${String(name)}` : "probability", type: "float64" },
      every(probabilities, classes.length, place),
    ),
  );
  return [counted, ...chances];
}

/** How often each label comes, by its text. */
function countLabels(labels: Series): Map<string, number> {
  const names = [...new Set(labels.distinct().map(String))];
  const places = new Map(names.map((name, place) => [name, place]));
  const encoded = labels.encode((label) => places.get(String(label)) ?? 0);
  const counts = new Uint32Array(names.length);
  for (let row = 0; row < encoded.length; row++) {
    const place = encoded[row] ?? 0;
    counts[place] = (counts[place] ?? 0) + 1;
  }
  return new Map(names.map((name, place) => [name, counts[place] ?? 0]));
}

function profileNumbers(values: Float64Array, outputs: number): ColumnProfile[] {
  return Array.from({ length: outputs }, (_none, output) => {
    const name = outputs === 1 ? "prediction" : `prediction ${output + 1}`;
    return binnedProfile({ name, type: "float64" }, every(values, outputs, output));
  });
}

/** Every `width`-th number from `first` on. */
function every(values: Probabilities, width: number, first: number): Float64Array {
  return new Float64Array(values.length / width).map((_zero, row) => values[row * width + first] ?? 0);
}

function typeOf(classes: readonly Label[]): "string" | "bool" | "int64" | "float64" {
  if (classes.some((name) => typeof name === "string")) return "string";
  if (classes.every((name) => typeof name === "boolean")) return "bool";
  return classes.every((name) => Number.isInteger(Number(name))) ? "int64" : "float64";
}
