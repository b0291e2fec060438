// Answers of the version in production: kept as bytes, and brought into the candidate's classes.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readAnswers, writeAnswers } from "../../../../src/validation/compare/answers-file.ts";
import { align, type Answered } from "../../../../src/validation/compare/production.ts";
import type { ClassAnswers, NumberAnswers } from "../../../../src/validation/metrics/answers.ts";

const classified = fc
  .record({
    classes: fc.uniqueArray(fc.oneof(fc.string(), fc.integer(), fc.boolean()), {
      minLength: 1,
      maxLength: 4,
    }),
    rows: fc.nat(20),
    probable: fc.boolean(),
  })
  .map(({ classes, rows, probable }): Answered => {
    const predicted = Int32Array.from({ length: rows }, (_none, row) => (row % (classes.length + 1)) - 1);
    const probabilities = Float64Array.from({ length: rows * classes.length }, (_none, at) => at / 7);
    return { task: "multiclass", classes, predicted, probabilities: probable ? probabilities : null };
  });
const numbers = fc
  .record({ outputs: fc.integer({ min: 1, max: 3 }), rows: fc.nat(20) })
  .map(({ outputs, rows }): Answered => {
    const predicted = Float64Array.from({ length: rows * outputs }, (_none, at) => Math.sqrt(at));
    return { task: "regression", outputs, predicted };
  });

describe("the file", () => {
  test("gives back what was written, and nothing of a file that was cut or lengthened", () => {
    fc.assert(
      fc.property(fc.oneof(classified, numbers), fc.nat(200), (answered, cut) => {
        const bytes = Buffer.concat(writeAnswers(answered));
        expect(readAnswers(bytes)).toEqual(answered);
        if (cut < bytes.length) expect(readAnswers(bytes.subarray(0, cut))).toBeNull();
        expect(readAnswers(Buffer.concat([bytes, Buffer.alloc(1)]))).toBeNull();
      }),
    );
  });

  test("of anything else gives nothing", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(readAnswers(bytes)).toBeNull();
      }),
    );
  });
});

describe("the candidate's classes", () => {
  const answers: ClassAnswers = {
    task: "multiclass",
    classes: 3,
    positive: 0,
    truth: Int32Array.of(0, 1, 2),
    predicted: Int32Array.of(0, 1, 2),
    probabilities: null,
    weights: null,
  };
  const candidate = { classes: ["ant", "bee", "cat"], answers };

  test("are matched by label, whatever their order", () => {
    const production: Answered = {
      task: "multiclass",
      classes: ["cat", "dog", "ant"],
      predicted: Int32Array.of(2, 1, 0),
      probabilities: Float64Array.of(0.1, 0.2, 0.7, 0.3, 0.4, 0.3, 0.8, 0.1, 0.1),
    };
    const { answers: aligned } = align(candidate, production);
    expect(aligned).toMatchObject({
      truth: answers.truth,
      predicted: Int32Array.of(0, -1, 2),
      probabilities: Float64Array.of(0.7, 0, 0.1, 0.3, 0, 0.3, 0.1, 0, 0.8),
    });
  });

  test("of another task, other rows or other names cannot be compared", () => {
    const other = { task: "multiclass" as const, probabilities: null };
    const number: NumberAnswers = {
      task: "regression",
      outputs: 1,
      truth: Float64Array.of(1),
      predicted: Float64Array.of(1),
      weights: null,
    };
    const one: Answered = { task: "regression", outputs: 1, predicted: Float64Array.of(2) };
    const reasons = [
      align(candidate, one),
      align({ classes: null, answers: number }, { ...other, classes: ["a"], predicted: Int32Array.of(0) }),
      align(candidate, { ...other, classes: ["ant"], predicted: Int32Array.of(0) }),
      align(candidate, { ...other, classes: ["x", "y"], predicted: Int32Array.of(0, 1, 0) }),
      align({ classes: null, answers: number }, { ...one, outputs: 2 }),
    ].map(({ reason }) => reason);
    expect(reasons).toEqual([
      "it does regression, the candidate multiclass",
      "it does multiclass, the candidate regression",
      "it answered other rows",
      'its classes are "x", "y", none of which the candidate knows',
      "it has 2 outputs, the candidate 1",
    ]);
    expect(align({ classes: null, answers: number }, one).answers).toMatchObject({
      predicted: one.predicted,
    });
  });
});
