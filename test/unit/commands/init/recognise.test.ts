// Recognising a project from its folder.
import { expect, it } from "vitest";
import { proposeName } from "../../../../src/commands/init/name.ts";
import { recogniseProject, type Choices, type Entry } from "../../../../src/commands/init/recognise.ts";
import type { ModelFormat } from "../../../../src/model/model.ts";

const asked: string[] = [];
function recognise(names: string[], models: Record<string, ModelFormat>, choices?: Choices) {
  const entries = names.map((name): Entry =>
    name.endsWith("/") ? { name: name.slice(0, -1), kind: "folder" } : { name, kind: "file" },
  );
  asked.length = 0;
  return recogniseProject(
    entries,
    (name) => {
      asked.push(name);
      return Promise.resolve(models[name] ?? null);
    },
    choices,
  );
}

it("finds model, data, handler and requirements, asking only about what could be a model", async () => {
  const names = [
    "README.md",
    ".git/",
    "handler.py",
    "m.bin",
    "notes",
    "requirements.txt",
    "test_data.csv",
    "train.csv",
  ];
  expect(await recognise(names, { "m.bin": "lightgbm" })).toEqual({
    model: { path: "m.bin", format: "lightgbm" },
    data: "test_data.csv",
    handler: "handler.py",
    requirements: "requirements.txt",
  });
  expect(asked).toEqual(["m.bin", "notes"]);
});

it.each([
  [["test_data.csv", "test.csv", "holdout.csv"], "test_data.csv"],
  [["validation.parquet", "test.jsonl"], "test.jsonl"],
  [["val.csv", "iris.csv"], "val.csv"],
  [["iris.csv", "train.csv", "X_train.csv"], "iris.csv"],
  [["Test-Data.CSV"], "Test-Data.CSV"],
])("of %j takes %s", async (names, data) => {
  const { handler, requirements, ...found } = await recognise(["m", ...names], { m: "onnx" });
  expect(found).toEqual({ model: { path: "m", format: "onnx" }, data });
  expect([handler, requirements]).toEqual([null, null]);
});

it.each([
  [["m"], {}, "init.no-data", "no csv, parquet or jsonl file was found", "--data FILE"],
  [["m", "train.csv"], {}, "init.no-data", "only training data was found (train.csv)", "--data FILE"],
  [["m", "a.csv", "b.csv"], {}, "init.data-unclear", "a.csv, b.csv", "--data FILE"],
  [
    ["m", "test.csv", "test.parquet", "z.csv"],
    {},
    "init.data-unclear",
    "test.csv, test.parquet",
    "--data FILE",
  ],
  [["test.csv", "x"], {}, "init.no-model", "mlship reads ONNX", "--model FILE"],
  [
    ["test.csv", "b", "a"],
    { a: "onnx", b: "skops" },
    "init.models-unclear",
    "a (onnx), b (skops)",
    "--model FILE",
  ],
] as const)("of %j says what is missing or unclear: %#", async (names, models, code, why, flag) => {
  const known: Record<string, ModelFormat> = names.includes("m" as never) ? { m: "onnx" } : models;
  await expect(recognise([...names], known)).rejects.toMatchObject({
    code,
    exit: "usage",
    why: expect.stringContaining(why) as string,
    fix: expect.stringContaining(flag) as string,
  });
});

it("follows the user's choice, and says when that is no model", async () => {
  const models: Record<string, ModelFormat> = { a: "onnx", "sub/b": "skops" };
  const found = await recognise(["a", "t.csv"], models, { model: "sub/b", data: "far.csv" });
  expect(found).toMatchObject({ model: { path: "sub/b", format: "skops" }, data: "far.csv" });
  await expect(recognise(["a", "t.csv"], models, { model: "t.csv" })).rejects.toMatchObject({
    code: "init.no-model",
    what: "t.csv is not a model that mlship knows",
  });
});

it.each([
  ["Fraud_Model v2", "fraud-model-v2"],
  ["Überblick", "uberblick"],
  ["---", "model"],
  ["模型", "model"],
  ["x".repeat(80), "x".repeat(63)],
  [`${"x".repeat(62)}--y`, "x".repeat(62)],
])("names the project of folder %s %s", (folder, name) => {
  expect(proposeName(folder)).toBe(name);
});
