// Profiles of columns in DuckDB and of answers: what is counted, what is binned, what is missing.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openDatabase } from "../../../../src/validation/database.ts";
import { binnedProfile, numberProfile } from "../../../../src/validation/profile/column.ts";
import { profileAnswers, profileFeatures } from "../../../../src/validation/profile/profile.ts";
import { sampleOf } from "../../../../src/validation/profile/read.ts";
import { tallyNumbers, tallyOf } from "../../../../src/validation/profile/tally.ts";
import { Series } from "../../../../src/validation/series.ts";
import { columnProfileSchema } from "../../../../src/validation/report/profile.ts";

describe("features", () => {
  async function profiled(select: string, rows: number, types: ("float64" | "int64" | "string" | "bool")[]) {
    const { connection, close } = await openDatabase(null);
    try {
      await connection.run(`create table rows as ${select}`);
      const features = types.map((type, place) => ({ name: `feature ${place}`, type, sql: `c${place}` }));
      const found = await profileFeatures(connection, sampleOf("rows", rows), features);
      return found.map((profile) => columnProfileSchema.parse(JSON.parse(JSON.stringify(profile))));
    } finally {
      close();
    }
  }

  test("numbers, texts and truth values keep their order, and what is missing is counted", async () => {
    const [number, grade, text, truth] = await profiled(
      `select case when i % 10 = 0 then null else i::double end as c0, (i % 5)::bigint as c1,
       case when i % 4 = 0 then null when i % 2 = 0 then 'DE' else 'it''s "FR"' end as c2, i % 3 = 0 as c3
       from range(1000) t(i)`,
      1000,
      ["float64", "int64", "string", "bool"],
    );
    expect(number).toMatchObject({ kind: "numbers", name: "feature 0", rows: 1000, missing: 100, below: 0 });
    expect(grade).toMatchObject({ kind: "categories", distinct: 5, other: 0, missing: 0 });
    expect(text).toMatchObject({
      kind: "categories",
      rows: 1000,
      missing: 250,
      top: [
        { value: `it's "FR"`, count: 500 },
        { value: "DE", count: 250 },
      ],
    });
    expect(truth).toMatchObject({
      top: [
        { value: "false", count: 666 },
        { value: "true", count: 334 },
      ],
    });
  });

  test("of many texts the 50 most frequent ones have names, ties in the order of their bytes", async () => {
    const [text] = await profiled(
      "select 'v' || lpad((i % 70)::varchar, 2, '0') as c0 from range(1000) t(i)",
      1000,
      ["string"],
    );
    expect(text).toMatchObject({ distinct: 70, rows: 1000, missing: 0, other: 20 * 14 });
    expect(text?.kind === "categories" && text.top.slice(0, 2)).toEqual([
      { value: "v00", count: 15 },
      { value: "v01", count: 15 },
    ]);
    expect(text?.kind === "categories" && text.top.length).toBe(50);
  });

  test("a column without any value has neither bins nor names", async () => {
    const found = await profiled("select null::double as c0, null::varchar as c1 from range(20)", 20, [
      "float64",
      "string",
    ]);
    expect(found).toMatchObject([
      { kind: "numbers", missing: 20, edges: [], counts: [] },
      { kind: "categories", missing: 20, top: [], other: 0, distinct: 0 },
    ]);
  });

  test("of more than a million rows every k-th is looked at", async () => {
    const [number] = await profiled("select i::double as c0 from range(2000001) t(i)", 2_000_001, [
      "float64",
    ]);
    expect(sampleOf("rows", 2_000_001)).toEqual({ table: "rows", stride: 3, rows: 666_667 });
    expect(number).toMatchObject({ rows: 666_667, missing: 0 });
    expect(number?.kind === "numbers" && [number.edges[0], number.edges.at(-1)]).toEqual([0, 1_999_998]);
  });
});

test("infinite values are outside of all bins, and counted", () => {
  const values = Float64Array.of(-Infinity, 1, 2, Number.NaN, Infinity, Infinity);
  expect(numberProfile({ name: "x", type: "float64" }, values)).toEqual({
    kind: "numbers",
    name: "x",
    type: "float64",
    rows: 6,
    missing: 1,
    edges: [1, 2],
    counts: [2],
    below: 1,
    above: 2,
  });
});

test("numbers are categories when they are few and each is frequent", () => {
  const repeat = (distinct: number, each: number) =>
    Float64Array.from({ length: distinct * each }, (_none, row) => row % distinct);
  expect(tallyNumbers(repeat(50, 10))?.distinct).toBe(50);
  expect([tallyNumbers(repeat(51, 10)), tallyNumbers(repeat(5, 9))]).toEqual([null, null]);
});

test("a tally loses nothing and is sorted, whatever the values", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.string({ unit: "binary" }), fc.integer({ min: 1, max: 9 })), { maxLength: 120 }),
      (pairs) => {
        const counts = new Map(pairs);
        const { top, other, distinct } = tallyOf(counts);
        const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
        expect(top.reduce((sum, { count }) => sum + count, other)).toBe(all);
        expect([distinct, top.length]).toEqual([counts.size, Math.min(50, counts.size)]);
        expect(tallyOf(new Map([...counts].toReversed())).top).toEqual(top);
      },
    ),
  );
});

describe("answers", () => {
  const probabilities = Float64Array.of(0.9, 0.1, 0.2, 0.8, 0.6, 0.4);

  test("of a binary model: classes counted, the positive class's probability in bins", () => {
    const found = profileAnswers({
      classes: ["no", "yes"],
      positive: "no",
      predictions: Series.of(["no", "yes", "no"]),
      probabilities,
      outputs: 1,
    });
    expect(found).toEqual([
      {
        kind: "categories",
        name: "prediction",
        type: "string",
        rows: 3,
        missing: 0,
        other: 0,
        distinct: 2,
        top: [
          { value: "no", count: 2 },
          { value: "yes", count: 1 },
        ],
      },
      binnedProfile({ name: "probability", type: "float64" }, Float64Array.of(0.9, 0.2, 0.6)),
    ]);
  });

  test("of several classes: each one's probability", () => {
    const found = profileAnswers({
      classes: [1, 2],
      positive: null,
      predictions: Series.of([1, 2, 1]),
      probabilities,
      outputs: 1,
    });
    expect(found.map(({ name, type }) => [name, type])).toEqual([
      ["prediction", "int64"],
      ["probability of 1", "float64"],
      ["probability of 2", "float64"],
    ]);
  });

  test("of a regressor: each output's numbers", () => {
    const found = profileAnswers({
      classes: null,
      positive: null,
      predictions: Series.of([1, 10, 2, 20, 3, 30]),
      probabilities: null,
      outputs: 2,
    });
    expect(found).toEqual([
      binnedProfile({ name: "prediction 1", type: "float64" }, Float64Array.of(1, 2, 3)),
      binnedProfile({ name: "prediction 2", type: "float64" }, Float64Array.of(10, 20, 30)),
    ]);
  });
});
