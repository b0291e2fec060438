// Images of libraries that bring native code are built, start, and answer what was validated; the other tests build ONNX and joblib.
import { afterEach, beforeEach, expect, test } from "vitest";
import { writeFile } from "node:fs/promises";
import type { BuiltImage } from "../../../src/image/built.ts";
import { openProject, type Project } from "../project.ts";

const base = `${process.env["MLSHIP_TEST_REGISTRY"]}/library/python:3.11-slim`;
let project: Project;

beforeEach(async () => {
  project = await openProject();
});
afterEach(() => project.close());

test.each([
  ["lightgbm-binary", "model.txt"],
  ["xgboost-json-binary", "model.json"],
])("%s", { timeout: 300_000 }, async (name, model) => {
  await project.take(name);
  const validate = { data: "data.csv", gates: { accuracy: { min: 0.5 } } };
  const document = { name: "format", version: "1.0.0", model: { path: model }, image: { base }, validate };
  await writeFile(project.file("mlship.yaml"), JSON.stringify(document));
  const { images } = await project.json<BuiltImage>(["build"]);
  expect(images).toMatchObject([{ selfTest: { parity: { flips: 0 }, drain: { lost: 0, exitCode: 0 } } }]);
});
