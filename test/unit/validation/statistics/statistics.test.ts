// Intervals, comparisons and adjustments against published numbers, and against their own laws.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Answers, ClassAnswers } from "../../../../src/validation/metrics/answers.ts";
import { averagesOf, measure, metricsOf } from "../../../../src/validation/metrics/measure.ts";
import { compareAnswers } from "../../../../src/validation/statistics/compare.ts";
import { differenceOfGroups } from "../../../../src/validation/statistics/groups.ts";
import { influence } from "../../../../src/validation/statistics/influence.ts";
import { intervalOf, probabilityBeyond } from "../../../../src/validation/statistics/interval.ts";
import { mcnemar, tango } from "../../../../src/validation/statistics/mcnemar.ts";
import { criticalValue, upperQuantile, upperTail } from "../../../../src/validation/statistics/normal.ts";
import { wilson } from "../../../../src/validation/statistics/proportion.ts";
import { drawPaired } from "../../../../src/validation/statistics/bootstrap.ts";
import { Stream } from "../../../../src/validation/statistics/random.ts";
import { rowsToDecide } from "../../../../src/validation/statistics/rows-to-decide.ts";
import { subsetOf } from "../../../../src/validation/statistics/subset.ts";

/** Made-up answers of a model, the same for the same seed. */
function made(seed: number, rows: number, classes = 2, weighted = false): ClassAnswers {
  const random = new Stream(seed, 0);
  const truth = Int32Array.from({ length: rows }, () => Math.floor(random.uniform() * classes));
  const probabilities = new Float64Array(rows * classes);
  const predicted = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    const raw = Array.from({ length: classes }, (_none, place) =>
      Math.exp((truth[row] === place ? 1 : 0) + random.normal()),
    );
    const sum = raw.reduce((total, one) => total + one, 0);
    raw.forEach((one, place) => (probabilities[row * classes + place] = one / sum));
    predicted[row] = raw.indexOf(Math.max(...raw));
  }
  const weights = weighted ? Float64Array.from(truth, () => random.uniform() * 3 + 0.1) : null;
  const task = classes === 2 ? "binary" : "multiclass";
  return { task, classes, positive: classes === 2 ? 1 : 0, truth, predicted, probabilities, weights };
}

function numbers(seed: number, rows: number, outputs = 1): Answers {
  const random = new Stream(seed, 1);
  const truth = Float64Array.from({ length: rows * outputs }, () => 10 + random.normal());
  const predicted = truth.map((is) => is + random.normal() / 2);
  return { task: "regression", outputs, truth, predicted, weights: null };
}

const keysOf = (answers: Answers) =>
  metricsOf(answers.task).flatMap((name) =>
    averagesOf(answers.task, name).map((average) => ({ name, average })),
  );

test("the normal law has the tails and quantiles of the tables", () => {
  expect(criticalValue(0.95)).toBeCloseTo(1.959963984540054, 13);
  expect(criticalValue(0.99)).toBeCloseTo(2.5758293035489004, 13);
  expect(upperTail(6) / 9.865876450376946e-10).toBeCloseTo(1, 10);
  fc.assert(
    fc.property(fc.double({ min: 1e-12, max: 1 - 1e-12, noNaN: true }), (tail) => {
      expect(upperTail(upperQuantile(tail))).toBeCloseTo(tail, 12);
    }),
  );
});

test("Wilson's interval is that of Newcombe's tables (1998)", () => {
  const z = criticalValue(0.95);
  // 81 of 263, 15 of 148, 0 of 20.
  for (const [hits, rows, lo, hi] of [
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
  ] as const) {
    const bounds = wilson({ value: hits / rows, rows }, z);
    expect(bounds.lo).toBeCloseTo(lo, 4);
    expect(bounds.hi).toBeCloseTo(hi, 4);
  }
});

