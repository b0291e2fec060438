// Classes in another order: found when they are swapped, and not when a model is only bad or decides otherwise.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ClassAnswered,
  inspectClassOrder,
  inspectRanking,
} from "../../../../src/validation/checks/class-order.ts";

const codes = (answered: ClassAnswered) =>
  inspectClassOrder(answered).map(({ code, severity }) => `${code} ${severity}`);
const rows = (count: number, of: (row: number) => number) =>
  Int32Array.from({ length: count }, (_none, row) => of(row));
/** Probabilities with most on one class. */
const likely = (places: Int32Array, classes: number, chance = 0.8) =>
  Float64Array.from({ length: places.length * classes }, (_none, at) =>
    places[Math.floor(at / classes)] === at % classes ? chance : (1 - chance) / (classes - 1),
  );

describe("probabilities beside predictions", () => {
  const predicted = rows(300, (row) => row % 3);
  const swapped = predicted.map((place) => [1, 0, 2][place] ?? -1);

  test("two of three classes in each other's place are named", () => {
    const [finding] = inspectClassOrder({
      classes: ["ant", "bee", "cat"],
      truth: predicted,
      predicted,
      probabilities: likely(swapped, 3),
    });
    expect(finding).toMatchObject({ code: "probabilities.class-order", severity: "fail" });
    expect(finding?.what).toContain(
      'where the model predicts "ant", "bee"; where "bee", "ant" has the highest',
    );
  });

  test("a low threshold of its own is no other order", () => {
    const chance = (row: number) => (row % 100) / 100;
    const probabilities = Float64Array.from({ length: 600 }, (_none, at) =>
      at % 2 === 1 ? chance(Math.floor(at / 2)) : 1 - chance(Math.floor(at / 2)),
    );
    for (const threshold of [0.02, 0.1, 0.9, 0.98]) {
      const own = rows(300, (row) => (chance(row) >= threshold ? 1 : 0));
      expect(codes({ classes: [0, 1], truth: own, predicted: own, probabilities })).toEqual([]);
    }
  });
});

describe("predictions beside the truth", () => {
  test.each([
    [[1, 0], 0],
    [[1, 0], 0.2],
    [[0, 2, 1, 3], 0.1],
    [[1, 2, 0], 0.1],
  ])("classes as %j, %d of the rows wrong, are swapped", (order, wrong) => {
    const classes = order.length;
    const truth = rows(400 * classes, (row) => row % classes);
    const predicted = truth.map((place, row) =>
      row % 100 < wrong * 100 ? (place + 1) % classes : (order[place] ?? 0),
    );
    expect(codes({ classes: order.map((_to, from) => from), truth, predicted, probabilities: null })).toEqual(
      ["predictions.swapped-classes fail"],
    );
  });

  test("what is called a swap is wrong in two thirds of the rows of every class that it names", () => {
    const place = fc.integer({ min: 0, max: 2 });
    fc.assert(
      fc.property(fc.array(fc.tuple(place, place), { minLength: 1, maxLength: 200 }), (pairs) => {
        const found = codes({
          classes: [0, 1, 2],
          truth: Int32Array.from(pairs, ([truth]) => truth),
          predicted: Int32Array.from(pairs, ([, predicted]) => predicted),
          probabilities: null,
        });
        const wrong = [0, 1, 2].filter((name) => {
          const own = pairs.filter(([truth]) => truth === name);
          return own.filter(([, predicted]) => predicted !== name).length >= (own.length * 2) / 3;
        });
        expect(found.length === 0 || wrong.length >= 2).toBe(true);
      }),
    );
  });

  test("one class that is always taken for another one is a bad model, not a swap", () => {
    const truth = rows(300, (row) => row % 3);
    const predicted = truth.map((place) => (place === 2 ? 1 : place));
    expect(codes({ classes: [0, 1, 2], truth, predicted, probabilities: null })).toEqual([]);
    expect(codes({ classes: [0, 1, 2], truth, predicted: truth.map(() => 1), probabilities: null })).toEqual(
      [],
    );
  });

  test("few rows prove nothing", () => {
    const truth = rows(12, (row) => row % 2);
    expect(
      codes({ classes: [0, 1], truth, predicted: truth.map((place) => 1 - place), probabilities: null }),
    ).toEqual([]);
  });
});

describe("a ranking upside down", () => {
  test.each([
    [0.05, 200, 200, ["probabilities.inverted"]],
    [0.33, 200, 200, ["probabilities.inverted"]],
    [0.34, 200, 200, []],
    [0.3, 10, 10, []],
    [null, 200, 200, []],
  ])("an area of %s on %d and %d rows is %j", (rocAuc, positives, negatives, expected) => {
    expect(inspectRanking({ rocAuc, positives, negatives }).map(({ code }) => code)).toEqual(expected);
  });
});
