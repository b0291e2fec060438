// Metrics agree with scikit-learn to 1e-12 on random and degenerate tables, and are never NaN.
import * as fc from "fast-check";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Answers } from "../../../src/validation/metrics/answers.ts";
import { averagesOf, measure, metricsOf } from "../../../src/validation/metrics/measure.ts";

interface Table {
  name: string;
  task: "binary" | "multiclass" | "regression";
  classes?: number;
  positive?: number;
  outputs?: number;
  quantile?: number;
  truth: number[];
  predicted: number[];
  probabilities?: number[][];
  weights: number[] | null;
  values: Record<string, number | null>;
}

const tables = readFileSync(new URL("reference/metrics.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Table);

function answersOf(table: Table): Answers {
  const weights = table.weights && Float64Array.from(table.weights);
  if (table.task === "regression") {
    const { task, truth, predicted, outputs = 1, quantile } = table;
    return {
      task,
      outputs,
      quantile,
      truth: Float64Array.from(truth),
      predicted: Float64Array.from(predicted),
      weights,
    };
  }
  return {
    task: table.task,
    classes: table.classes ?? 0,
    positive: table.positive ?? 0,
    truth: Int32Array.from(table.truth),
    predicted: Int32Array.from(table.predicted),
    probabilities: Float64Array.from(table.probabilities?.flat() ?? []),
    weights,
  };
}

test("the reference covers random and degenerate tables", () => {
  expect(tables.length).toBeGreaterThanOrEqual(1000);
});

test("each table gives scikit-learn's values", () => {
  for (const table of tables) {
    const metrics = measure(answersOf(table));
    const named = new Map(metrics.map((metric) => [`${metric.name} ${metric.average ?? ""}`.trim(), metric]));
    expect([...named.keys()].toSorted()).toEqual(Object.keys(table.values).toSorted());
    for (const [name, expected] of Object.entries(table.values)) {
      const metric = named.get(name);
      const value = metric?.value ?? null;
      const close =
        value === null || expected === null
          ? value === expected
          : Math.abs(value - expected) <= 1e-12 * Math.max(1, Math.abs(expected));
      expect(close, `${table.name}: ${name} is ${value}, scikit-learn says ${expected}`).toBe(true);
    }
  }
});

const number = fc.oneof(fc.double(), fc.constantFrom(0, -0, 1, Number.NaN, Number.POSITIVE_INFINITY));
const classAnswers = fc
  .record({ classes: fc.integer({ min: 2, max: 4 }), rows: fc.nat({ max: 12 }) })
  .chain(({ classes, rows }) => {
    const labels = fc.array(fc.nat({ max: classes - 1 }), { minLength: rows, maxLength: rows });
    const values = (count: number) => fc.array(number, { minLength: count, maxLength: count });
    const weights = fc.array(fc.double({ min: 0, max: 10, noNaN: true }), {
      minLength: rows,
      maxLength: rows,
    });
    return fc.record({
      task: fc.constantFrom(
        ...(classes === 2 ? (["binary", "multiclass"] as const) : (["multiclass"] as const)),
      ),
      classes: fc.constant(classes),
      positive: fc.nat({ max: classes - 1 }),
      truth: labels.map((all) => Int32Array.from(all)),
      predicted: labels.map((all) => Int32Array.from(all)),
      probabilities: fc.option(values(rows * classes).map((all) => Float64Array.from(all))),
      weights: fc.option(weights.map((all) => Float64Array.from(all))),
    });
  });
const numberAnswers = fc
  .array(fc.tuple(number, number, fc.double({ min: 0, max: 10, noNaN: true })))
  .map((rows) => ({
    task: "regression" as const,
    outputs: 1,
    truth: Float64Array.from(rows, ([truth]) => (Number.isFinite(truth) ? truth : 0)),
    predicted: Float64Array.from(rows, ([, predicted]) => predicted),
    weights: Float64Array.from(rows, ([, , weight]) => weight),
  }));

test("a metric is a finite number, or null with a reason", () => {
  fc.assert(
    fc.property(fc.oneof(classAnswers, numberAnswers), (answers) => {
      const metrics = measure(answers);
      const expected = metricsOf(answers.task).flatMap((name) => averagesOf(answers.task, name));
      expect(metrics).toHaveLength(expected.length);
      for (const { value, reason } of metrics) {
        expect(value === null ? reason : Number.isFinite(value)).toBeTruthy();
      }
    }),
  );
});

test("scoring the rows in another order changes nothing but the last digits", () => {
  const table = tables.find(({ name }) => name === "multiclass 7")!;
  const turned = {
    ...table,
    truth: table.truth.toReversed(),
    predicted: table.predicted.toReversed(),
    probabilities: table.probabilities!.toReversed(),
    weights: table.weights && table.weights.toReversed(),
  };
  const again = measure(answersOf(turned));
  for (const [place, { value }] of measure(answersOf(table)).entries()) {
    expect(again[place]?.value).toBeCloseTo(value!, 12);
  }
});

test("a model without probabilities has no metrics of them, and says why", () => {
  const answers = { ...answersOf(tables[0]!), probabilities: null } as Answers;
  const rocAuc = measure(answers).find(({ name }) => name === "rocAuc");
  expect(rocAuc).toMatchObject({ value: null, reason: "the model gives no probabilities" });
});
