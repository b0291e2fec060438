// Golden rows are the same every time, cover the classes, and notice any answer that differs.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  chooseGoldenRows,
  compareGolden,
  type Golden,
  goldenColumns,
  goldenSchema,
} from "../../../src/validation/golden.ts";
import { Series } from "../../../src/validation/series.ts";

const golden: Golden = {
  schema: "mlship.golden/v1",
  model: "sha256:1",
  dataset: "sha256:2",
  task: "binary",
  classes: [0, 1],
  rows: 2,
  columns: [{ name: "__proto__", type: "float64", values: [1, null] }],
  labels: [0, 1],
  predictions: [0, 1],
  probabilities: [
    [0.75, 0.25],
    [0.25, 0.75],
  ],
  digest: "sha256:3",
};
const { predictions, probabilities } = golden;

test("rows rise, are at most 200, and hold every class of a few", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 2000 }), (labels) => {
      const rows = chooseGoldenRows(Series.of(labels));
      expect(rows.length).toBeLessThanOrEqual(200);
      expect(rows.length).toBeGreaterThanOrEqual(Math.min(labels.length, 190));
      expect(rows).toEqual([...new Set(rows)].toSorted((a, b) => a - b));
      expect(new Set(rows.map((row) => labels[row]))).toEqual(new Set(labels));
    }),
  );
});

test("a rare class is in it, and a regression's rows spread over the file", () => {
  const rare = Array.from({ length: 10_000 }, (_none, row) => (row === 777 ? "fraud" : "fine"));
  expect(chooseGoldenRows(Series.of(rare))).toContain(777);
  const numbers = Array.from({ length: 1000 }, (_none, row) => row / 3);
  expect(chooseGoldenRows(Series.of(numbers))).toEqual(Array.from({ length: 200 }, (_none, at) => at * 5));
});

test("equal answers do not differ", () => {
  expect(compareGolden(golden, { predictions, probabilities })).toEqual({ rows: 2, flips: 0, maxDelta: 0 });
});

test("a flipped label and a moved probability are measured", () => {
  const moved = [
    [0.75, 0.25],
    [0.75, 0.25],
  ];
  expect(compareGolden(golden, { predictions: [0, 0], probabilities: moved })).toEqual({
    rows: 2,
    flips: 1,
    maxDelta: 0.5,
  });
});

test.each([
  { predictions: [0], probabilities: null },
  { predictions, probabilities: null },
  { predictions, probabilities: [[1, 0]] },
  { predictions: [], probabilities: [] },
])("answers of another shape differ in every row: %j", (answers) => {
  expect(compareGolden(golden, answers).flips).toBe(2);
});

test("an answer that is not finite is a flip", () => {
  const broken = [
    [Number.NaN, 0.25],
    [0.25, 0.75],
  ];
  expect(compareGolden(golden, { predictions, probabilities: broken })).toEqual({
    rows: 2,
    flips: 1,
    maxDelta: 0,
  });
});

test("values of a regression are compared on their own scale", () => {
  const numbers: Golden = {
    ...golden,
    task: "regression",
    classes: null,
    predictions: [100, -200],
    probabilities: null,
  };
  expect(compareGolden(numbers, { predictions: [101, -200], probabilities: null })).toEqual({
    rows: 2,
    flips: 0,
    maxDelta: 0.005,
  });
  expect(compareGolden(numbers, { predictions: [Number.NaN, -200], probabilities: null }).flips).toBe(1);
});

test("the document keeps a column called __proto__", () => {
  const read = goldenSchema.parse(JSON.parse(JSON.stringify(golden)));
  expect(goldenColumns(read)["__proto__"]).toEqual([1, null]);
});
