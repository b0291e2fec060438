// Bins against an oracle that sorts, on numbers of every kind of spread.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { binsOf } from "../../../../src/validation/profile/bins.ts";

/** Sorts everything, and counts by looking at each value. */
function oracle(values: readonly number[]) {
  const sorted = Float64Array.from(values).sort();
  const picked = Array.from(
    { length: 129 },
    (_none, bin) => sorted[Math.floor((bin * (values.length - 1)) / 128)]!,
  );
  const edges = [...new Set(picked.map((value) => value + 0))];
  if (edges.length === 1) return { edges: [edges[0]!, edges[0]!], counts: [values.length] };
  const counts = edges.slice(1).map((upper, bin) => {
    const last = bin === edges.length - 2;
    return values.filter((value) => value >= edges[bin]! && (last ? value <= upper : value < upper)).length;
  });
  return { edges, counts };
}

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.integer({ min: -5, max: 5 }),
  fc.constantFrom(-0, 0, Number.MIN_VALUE, Number.MAX_VALUE, -Number.MAX_VALUE),
);

test("bins are those of a sorted copy, and nothing is changed", () => {
  fc.assert(
    fc.property(fc.array(number, { minLength: 1, maxLength: 700 }), (values) => {
      const given = Float64Array.from(values);
      expect(binsOf(given)).toEqual(oracle(values));
      expect([...given]).toEqual(values);
    }),
    { numRuns: 500 },
  );
});

test("every value is in one bin, in whatever order they come", () => {
  fc.assert(
    fc.property(fc.array(number, { minLength: 1, maxLength: 300 }), (values) => {
      const { edges, counts } = binsOf(Float64Array.from(values));
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(values.length);
      expect(edges.length).toBe(counts.length + 1);
      expect(binsOf(Float64Array.from(values.toReversed()))).toEqual({ edges, counts });
    }),
  );
});

test("many values, most of them far from a few others, still give bins of equal count", () => {
  const values = Float64Array.from({ length: 12_800 }, (_none, row) =>
    Math.exp(((row * 7919) % 12_800) / 700),
  );
  const { edges, counts } = binsOf(values);
  expect([edges.length, Math.min(...counts), Math.max(...counts)]).toEqual([129, 99, 101]);
  expect(binsOf(values)).toEqual(oracle([...values]));
});

test("no values give no bins", () => {
  expect(binsOf(new Float64Array())).toEqual({ edges: [], counts: [] });
});
