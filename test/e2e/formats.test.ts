// Every format that mlship reads, from the file to an answer over HTTP that equals the score run's.
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { fixtures, openCancer, openProject, userRows, type Project } from "./project.ts";

interface Golden {
  rows: number;
  columns: { name: string; values: unknown[] }[];
  predictions: unknown[];
  probabilities: number[][] | null;
}

/** The rows that were scored, with the answers of that run, as the validation kept them. */
async function readGolden(project: Project): Promise<Golden> {
  const reports = project.file(".mlship", "reports");
  const [folder = "", ...others] = await readdir(reports);
  expect(others).toEqual([]);
  return JSON.parse(await readFile(path.join(reports, folder, "golden.json"), "utf8"));
}

/** Asks for every golden row as a user would, one request for all and one for the first alone. */
async function expectSameAnswers(project: Project): Promise<void> {
  const golden = await readGolden(project);
  const rows = Array.from({ length: golden.rows }, (_none, at) =>
    Object.fromEntries(golden.columns.map(({ name, values }) => [name, values[at]])),
  );
  for (const count of [1, rows.length]) {
    const answer = await project.predict({ rows: rows.slice(0, count) });
    expect(answer).toMatchObject({ status: 200, version: "1.0.0" });
    expectClose(answer.body.predictions, golden.predictions.slice(0, count));
    if (golden.probabilities !== null)
      expectClose(answer.body.probabilities?.flat() ?? [], golden.probabilities.slice(0, count).flat());
  }
}

function expectClose(answers: unknown[], scored: unknown[]): void {
  expect(answers).toHaveLength(scored.length);
  for (const [at, wanted] of scored.entries()) {
    if (typeof wanted === "number") expect(answers[at]).toBeCloseTo(wanted, 6);
    else expect(answers[at]).toBe(wanted);
  }
}

const cases = (await readdir(path.join(fixtures, "formats"), { withFileTypes: true }))
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

test("there is a case for every format", () => {
  for (const format of [
    "sklearn-joblib",
    "sklearn-pickle",
    "skops",
    "onnx",
    "lightgbm",
    "xgboost-json",
    "xgboost-ubj",
    "keras-binary",
    "keras-h5",
    "savedmodel",
    "catboost",
    "pytorch-script",
    "pytorch-export",
    "pytorch-weights",
    "pytorch-safetensors",
    "mlflow",
    "python-handler",
  ])
    expect(cases.some((name) => name.startsWith(format))).toBe(true);
});

/** TensorFlow and PyTorch weigh gigabytes: every model of theirs is validated, and one of each is served. */
const served = new Set(["savedmodel-inputs-binary", "pytorch-export-multiclass"]);
/** Served alike: by a loader that serves another model here. */
const alike = new Set([
  "catboost-multiclass",
  "catboost-regression",
  "mlflow-xgboost-binary",
  "sklearn-joblib-zlib",
]);
const validated = cases.filter(
  (name) => alike.has(name) || (/^(keras|savedmodel|pytorch)-/.test(name) && !served.has(name)),
);

describe("init and validate", () => {
  test.each(validated)("%s", { timeout: 900_000 }, async (name) => {
    const project = await openProject();
    try {
      await project.take(name);
      await project.mlship(["init", "--name", "tried"]);
      const report = await project.json<{ verdict: string; task: string }>(["validate"]);
      const [, task = "binary"] = /-(binary|multiclass|regression)$/.exec(name) ?? [];
      expect(report).toMatchObject({ verdict: "pass", task });
    } finally {
      await project.close();
    }
  });
});

describe("init, validate, deploy and predict", () => {
  // Several share the cores, and the first run on a machine makes an environment for each.
  test.concurrent.each(cases.filter((name) => !validated.includes(name)))(
    "%s",
    { timeout: 600_000 },
    async (name) => {
      const project = await openProject();
      try {
        await project.take(name);
        await project.mlship(["init", "--name", "tried"]);
        const report = await project.json<{ verdict: string; golden: unknown }>(["validate"]);
        expect(report.verdict).toBe("pass");
        await project.mlship(["deploy"]);
        await expectSameAnswers(project);
      } finally {
        await project.close();
      }
    },
  );
});

test("a handler works around the model in scoring and in serving alike", async () => {
  const project = await openCancer();
  onTestFinished(() => project.close());
  // Users of this model send the radius in tenths and want words.
  await project.handle(`
import numpy as np

NAMES = ["mean_radius", "mean_texture", "mean_smoothness", "mean_concavity", "mean_concave_points", "worst_texture"]

def preprocess(columns):
    print("a handler may print")
    return np.column_stack([columns[name] for name in NAMES])

def postprocess(outputs, columns):
    sure = np.asarray(outputs["probabilities"]).max(axis=1) > 0.5
    assert len(sure) == len(columns["mean_radius"])
    return {"predictions": outputs["predictions"], "probabilities": outputs["probabilities"] ** 2 / (outputs["probabilities"] ** 2).sum(axis=1, keepdims=True)}
`);
  await project.write("1.0.0", { model: { handler: "handler.py" } });
  const plain = await openCancer();
  onTestFinished(() => plain.close());
  await Promise.all([project.mlship(["deploy"]), plain.mlship(["deploy"])]);
  await expectSameAnswers(project);
  const [row = ""] = await userRows();
  const [sharp, flat] = await Promise.all(
    [project, plain].map(
      async (each) => (await each.predict({ rows: [JSON.parse(row)] })).body.probabilities?.[0] ?? [],
    ),
  );
  const [a = 0, b = 0] = flat ?? [];
  expect(sharp?.[0]).toBeCloseTo(a ** 2 / (a ** 2 + b ** 2), 9);
});
