// Intervals and tests against what scipy and statsmodels say: rows of reference/make.py.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { z } from "zod";
import type { ClassAnswers } from "../../../../src/validation/metrics/answers.ts";
import { compareAnswers } from "../../../../src/validation/statistics/compare.ts";
import { influence, standardError } from "../../../../src/validation/statistics/influence.ts";
import { mcnemar } from "../../../../src/validation/statistics/mcnemar.ts";
import { benjaminiHochberg, holm } from "../../../../src/validation/statistics/multiplicity.ts";
import { criticalValue, upperTail } from "../../../../src/validation/statistics/normal.ts";
import { wilson } from "../../../../src/validation/statistics/proportion.ts";
import { swapCells } from "../../../../src/validation/statistics/paired-cells.ts";
import { stretched } from "../../../../src/validation/statistics/within-classes.ts";

const number = z.number();
const scores = z.array(number);
const rowSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("wilson"), hits: number, rows: number, level: number, lo: number, hi: number }),
  z.object({ kind: z.literal("mcnemar"), gained: number, lost: number, p: number }),
  z.object({ kind: z.literal("adjusted"), ps: scores, holm: scores, benjaminiHochberg: scores }),
  z.object({ kind: z.literal("tail"), x: number, p: number }),
  z.object({
    kind: z.literal("delong"),
    positives: number,
    scores: z.tuple([scores, scores]),
    areas: z.tuple([number, number]),
    error: number,
    errorOfDelta: number,
  }),
]);
const rows = readFileSync(new URL("reference/statistics.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map((line) => rowSchema.parse(JSON.parse(line)));

/** A ranking by any scores, as answers. */
function ranked(positives: number, by: readonly number[]): ClassAnswers {
  const truth = Int32Array.from(by, (_score, row) => (row < positives ? 1 : 0));
  const probabilities = Float64Array.from(by.flatMap((score) => [-score, score]));
  return {
    task: "binary",
    classes: 2,
    positive: 1,
    truth,
    predicted: truth,
    probabilities,
    weights: null,
  };
}

test("every kind of reference row is there", () => {
  const kinds = new Set(rows.map(({ kind }) => kind));
  expect([...kinds].toSorted()).toEqual(["adjusted", "delong", "mcnemar", "tail", "wilson"]);
});

test.each(rows)("$kind agrees with the reference", async (row) => {
  switch (row.kind) {
    case "wilson": {
      const bounds = wilson({ value: row.hits / row.rows, rows: row.rows }, criticalValue(row.level));
      expect(bounds.lo).toBeCloseTo(row.lo, 12);
      expect(bounds.hi).toBeCloseTo(row.hi, 12);
      break;
    }
    case "mcnemar":
      expect(mcnemar({ ...row, rows: 1000 })).toBeCloseTo(row.p, 10);
      break;
    case "adjusted":
      holm(row.ps).forEach((p, at) => expect(p).toBeCloseTo(row.holm[at] ?? Number.NaN, 12));
      benjaminiHochberg(row.ps).forEach((p, at) =>
        expect(p).toBeCloseTo(row.benjaminiHochberg[at] ?? Number.NaN, 12),
      );
      break;
    case "tail":
      expect(upperTail(row.x) / row.p).toBeCloseTo(1, 9);
      break;
    case "delong": {
      const key = { name: "rocAuc", average: null } as const;
      const [own, other] = row.scores.map((by) => ranked(row.positives, by));
      if (!own || !other) throw new Error("two models");
      const found = influence(own, key);
      expect(found?.value).toBeCloseTo(row.areas[0], 12);
      expect(standardError(stretched(found?.rows ?? new Float64Array(), own))).toBeCloseTo(row.error, 12);
      const difference = await compareAnswers(own, other, key, { level: 0.95, seed: 1, replicates: 10 });
      expect(difference?.delta).toBeCloseTo(row.areas[0] - row.areas[1], 12);
      expect(difference?.se).toBeCloseTo(row.errorOfDelta, 12);
      break;
    }
  }
});

test("nothing to adjust is nothing", () => {
  expect(holm([])).toEqual([]);
  expect(benjaminiHochberg([])).toEqual([]);
});

test("answers swapped by chance differ as McNemar's test says", () => {
  // Of 40 rows the candidate alone is right in 9, production alone in 2; the exact probability is 67/1024.
  const truth = new Int32Array(40);
  const candidate = ranked(0, Array.from(truth));
  const wrongIn = (from: number, to: number) => ({
    ...candidate,
    predicted: truth.map((_is, row) => (row >= from && row < to ? 1 : 0)),
  });
  const drawn = swapCells("accuracy", "binary", wrongIn(0, 2), wrongIn(2, 11), {
    seed: 4,
    replicates: 20_000,
  });
  const share = drawn.filter((one) => Math.abs(one) > 6.5 / 40).length / drawn.length;
  expect(share).toBeCloseTo(67 / 1024, 2);
});