test("McNemar's mid-p is that of Fagerland and others (2013), and agrees with the interval about 0", () => {
  // Airway hyper-responsiveness before and after transplantation: 1 against 7 discordant of 21.
  expect(mcnemar({ gained: 1, lost: 7, rows: 21 })).toBeCloseTo(0.0391, 4);
  expect(mcnemar({ gained: 0, lost: 0, rows: 5 })).toBe(1);
  const z = criticalValue(0.95);
  for (let gained = 0; gained < 15; gained++) {
    for (let lost = 0; lost < 15; lost++) {
      const counts = { gained, lost, rows: 60 };
      const { lo, hi } = tango(counts, z)!;
      expect(lo).toBeLessThanOrEqual((gained - lost) / 60);
      expect(hi).toBeGreaterThanOrEqual((gained - lost) / 60);
      if (lo > 0 || hi < 0) expect(mcnemar(counts)).toBeLessThan(0.05 + 1e-9);
    }
  }
});

test("Tango's interval is that of his example (1998)", () => {
  // Two ways to clean contact lenses: 44 pairs, one discordant of the one kind and none of the other.
  const { lo, hi } = tango({ gained: 1, lost: 0, rows: 44 }, criticalValue(0.95))!;
  expect(lo).toBeCloseTo(-0.060_1, 2);
  expect(hi).toBeCloseTo(0.118_4, 2);
});

test("an influence is the metric's derivative by the weight of a row", () => {
  for (const answers of [made(1, 40), made(2, 60, 3), made(3, 50, 4, true)]) {
    for (const key of keysOf(answers)) {
      const found = influence(answers, key)!;
      const metric = (weights: Float64Array) =>
        measure({ ...answers, weights }).find(
          ({ name, average }) => name === key.name && average === key.average,
        )!.value!;
      expect(found.rows.reduce((sum, one) => sum + one, 0)).toBeCloseTo(0, 10);
      const own = answers.weights ?? new Float64Array(answers.truth.length).fill(1);
      expect(found.value).toBeCloseTo(metric(own), 12);
      for (const row of [0, 7, 23]) {
        const step = 1e-5 * own[row]!;
        const [more, less] = [step, -step].map((by) =>
          metric(own.map((weight, at) => (at === row ? weight + by : weight))),
        );
        const slope = ((more! - less!) / (2 * step)) * own[row]!;
        expect(found.rows[row], `${key.name} ${key.average}`).toBeCloseTo(slope, 7);
      }
    }
  }
});

test("every metric has an interval around its value; more rows make it narrower", () => {
  for (const make of [
    (rows: number) => made(5, rows),
    (rows: number) => made(5, rows, 3, true),
    (rows: number) => numbers(5, rows),
    (rows: number) => numbers(5, rows, 2),
  ]) {
    const sizes = [make(100), make(1600)].map((answers) => ({ answers, metrics: measure(answers) }));
    for (const key of keysOf(make(10))) {
      const [few, many] = sizes.map(({ answers, metrics }) => {
        const { value } = metrics.find(({ name, average }) => name === key.name && average === key.average)!;
        const ci = intervalOf(answers, key, 0.95)!;
        expect(ci.lo, `${key.name} ${key.average}`).toBeLessThanOrEqual(value!);
        // The calibration error is biased upwards, its interval is not.
        if (key.name !== "ece") expect(ci.hi).toBeGreaterThanOrEqual(value!);
        return ci.hi - ci.lo;
      });
      expect(few! / many!, `${key.name} ${key.average}`).toBeGreaterThan(2);
    }
  }
});

test("a wider level holds the interval of a narrower one", () => {
  const rare = made(8, 300);
  rare.truth.forEach((is, row) => (rare.truth[row] = row % 25 === 0 ? is : 0));
  for (const answers of [made(6, 200), made(6, 300, 3, true), rare, numbers(6, 150), numbers(6, 150, 2)]) {
    for (const key of keysOf(answers)) {
      const nested = [0.5, 0.8, 0.95, 0.99].map((level) => intervalOf(answers, key, level)!);
      for (const [place, inner] of nested.slice(0, -1).entries()) {
        const outer = nested[place + 1]!;
        expect(outer.lo, key.name).toBeLessThanOrEqual(inner.lo + 1e-12);
        expect(outer.hi, key.name).toBeGreaterThanOrEqual(inner.hi - 1e-12);
      }
    }
  }
});

