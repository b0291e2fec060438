// A model that is a pure function, a data file and everything else that a validation takes.
import type { Gates } from "../../../src/config/gates.ts";
import type { InputColumn, Label, Model } from "../../../src/model/model.ts";
import { answeredOf, type Production } from "../../../src/validation/compare/production.ts";
import { evaluate } from "../../../src/validation/evaluate.ts";
import type { Rules } from "../../../src/validation/evidence.ts";
import type { Dataset } from "../../../src/validation/dataset.ts";
import type { Columns, PythonLock, Scorer } from "../../../src/validation/ports.ts";
import type { Validation } from "../../../src/validation/validate.ts";
import { predictOf } from "../../cli/fake-python.ts";
import { openText } from "./files.ts";

export const lock: PythonLock = {
  python: "3.12",
  platform: "linux_x86_64",
  requirements: "",
  server: { files: [], digest: "sha256:5e", size: 0 },
  digest: "sha256:10",
};

export const model: Model = {
  files: [{ path: "model.joblib", size: 1000, sha256: "sha256:f1" }],
  digest: "sha256:70",
  size: 1000,
  format: "sklearn",
  entry: "model.joblib",
  estimator: null,
  libraries: {},
  featureNames: ["x"],
  featureCount: 1,
  classes: [0, 1],
  task: "binary",
  reaches: [],
};

export const inputs: InputColumn[] = [{ name: "x", type: "float64", nullable: false }];

type Row = Record<string, number | string | boolean | null>;

/** A scorer that answers row by row. */
export function scorerOf(
  predict: (row: Row) => { label: Label; chances?: number[] },
  classes: Label[] | null = [0, 1],
  calls: number[] = [],
): Scorer {
  const score = (columns: Columns) => {
    const names = Object.keys(columns);
    const rows = columns[names[0] ?? ""]?.length ?? 0;
    calls.push(rows);
    const answers = Array.from({ length: rows }, (_none, row) =>
      predict(Object.fromEntries(names.map((name) => [name, columns[name]?.[row] ?? null]))),
    );
    const chances = answers.flatMap((answer) => (answer.chances ? [answer.chances] : []));
    return {
      predictions: answers.map(({ label }) => label),
      probabilities: chances.length > 0 ? chances : null,
    };
  };
  return {
    model: { classes, libraries: { "scikit-learn": "1.6.1" }, loadSeconds: 0.5, rss: 1e8 },
    score: (columns) => Promise.resolve(score(columns)),
    predict: predictOf(score),
    measure: () => Promise.resolve({ latency: { p50: 0.001, p99: 0.002, calls: 200 }, peakRss: 2e8 }),
    close: () => Promise.resolve(),
  };
}

/** Positive from 50 on, with a probability that grows with x. */
export const threshold = scorerOf(({ x }) => {
  const chance = Number(x) / 100;
  return { label: chance >= 0.5 ? 1 : 0, chances: [1 - chance, chance] };
});

/** x is 0 … rows − 1 modulo 100; y is 1 from 50 on, wrong in every `noise`th row. */
export function openRows(rows = 200, noise = 10): Promise<Dataset> {
  const lines = Array.from({ length: rows }, (_none, row) => {
    const x = row % 100;
    return `${x},${x >= 50 === (row % noise !== 0) ? 1 : 0}`;
  });
  return openText("test.csv", `x,y\n${lines.join("\n")}\n`);
}

/** A version in production that answers the rows of a data set, which is closed afterwards. */
export async function productionOf(
  scorer: Scorer,
  dataset: Dataset,
  released: Pick<Model, "task" | "classes"> = model,
): Promise<Production> {
  const answered = answeredOf(await evaluate({ model: released, inputs, dataset, scorer, reading: {} }));
  dataset.close();
  return { version: "1.0.0", modelDigest: "sha256:60", answered, reason: null };
}

/** A validation of {@link threshold} on {@link openRows}, with some of it replaced. */
export async function validation(
  changed: Partial<Validation> & { gates?: Gates; judgeBy?: Rules["judgeBy"] } = {},
): Promise<Validation> {
  let time = 0;
  const { gates = { accuracy: { min: 0.8 } }, judgeBy = "interval", ...replaced } = changed;
  return {
    model,
    inputs,
    dataset: changed.dataset ?? (await openRows()),
    scorer: threshold,
    lock,
    rules: { gates, judgeBy, confidence: 0.95, slices: [], fairness: [] },
    production: null,
    effort: "quick",
    openThreaded: null,
    config: {},
    version: "0.1.0",
    monotonic: () => (time += 500 + Math.random()),
    ...replaced,
  };
}
