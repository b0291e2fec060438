// Answers gathered from batches: every value as the model gave it, in no more memory than it needs.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Batch } from "../../../src/validation/batch.ts";
import { readAnswers, writeAnswers } from "../../../src/validation/compare/answers-file.ts";
import { scoreRows } from "../../../src/validation/score.ts";
import { Series } from "../../../src/validation/series.ts";

const batchOf = (rows: number): Batch => ({
  rows,
  numbers: [],
  numberBlock: new Float64Array(),
  texts: [],
  textBlock: new Int32Array(),
});

/** The chances that are gathered where a model gives these, two a row, batch by batch. */
async function gather(batches: readonly number[][]) {
  const given = batches.map((chances) => Float64Array.from(chances));
  const { probabilities } = await scoreRows({
    inputs: [],
    dataset: {
      rows: batches.flat().length / 2,
      async *batches() {
        for (const { length } of batches) yield await Promise.resolve(batchOf(length / 2));
      },
    },
    scorer: {
      predict: ({ rows }) =>
        Promise.resolve({
          predictions: Series.numbers(new Float64Array(rows)),
          outputs: 1,
          probabilities: given.shift() ?? null,
          width: 2,
        }),
    },
  });
  return probabilities;
}

const chancesOf = (value: fc.Arbitrary<number>) =>
  fc.array(fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 5 });

test("chances in single precision take half the memory", async () => {
  await fc.assert(
    fc.asyncProperty(chancesOf(fc.float()), async (batches) => {
      const flat = batches.map((rows) => rows.flat());
      const kept = await gather(flat);
      expect(kept).toBeInstanceOf(Float32Array);
      expect([...(kept ?? [])]).toEqual(flat.flat());
    }),
  );
});

test("others are kept as they are, wherever the first of them comes", async () => {
  const either = fc.oneof(fc.float(), fc.double({ min: 0, max: 1, noNaN: true }));
  await fc.assert(
    fc.asyncProperty(chancesOf(either), async (batches) => {
      const flat = batches.map((rows) => rows.flat());
      const kept = await gather([...flat, [0.1, 0.9]]);
      expect(kept).toBeInstanceOf(Float64Array);
      expect([...(kept ?? [])]).toEqual([...flat.flat(), 0.1, 0.9]);
    }),
  );
});

test("the file of production's answers gives back the values of either", async () => {
  for (const chances of [
    [0.25, 0.75],
    [0.1, 0.9],
  ]) {
    const probabilities = await gather([chances]);
    const answered = { task: "binary", classes: [0, 1], predicted: Int32Array.of(1), probabilities } as const;
    const read = readAnswers(Buffer.concat(writeAnswers({ ...answered, classes: [0, 1] })));
    expect(read?.task === "binary" && [...(read.probabilities ?? [])]).toEqual(chances);
  }
});
