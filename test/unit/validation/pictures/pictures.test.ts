// The pictures of a report agree with the metrics that they show, and stay small however many rows there are.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { ClassAnswers, NumberAnswers } from "../../../../src/validation/metrics/answers.ts";
import { ece } from "../../../../src/validation/metrics/probability.ts";
import { averagePrecision, rocAuc } from "../../../../src/validation/metrics/ranking.ts";
import { picture } from "../../../../src/validation/pictures/pictures.ts";
import type { Curve } from "../../../../src/validation/report/pictures.ts";

interface Row {
  truth: number;
  score: number;
  weight: number;
}

function binary(rows: Row[]): ClassAnswers {
  return {
    task: "binary",
    classes: 2,
    positive: 1,
    truth: Int32Array.from(rows, ({ truth }) => truth),
    predicted: Int32Array.from(rows, ({ score }) => (score >= 0.5 ? 1 : 0)),
    probabilities: Float64Array.from(rows.flatMap(({ score }) => [1 - score, score])),
    weights: Float64Array.from(rows, ({ weight }) => weight),
  };
}

const pictured = (answers: ClassAnswers) => picture({ answers, classes: ["no", "yes"], outputs: ["y"] });

const trapezoids = ({ x, y }: Curve) =>
  x.slice(1).reduce((sum, at, place) => sum + ((at - x[place]!) * (y[place]! + y[place + 1]!)) / 2, 0);
const steps = ({ x, y }: Curve) =>
  x.slice(1).reduce((sum, at, place) => sum + (at - x[place]!) * y[place + 1]!, 0);

const row = fc.record({
  truth: fc.integer({ min: 0, max: 1 }),
  score: fc.integer({ min: 0, max: 20 }).map((step) => step / 20),
  weight: fc.integer({ min: 0, max: 3 }),
});

test("the areas below the curves of few scores are the metrics", () => {
  fc.assert(
    fc.property(fc.array(row, { minLength: 2, maxLength: 80 }), (rows) => {
      const answers = binary(rows);
      const [curves] = pictured(answers).pictures.curves;
      const area = rocAuc(answers, null).value;
      expect(curves === undefined).toBe(area === null);
      if (curves === undefined || area === null) return;
      expect(curves.class).toBe("yes");
      expect(trapezoids(curves.roc)).toBeCloseTo(area, 4);
      expect(steps(curves.precisionRecall)).toBeCloseTo(averagePrecision(answers, null).value!, 4);
      expect([curves.roc.x.at(-1), curves.roc.y.at(-1), curves.precisionRecall.x.at(-1)]).toEqual([1, 1, 1]);
    }),
  );
});

test("a row that counts twice is two rows", () => {
  fc.assert(
    fc.property(fc.array(row, { minLength: 2, maxLength: 60 }), (rows) => {
      const repeated = rows.flatMap((one) =>
        Array.from({ length: one.weight }, () => ({ ...one, weight: 1 })),
      );
      fc.pre(repeated.length > 0);
      const [once, twice] = [pictured(binary(rows)), pictured(binary(repeated))];
      expect(once.pictures).toEqual(twice.pictures);
      for (const [place, bin] of (once.calibration?.bins ?? []).entries()) {
        const other = twice.calibration!.bins[place]!;
        expect(bin.weight).toBe(other.weight);
        expect(bin.predicted ?? -1).toBeCloseTo(other.predicted ?? -1, 12);
        expect(bin.observed ?? -1).toBeCloseTo(other.observed ?? -1, 12);
      }
    }),
  );
});

test("the bins of the calibration add up to the calibration error", () => {
  fc.assert(
    fc.property(fc.array(row, { minLength: 2, maxLength: 200 }), (rows) => {
      fc.pre(rows.some(({ weight }) => weight > 0));
      const answers = binary(rows);
      const { bins } = pictured(answers).calibration!;
      const all = bins.reduce((sum, { weight }) => sum + weight, 0);
      const error = bins.reduce((sum, { weight, predicted, observed }) => {
        return sum + weight * Math.abs((predicted ?? 0) - (observed ?? 0));
      }, 0);
      expect(error / all).toBeCloseTo(ece(answers).value!, 10);
    }),
  );
});

