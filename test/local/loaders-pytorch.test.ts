// PyTorch in a real Python: what its loader refuses, and odd inputs and outputs that it takes.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  answering,
  columns,
  makeBench,
  nullable,
  numbers,
  patience,
  type Bench,
  type Said,
} from "./loaders/bench.ts";

let bench: Bench;

beforeAll(async () => {
  bench = await makeBench("pytorch", "make_torch.py");
}, patience);

afterAll(() => bench.close());

const rows = { a: [1, 2, 3], b: [0.5, 0.5, 0.5] };
const classes = ["x", "y", "z"];
const binary = { inputs: numbers, task: "binary", classes: [0, 1] } as const;

describe("is not loaded", () => {
  test.each<[string, string, Said, string]>([
    ["logits", "logits.pt", { inputs: numbers, task: "multiclass", classes }, "not probabilities"],
    ["a tuple of two", "pair.pt", { inputs: numbers }, "answers a tuple, not one tensor"],
    ["a program for four rows", "rows-4.pt2", { inputs: numbers }, "exactly 4 rows at a time"],
    ["a program of two inputs", "two-inputs.pt2", { inputs: numbers }, "takes 2 inputs"],
    ["a column of texts", "sum.pt", { inputs: columns("string", "a") }, "takes numbers only"],
    ["weights without a class", "weights.pt", { inputs: numbers }, "define load(folder) in the handler"],
  ])("%s", async (_what, model, said, why) => {
    await expect(bench.open(model, said)).rejects.toMatchObject({
      code: "model.load-failed",
      why: expect.stringContaining(why),
    });
  });
});

test("a single logit, which could be a probability, is told by the first row where it is none", async () => {
  const scorer = await bench.open("sum.pt", { ...binary, classes: [0, 1] });
  expect(await scorer.score({ a: [0.25], b: [0.5] })).toMatchObject({ predictions: [1] });
  await expect(scorer.score(rows)).rejects.toMatchObject({
    code: "score.bad-output",
    why: expect.stringContaining("not probabilities"),
  });
});

test("answers of two dimensions a row are told", async () => {
  const scorer = await bench.open("deep.pt", { inputs: numbers });
  await expect(scorer.score(rows)).rejects.toMatchObject({
    code: "score.bad-output",
    why: expect.stringContaining("predictions of shape (3, 2, 1) for 3 rows"),
  });
});

test("one tensor of one dimension in a tuple is the second class's probability", async () => {
  const scorer = await bench.open("alone.pt", { ...binary, classes: ["no", "yes"] });
  expect((await scorer.score({ a: [-9, 9], b: [0, 0] })).predictions).toEqual(["no", "yes"]);
});

test("whole numbers are the labels themselves", async () => {
  const scorer = await bench.open("label.pt", { ...binary, classes: [0, 1] });
  expect(await scorer.score({ a: [1, 3], b: [2, 0] })).toEqual({ predictions: [1, 0], probabilities: null });
});

test("numbers of 16 bits that numpy does not have are read", async () => {
  const scorer = await bench.open("brain.pt", { ...binary, classes: [0, 1] });
  expect(await scorer.score({ a: [1], b: [1] })).toEqual({ predictions: [0], probabilities: [[0.5, 0.5]] });
});

test("a program that was exported for one row is asked row by row", async () => {
  const scorer = await bench.open("rows-1.pt2", { inputs: numbers });
  expect((await scorer.score(rows)).predictions).toEqual([1.5, 2.5, 3.5]);
});

test("a missing number is NaN, which is the model's business", async () => {
  const gaps = { a: [1, null], b: [1, 2] };
  const filling = await bench.open("gaps.pt", { inputs: nullable(numbers) });
  expect((await filling.score(gaps)).predictions).toEqual([2, 12]);
  const plain = await bench.open("sum.pt", { inputs: nullable(numbers) });
  await expect(plain.score(gaps)).rejects.toMatchObject({ code: "score.non-finite-output" });
});

test("truth values and whole numbers come as numbers", async () => {
  const inputs = [...columns("bool", "a"), ...columns("int64", "b")];
  const scorer = await bench.open("sum.pt", { inputs });
  expect((await scorer.score({ a: [true, false], b: [7, 8] })).predictions).toEqual([8, 8]);
});

test("PyTorch keeps to one thread", async () => {
  const handler = answering("torch", "torch.get_num_threads()");
  const scorer = await bench.open("sum.pt", { inputs: numbers, handler });
  expect((await scorer.score({ a: [0], b: [0] })).predictions).toEqual([1]);
});
