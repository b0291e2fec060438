// Keras and TensorFlow in a real Python: what their loaders refuse, and odd inputs and outputs that they take.
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
  bench = await makeBench("keras", "make_tensorflow.py");
}, patience);

afterAll(() => bench.close());

const rows = { a: [1, 2, 3], b: [0.5, 0.5, 0.5] };
const classes = ["x", "y", "z"];
const two = [0, 1];

describe("is not loaded", () => {
  test.each<[string, string, Said, string]>([
    ["logits", "logits.keras", { inputs: numbers, task: "multiclass", classes }, "not probabilities"],
    ["two outputs", "two-outputs.keras", { inputs: numbers }, "has 2 outputs"],
    ["answers of two dimensions", "deep.keras", { inputs: numbers }, "2 dimensions per row"],
    ["a batch of four", "rows-4.keras", { inputs: numbers }, "exactly 4 rows at a time"],
    ["images", "image.keras", { inputs: numbers }, "the shape (rows, 2, 2), which needs a handler"],
    ["texts for numbers", "sum.keras", { inputs: columns("string", "a", "b") }, "takes numbers only"],
    ["numbers for texts", "text.keras", { inputs: columns("float64", "word") }, "takes texts only"],
    ["one column too few", "sum.keras", { inputs: columns("float64", "a") }, "takes 2 features"],
    ["a model that was never built", "unbuilt.keras", { inputs: numbers }, "build it before saving"],
    [
      "more classes than it has",
      "rows-1.keras",
      { inputs: numbers, task: "multiclass", classes },
      "tells 2 classes apart",
    ],
    [
      "a SavedModel without a signature",
      "saved-unsigned",
      { inputs: numbers },
      "no signature serving_default",
    ],
    ["a SavedModel of two outputs", "saved-two-outputs", { inputs: numbers }, "has 2 outputs"],
    ["a SavedModel for any shape", "saved-any-shape", { inputs: numbers }, "says nothing of its shape"],
    ["a SavedModel for three rows", "saved-rows-3", { inputs: numbers }, "exactly 3 rows at a time"],
    ["a SavedModel that answers texts", "saved-texts", { inputs: numbers }, "values of type object"],
    [
      "a SavedModel that answers logits",
      "saved-logits",
      { inputs: numbers, task: "binary", classes: two },
      "not probabilities",
    ],
  ])("%s", async (_what, model, said, why) => {
    await expect(bench.open(model, said)).rejects.toMatchObject({
      code: "model.load-failed",
      why: expect.stringContaining(why),
    });
  });
});

test("a single logit, which could be a probability, is told by the first row where it is none", async () => {
  const scorer = await bench.open("logit.keras", { inputs: numbers, task: "binary", classes: two });
  expect(await scorer.score({ a: [0.25], b: [0.5] })).toMatchObject({ predictions: [1] });
  await expect(scorer.score(rows)).rejects.toMatchObject({
    code: "score.bad-output",
    why: expect.stringContaining("not probabilities"),
  });
});

test.each(["flat.keras", "half.keras", "sum.keras"])(
  "one number a row, however %s says it",
  async (model) => {
    const scorer = await bench.open(model, { inputs: numbers });
    expect(await scorer.score(rows)).toEqual({ predictions: [1.5, 2.5, 3.5], probabilities: null });
  },
);

test("a model that was made for one row is asked row by row", async () => {
  const scorer = await bench.open("rows-1.keras", { inputs: numbers, task: "binary", classes: two });
  const { predictions, probabilities } = await scorer.score({ a: [-9, 9, -9], b: [0, 0, 0] });
  expect([predictions, probabilities?.length]).toEqual([[0, 1, 0], 3]);
});

test("a missing text is the empty one", async () => {
  const inputs = nullable(columns("string", "word"));
  const scorer = await bench.open("text.keras", { inputs, task: "multiclass", classes });
  expect(scorer.model.classes).toEqual(classes);
  // The first place is that of words which are not in the vocabulary.
  expect((await scorer.score({ word: ["b", null, "a", ""] })).predictions).toEqual(["z", "x", "y", "x"]);
});

test("a missing number is NaN, of which nothing finite comes", async () => {
  const scorer = await bench.open("sum.keras", { inputs: nullable(numbers) });
  await expect(scorer.score({ a: [1, null], b: [1, 1] })).rejects.toMatchObject({
    code: "score.non-finite-output",
  });
});

test("truth values are given as they are", async () => {
  const scorer = await bench.open("truths.keras", { inputs: columns("bool", "a", "b") });
  expect((await scorer.score({ a: [true, false], b: [true, true] })).predictions).toEqual([2, 1]);
});

test("an input of whole numbers takes no fractions and no gaps", async () => {
  const scorer = await bench.open("codes.keras", { inputs: nullable(numbers) });
  expect((await scorer.score({ a: [1, 3], b: [2, 4] })).predictions).toEqual([3, 7]);
  for (const [value, told] of [
    [1.5, "1.5"],
    [null, "nan"],
  ] as const)
    await expect(scorer.score({ a: [value], b: [1] })).rejects.toMatchObject({
      code: "score.failed",
      why: expect.stringContaining(`the input 'codes' takes int32 and is given ${told}`),
    });
});

test("a SavedModel's columns are given by name, in its own types", async () => {
  const inputs = [
    ...nullable(columns("string", "word")),
    ...columns("float64", "big"),
    ...nullable(columns("int64", "n")),
  ];
  const scorer = await bench.open("saved-columns", { inputs });
  const answer = await scorer.score({ word: ["née", null], big: [1e15, 0.5], n: [3, 2 ** 40] });
  expect(answer.predictions).toEqual([1e15 + 3 + 4, 2 ** 40 + 0.5]);
  await expect(scorer.score({ word: ["a"], big: [0], n: [null] })).rejects.toMatchObject({
    why: expect.stringContaining("the input 'n' takes int64 and is given nan"),
  });
});

test("TensorFlow keeps to one thread", async () => {
  const threads = "tensorflow.config.threading";
  const sum = `10 * ${threads}.get_intra_op_parallelism_threads() + ${threads}.get_inter_op_parallelism_threads()`;
  const scorer = await bench.open("sum.keras", { inputs: numbers, handler: answering("tensorflow", sum) });
  expect((await scorer.score({ a: [0], b: [0] })).predictions).toEqual([11]);
});