test("the curves of many rows are thin and near: at one percent of positives, too", () => {
  const rows = Array.from({ length: 50_000 }, (_none, at): Row => {
    const truth = at % 100 === 0 ? 1 : 0;
    const noise = ((at * 7919) % 50_021) / 50_021;
    return { truth, score: Math.min(1, 0.6 * noise + 0.35 * truth), weight: 1 };
  });
  const answers = binary(rows);
  const [curves] = pictured(answers).pictures.curves;
  expect(curves!.roc.x.length).toBeGreaterThan(150);
  for (const curve of [curves!.roc, curves!.precisionRecall]) {
    expect(curve.x.length).toBe(curve.y.length);
    expect(curve.x.length).toBeLessThanOrEqual(200);
  }
  expect(trapezoids(curves!.roc)).toBeCloseTo(rocAuc(answers, null).value!, 3);
});

test("each of several classes has curves against the others, at most 20; above 50 classes no table", () => {
  const of = (classes: number): ClassAnswers => {
    const truth = Int32Array.from({ length: classes * 4 }, (_none, at) => at % classes);
    return {
      task: "multiclass",
      classes,
      positive: 0,
      truth,
      predicted: truth.map((place, at) => (at % 3 === 0 ? -1 : place)),
      probabilities: Float64Array.from(
        { length: truth.length * classes },
        (_none, at) => ((at * 31) % 17) / 17 / classes,
      ),
      weights: null,
    };
  };
  const names = Array.from({ length: 60 }, (_none, at) => `c${at}`);
  const three = picture({ answers: of(3), classes: names.slice(0, 3), outputs: [] });
  expect(three.pictures.curves.map((curve) => curve.class)).toEqual(["c0", "c1", "c2"]);
  expect(three.pictures.confusion).toEqual({
    classes: ["c0", "c1", "c2"],
    cells: [
      [0, 0, 0, 4],
      [0, 4, 0, 0],
      [0, 0, 4, 0],
    ],
  });
  expect(three.calibration?.of).toBe("predicted");
  const sixty = picture({ answers: of(60), classes: names, outputs: [] });
  expect(sixty.pictures.curves).toHaveLength(20);
  expect(sixty.pictures.confusion).toBeNull();
});

test("there are no curves without probabilities, without finite ones, or without both kinds of rows", () => {
  const rows = [0, 1, 0, 1].map((truth, at) => ({ truth, score: at / 4, weight: 1 }));
  const answers = binary(rows);
  const none = pictured({ ...answers, probabilities: null });
  expect([none.pictures.curves, none.calibration]).toEqual([[], null]);
  const broken = pictured({ ...answers, probabilities: new Float64Array(8).fill(Number.NaN) });
  expect([broken.pictures.curves, broken.calibration]).toEqual([[], null]);
  expect(broken.pictures.confusion).not.toBeNull();
  expect(pictured({ ...answers, truth: new Int32Array(4) }).pictures.curves).toEqual([]);
});

const number = fc.oneof(
  fc.double({ min: -1e6, max: 1e6, noNaN: true }),
  fc.constantFrom(Number.NaN, Infinity),
);

test("residuals of every output: all finite rows are counted, some are shown", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.double({ min: -100, max: 100, noNaN: true }), number), {
        minLength: 1,
        maxLength: 700,
      }),
      (rows) => {
        const answers: NumberAnswers = {
          task: "regression",
          outputs: 2,
          truth: Float64Array.from(rows.flatMap(([truth]) => [truth, 0])),
          predicted: Float64Array.from(rows.flatMap(([, predicted]) => [predicted, 5])),
          weights: null,
        };
        const { residuals } = picture({ answers, classes: null, outputs: ["a", "b"] }).pictures;
        const finite = rows.filter(([, predicted]) => Number.isFinite(predicted)).length;
        const a = residuals.find(({ output }) => output === "a");
        expect(a === undefined).toBe(finite === 0);
        if (a !== undefined) {
          expect(a.counts.reduce((sum, count) => sum + count, 0)).toBe(finite);
          expect(a.edges).toHaveLength(a.counts.length + 1);
          expect(a.edges).toEqual(a.edges.toSorted((x, y) => x - y));
          expect(a.counts.length).toBeLessThanOrEqual(32);
          expect(a.sample.x).toHaveLength(Math.min(500, finite));
        }
        const b = residuals.find(({ output }) => output === "b")!;
        expect([b.edges, b.counts]).toEqual([[5, 5], [rows.length]]);
      },
    ),
  );
});