test("both ends of an area of few rows are as far away, each by the variance of Hanley and McNeil (1982)", () => {
  // With as many rows of either kind, Newcombe's variance is theirs.
  const answers = made(2, 24);
  answers.truth.forEach((_is, row) => (answers.truth[row] = row % 2));
  const { value } = influence(answers, { name: "rocAuc", average: null })!;
  const { lo, hi, method } = intervalOf(answers, { name: "rocAuc", average: null }, 0.95)!;
  const variance = (area: number) => {
    const [first, second] = [area / (2 - area), (2 * area ** 2) / (1 + area)];
    return (area * (1 - area) + 11 * (first - area ** 2) + 11 * (second - area ** 2)) / 144;
  };
  expect(method).toBe("newcombe");
  const [below, above] = [lo, hi].map((end) => Math.abs(value - end) / Math.sqrt(variance(end)));
  expect(below).toBeCloseTo(above!, 10);
  expect(below).toBeGreaterThanOrEqual(1.96 * Math.SQRT1_2);
});

test("the lower end of relative errors is Hall's, the upper one knows of a row more", () => {
  const answers = numbers(4, 80);
  answers.truth[7] = 4;
  const key = { name: "mape", average: null } as const;
  const { value, rows } = influence(answers, key)!;
  const { lo, hi } = intervalOf(answers, key, 0.95)!;
  const error = Math.hypot(...rows) * Math.sqrt(80 / 79);
  const skewness = rows.reduce((sum, one) => sum + one ** 3, 0) / error ** 3;
  const off = (value - lo) / error;
  // His transformation takes it to the normal law.
  const normal = off + (skewness * off ** 2) / 3 + (skewness ** 2 * off ** 3) / 27 + skewness / 6;
  expect(normal).toBeCloseTo(criticalValue(0.95), 10);
  const errors = Array.from(answers.truth, (is: number, row) => Math.abs(is - answers.predicted[row]!) / is);
  const more = [...errors, Math.max(...errors)];
  const mean = more.reduce((sum, one) => sum + one, 0) / 81;
  // The scatter of the rows seen is the unbiased one, of 80 rows less one.
  const squares = errors.reduce((sum, one) => sum + (one - value) ** 2, 0) * (80 / 79);
  const scatter = Math.sqrt(squares + (Math.max(...errors) - value) ** 2 * (80 / 81) ** 2) / 81;
  expect(Math.log(hi / mean)).toBeCloseTo((criticalValue(0.95) * scatter) / mean, 10);
});

test("degenerate answers have intervals of finite numbers, or none", () => {
  const flawless = (rows: number): ClassAnswers => {
    const truth = Int32Array.from({ length: rows }, (_none, row) => row % 2);
    const probabilities = Float64Array.from({ length: 2 * rows }, (_none, at) =>
      truth[at >> 1] === at % 2 ? 1 : 0,
    );
    return { task: "binary", classes: 2, positive: 1, truth, predicted: truth, probabilities, weights: null };
  };
  const one = { ...flawless(100), truth: new Int32Array(100) };
  const nothing = { ...flawless(100), weights: new Float64Array(100) };
  for (const answers of [
    flawless(0),
    flawless(1),
    flawless(100),
    one,
    nothing,
    numbers(1, 0),
    numbers(1, 1),
  ]) {
    for (const key of keysOf(answers)) {
      const ci = intervalOf(answers, key, 0.95);
      if (ci) expect(Number.isFinite(ci.lo) && Number.isFinite(ci.hi) && ci.lo <= ci.hi).toBe(true);
    }
  }
  const auc = intervalOf(flawless(100), { name: "rocAuc", average: null }, 0.95)!;
  expect(auc).toMatchObject({ hi: 1, method: "separation" });
  expect(auc.lo).toBeCloseTo(0.025 ** (1 / 50), 10);
});

test("the probability beyond a bound is the level at which the interval reaches it", () => {
  const answers = made(9, 300);
  for (const name of ["accuracy", "rocAuc", "logLoss"] as const) {
    const { lo, hi } = intervalOf(answers, { name, average: null }, 0.9)!;
    expect(probabilityBeyond(answers, { name, average: null }, lo, "max")).toBeCloseTo(0.05, 6);
    expect(probabilityBeyond(answers, { name, average: null }, hi, "min")).toBeCloseTo(0.05, 6);
  }
});

