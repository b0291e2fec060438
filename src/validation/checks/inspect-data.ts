// Everything that the rows themselves show, before and beside what a model makes of them.
import type { DuckDBConnection } from "@duckdb/node-api";
import type { InputColumn } from "../../model/model.ts";
import { profileFeatures } from "../profile/profile.ts";
import { sampleOf } from "../profile/read.ts";
import type { DataFacts } from "../report/data.ts";
import type { ColumnProfile, Profile } from "../report/profile.ts";
import type { Finding } from "../sanity.ts";
import type { DataColumn } from "../table.ts";
import { type Comparable, comparable } from "./comparable.ts";
import { inspectDuplicates } from "./duplicates.ts";
import { inspectOrder, inspectReleased, type Released } from "./input-order.ts";
import { inspectShared } from "./leaked.ts";
import { findOutside, inspectOutside } from "./ranges.ts";
import { countDuplicates, countShared, countSingle } from "./repeats.ts";
import { findTrainingColumns, type Training, trainingPlace } from "./training.ts";
import { findUnseen, inspectUnseen } from "./unseen.ts";

/** What {@link inspectData} needs. */
export interface DataInspectionInput {
  model: { featureNames: readonly string[] | null };
  /** The model's signature. */
  inputs: readonly InputColumn[];
  dataset: InspectedData;
  /** Null or left out: nothing is in production, or the model or the training data tell the order. */
  released?: Released | null | undefined;
  /** The handler's code; null or left out: there is none. */
  handler?: string | null | undefined;
  signal?: AbortSignal | undefined;
}

/** The part of a `Dataset` that is inspected. */
export interface InspectedData {
  connection: DuckDBConnection;
  sqlName(name: string): string;
  rows: number;
  features: readonly DataColumn[];
  targets: readonly DataColumn[];
  /** The training data; null when there are none. */
  training: Training | null;
}

/** What the rows show. */
export interface DataInspection {
  data: DataFacts;
  findings: Finding[];
  profile: Pick<Profile, "from" | "features">;
}

/**
 * Looks at the rows: gaps, copies, how features are distributed; and beside the training data, when there
 * are some, at shared rows, ranges and categories. Asks the database alone, so it can be done while
 * Python loads the model.
 * @throws MlshipError `data.train-columns` (exit 2) when the training data lack an input or the target.
 */
export async function inspectData(input: DataInspectionInput): Promise<DataInspection> {
  const { model, inputs, dataset, signal } = input;
  const { connection, rows, training } = dataset;
  const held = new Map(dataset.features.map((column) => [column.name, column]));
  const columns = inputs.flatMap(({ name }) => held.get(name) ?? []);
  const places = columns.map(({ name }) => dataset.sqlName(name));
  const duplicates = await countDuplicates(connection, places);
  const copies = await inspectDuplicates(connection, places, { rows, duplicates });
  signal?.throwIfAborted();
  const beside = training === null ? null : await inspectTraining(input, columns, training);
  signal?.throwIfAborted();
  const features = await profileFeatures(
    connection,
    training === null ? sampleOf("rows", rows) : sampleOf("train", training.rows),
    columns.map(({ name, type }, place) => ({
      name,
      type,
      sql: training === null ? (places[place] ?? "") : trainingPlace(training, name),
    })),
  );
  const names = inputs.map(({ name }) => name);
  const order =
    training === null
      ? input.released
        ? inspectReleased(names, input.released)
        : []
      : inspectOrder(
          model,
          names,
          training.columns.map(({ name }) => name),
          input.handler ?? null,
        );
  return {
    data: {
      nulls: columns
        .filter(({ nulls }) => nulls > 0)
        .map(({ name, nulls }) => ({ column: name, rows: nulls })),
      range: beside?.facts.range ?? [],
      unseenCategories: beside?.facts.unseenCategories ?? [],
      duplicates: { rows: duplicates },
      trainOverlap: beside?.facts.trainOverlap ?? null,
    },
    findings: [...order, ...(beside?.findings ?? []), ...copies],
    profile: {
      from: training === null ? "test" : "train",
      features: features.map((feature) => withOutside(feature, beside?.facts.range ?? [])),
    },
  };
}

type TrainingFacts = Pick<DataFacts, "range" | "unseenCategories" | "trainOverlap">;

async function inspectTraining(
  { inputs, dataset }: DataInspectionInput,
  columns: readonly DataColumn[],
  training: Training,
): Promise<{ facts: TrainingFacts; findings: Finding[] }> {
  const { connection, rows, targets } = dataset;
  const asked = new Map(inputs.map(({ name, type }) => [name, type]));
  const both = [...columns, ...targets];
  const trained = findTrainingColumns(
    training,
    both.map(({ name }) => name),
  );
  const compared = both.map(({ name, type }, at) =>
    comparable({
      name,
      asked: asked.get(name) ?? type,
      rows: { place: dataset.sqlName(name), type },
      train: { place: trainingPlace(training, name), type: trained[at]?.type ?? type },
    }),
  );
  const features = compared.slice(0, columns.length);
  const isText = ({ name }: Comparable) => asked.get(name) === "string";
  const shared = await countShared(connection, features);
  const sameLabel = shared === 0 ? 0 : await countShared(connection, compared);
  const single = shared === 0 ? training.rows : await countSingle(connection, features);
  const numbers = features.filter((column) => !isText(column));
  const range = await findOutside(connection, numbers);
  const unseen = await findUnseen(connection, features.filter(isText));
  const counts = { rows, trainRows: training.rows };
  return {
    facts: {
      range,
      unseenCategories: unseen.map(({ column, rows: times, values }) => ({ column, rows: times, values })),
      trainOverlap: { file: training.digest, trainRows: training.rows, rows: shared, sameLabel },
    },
    findings: [
      ...inspectShared({ ...counts, shared, sameLabel, single }),
      ...inspectUnseen(unseen, counts),
      ...inspectOutside(range, { ...counts, columns: numbers.length }),
    ],
  };
}

/** The rows that judge, beside the bins of the rows that trained. */
function withOutside(feature: ColumnProfile, range: DataFacts["range"]): ColumnProfile {
  const outside = range.find(({ column }) => column === feature.name);
  if (feature.kind !== "numbers" || outside === undefined) return feature;
  return { ...feature, below: outside.below, above: outside.above };
}
