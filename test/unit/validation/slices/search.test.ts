// The search for slices where a model is worse: finds what is there, and nothing where nothing is.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type CodedColumn, searchSlices } from "../../../../src/validation/slices/search.ts";

/** Numbers that look random and are always the same. */
function* noise(seed: number): Generator<number, never> {
  let state = seed >>> 0;
  for (;;) {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    yield ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  }
}

function world(seed: number, count: number, columns: number, rate: (codes: number[]) => number) {
  const source = noise(seed);
  const next = () => source.next().value;
  const coded: CodedColumn[] = Array.from({ length: columns }, () => ({
    codes: new Uint8Array(count),
    parts: 4,
  }));
  const losses = new Float64Array(count);
  for (let row = 0; row < count; row++) {
    const codes = coded.map(({ codes: own }) => (own[row] = Math.floor(next() * 4)));
    losses[row] = next() < rate(codes) ? 1 : 0;
  }
  return { losses, coded };
}

test("a bad part of one column is found, and is the only one", () => {
  const { losses, coded } = world(1, 5000, 6, ([, second]) => (second === 2 ? 0.3 : 0.1));
  const [first, ...others] = searchSlices(losses, coded);
  expect(first?.terms).toEqual([{ column: 1, part: 2 }]);
  expect(first?.pAdjusted).toBeLessThan(1e-6);
  expect(others).toEqual([]);
});

test("what only two columns together show is found as both", () => {
  const { losses, coded } = world(2, 8000, 5, ([a, , c]) => (a === 1 && c === 3 ? 0.5 : 0.1));
  const [first] = searchSlices(losses, coded);
  expect(first?.terms).toEqual([
    { column: 0, part: 1 },
    { column: 2, part: 3 },
  ]);
});

test("copies of a column are one finding", () => {
  const { losses, coded } = world(3, 5000, 2, ([a]) => (a === 0 ? 0.4 : 0.1));
  const [first] = coded;
  const found = searchSlices(losses, [...coded, { ...first!, codes: first!.codes.slice() }]);
  expect(found.map(({ terms }) => terms)).toEqual([[{ column: 0, part: 0 }]]);
});

test("where errors are alike everywhere, something is found in few of many tables", () => {
  let tables = 0;
  for (let seed = 0; seed < 100; seed++) {
    const { losses, coded } = world(1000 + seed, 1000, 6, () => 0.15);
    if (searchSlices(losses, coded).length > 0) tables++;
  }
  // Five of a hundred are expected at most; fourteen have a probability below one in a thousand.
  expect(tables).toBeLessThan(14);
});

describe("any table", () => {
  const table = fc.record({
    count: fc.integer({ min: 0, max: 400 }),
    columns: fc.integer({ min: 0, max: 4 }),
    seed: fc.nat(),
    bad: fc.double({ min: 0, max: 1, noNaN: true }),
  });

  test("gives at most ten parts, of enough rows, worse than the rest, none within another, always the same", () => {
    fc.assert(
      fc.property(table, ({ count, columns, seed, bad }) => {
        const { losses, coded } = world(seed, count, columns, ([a]) => (a === 0 ? bad : 0.1));
        const found = searchSlices(losses, coded);
        expect(found.length).toBeLessThanOrEqual(10);
        expect(searchSlices(losses, coded)).toEqual(found);
        for (const { terms, rows, pAdjusted } of found) {
          const inside = (row: number) =>
            terms.every(({ column, part }) => coded[column]?.codes[row] === part);
          const members = [...losses].filter((_loss, row) => inside(row));
          const others = [...losses].filter((_loss, row) => !inside(row));
          const mean = (some: number[]) => some.reduce((sum, loss) => sum + loss, 0) / some.length;
          expect(rows).toBe(members.length);
          expect(rows).toBeGreaterThanOrEqual(30);
          expect(mean(members)).toBeGreaterThan(mean(others));
          expect(pAdjusted).toBeLessThanOrEqual(0.05);
        }
      }),
    );
  });
});