test("a model compared with itself never differs", async () => {
  for (const answers of [made(3, 80), made(4, 80, 3, true), numbers(2, 60, 2)]) {
    for (const key of keysOf(answers)) {
      const found = await compareAnswers(answers, answers, key, { level: 0.95, seed: 1, replicates: 100 });
      expect(found!.delta).toBe(0);
      expect(found!.ci!.lo <= 0 && found!.ci!.hi >= 0, key.name).toBe(true);
    }
  }
});

test("a worse model is found, by every test, with the same digits each time", async () => {
  const good = made(7, 2000);
  const shuffled = Float64Array.from(good.probabilities!);
  for (let row = 0; row < 2000; row += 3) {
    [shuffled[2 * row], shuffled[2 * row + 1]] = [shuffled[2 * row + 1]!, shuffled[2 * row]!];
  }
  const predicted = good.truth.map((_is, row) => (shuffled[2 * row + 1]! > shuffled[2 * row]! ? 1 : 0));
  const bad = { ...good, probabilities: shuffled, predicted };
  const tests = new Set<string>();
  for (const name of ["accuracy", "f1", "mcc", "rocAuc", "averagePrecision", "logLoss", "brier"] as const) {
    const key = { name, average: averagesOf("binary", name)[0] ?? null };
    const options = { level: 0.95, seed: 3, replicates: 200 };
    const found = await compareAnswers(bad, good, key, options);
    expect(await compareAnswers(bad, good, key, options)).toEqual(found);
    const isLoss = name === "logLoss" || name === "brier";
    expect(isLoss ? found!.ci!.lo > 0 : found!.ci!.hi < 0, name).toBe(true);
    expect(found!.p).toBeLessThan(0.001);
    tests.add(found!.test);
  }
  expect([...tests].toSorted()).toEqual(["bootstrap", "cells", "delong", "mcnemar"]);
});

test("draws are the same however they are split, and scatter as the formula says", () => {
  const [now, before] = [made(11, 500), { ...made(12, 500), truth: made(11, 500).truth }];
  for (const name of ["rocAuc", "averagePrecision", "logLoss"] as const) {
    const key = { name, average: null };
    const all = drawPaired(now, before, key, { seed: 5, from: 0, to: 600 })!;
    const parts = [
      [0, 250],
      [250, 600],
    ].flatMap(([from = 0, to = 0]) => [...drawPaired(now, before, key, { seed: 5, from, to })!]);
    expect(parts).toEqual([...all]);
    const mean = all.reduce((sum, one) => sum + one, 0) / all.length;
    const spread = Math.sqrt(all.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (all.length - 1));
    const other = influence(before, key)!.rows;
    const formula = Math.hypot(...influence(now, key)!.rows.map((one, row) => one - other[row]!));
    expect(Math.abs(spread / formula - 1), name).toBeLessThan(0.15);
  }
});

test("groups of different rows are apart by the difference of their metrics", () => {
  const [a, b] = [made(1, 400), made(2, 300)];
  const found = differenceOfGroups(a, b, { name: "recall", average: "binary" })!;
  const recall = (answers: Answers) =>
    measure(answers).find(({ name, average }) => name === "recall" && average === "binary")!.value!;
  expect(found.delta).toBeCloseTo(recall(a) - recall(b), 12);
  expect(found.se).toBeGreaterThan(0);
});

test("rows to decide shrink the interval to the bound", () => {
  const ci = { lo: 0.85, hi: 0.95 };
  expect(rowsToDecide({ value: 0.9, ci, n: 100, required: 0.88, side: "min" })).toBe(625);
  expect(rowsToDecide({ value: 0.9, ci, n: 100, required: 0.92, side: "min" })).toBe(625);
  expect(rowsToDecide({ value: 0.9, ci, n: 100, required: 0.9, side: "min" })).toBeNull();
  expect(rowsToDecide({ value: 0.9, ci, n: 100, required: 0.5, side: "min" })).toBe(100);
});

test("a subset keeps each row's answers together", () => {
  const answers = made(4, 20, 3, true);
  const some = subsetOf(answers, Int32Array.from([19, 0, 5])) as ClassAnswers;
  expect([...some.truth]).toEqual([19, 0, 5].map((row) => answers.truth[row]));
  expect(Array.from(some.probabilities!.subarray(3, 6))).toEqual(
    Array.from(answers.probabilities!.subarray(0, 3)),
  );
  expect(some.weights![2]).toBe(answers.weights![5]);
});
