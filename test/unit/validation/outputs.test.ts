// A regressor with several outputs: truth and answers row by row, golden rows with a list each.
import { expect, test } from "vitest";
import { evaluate } from "../../../src/validation/evaluate.ts";
import { compareGolden, goldenSchema, makeGolden } from "../../../src/validation/golden.ts";
import { readAnswer } from "../../../src/validation/answer.ts";
import type { Columns } from "../../../src/validation/ports.ts";
import { predictOf } from "../../cli/fake-python.ts";
import { errorOf, openText } from "./files.ts";
import { inputs, model, threshold } from "./world.ts";

/** Twice x, and one too many of -x. */
const score = ({ x = [] }: Columns) => ({
  predictions: x.map((value) => [2 * Number(value), 1 - Number(value)]),
  probabilities: null,
});
const scorer = { ...threshold, model: { ...threshold.model, classes: null }, predict: predictOf(score) };
const rows = Array.from({ length: 300 }, (_none, row) => `${row},${2 * row},${-row}`);
const open = (target: string[]) => openText("d.csv", `x,a,b\n${rows.join("\n")}\n`, { target });
const regressor = { ...model, task: null, classes: null };

test("truth, answers and golden rows hold a number of each output", async () => {
  const dataset = await open(["a", "b"]);
  const evaluation = await evaluate({ model: regressor, inputs, dataset, scorer, reading: {} });
  expect(evaluation.answers).toMatchObject({ task: "regression", outputs: 2 });
  const { truth, predicted } = evaluation.answers;
  expect([...truth.subarray(2, 6)]).toEqual([2, -1, 4, -2]);
  expect([...predicted.subarray(2, 6)]).toEqual([2, 0, 4, -1]);
  const golden = goldenSchema.parse(await makeGolden(model.digest, dataset, inputs, evaluation));
  expect([golden.rows, golden.predictions[1], golden.labels[1]]).toEqual([200, [2, 0], [2, -1]]);
  const answered = score({ x: golden.columns[0]?.values ?? [] });
  const served = readAnswer(JSON.stringify({ ...answered, model: {} }));
  expect(served && compareGolden(golden, served)).toEqual({ rows: 200, flips: 0, maxDelta: 0 });
  const moved = answered.predictions.map(([a = 0, b = 0], row) => (row === 7 ? [a, b + 5.96] : [a, b]));
  expect(compareGolden(golden, { predictions: moved, probabilities: null })).toMatchObject({ flips: 0 });
  expect(compareGolden(golden, { predictions: moved, probabilities: null }).maxDelta).toBeCloseTo(0.01, 5);
  const single = answered.predictions.map(([a = 0]) => a);
  expect(compareGolden(golden, { predictions: single, probabilities: null }).flips).toBe(200);
});

test.each([
  [["a"], "score.outputs"],
  [["b", "a", "x"], "data.inputs"],
])("targets %j do not fit the model", async (target, code) => {
  const dataset = await open(target);
  const error = await errorOf(evaluate({ model: regressor, inputs, dataset, scorer, reading: {} }));
  expect(error.code).toBe(code);
});

test("a classifier has one target", async () => {
  const dataset = await open(["a", "b"]);
  const reading = { task: "binary" as const };
  const error = await errorOf(evaluate({ model: regressor, inputs, dataset, scorer, reading }));
  expect(error.what).toBe("only a regression has more than one target");
});
