// Proposed gates: what they are, and that the measured model passes them.
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { proposeGates } from "../../../../src/commands/init/gates.ts";

it("rounds scores down and errors up, with a margin", () => {
  const metrics = {
    accuracy: 0.9737,
    balancedAccuracy: 1,
    f1: 0.97,
    rocAuc: 0.9981,
    recall: 0.9,
    mae: 3.21,
    rmse: 0.3,
    r2: 0.55,
  };
  expect(proposeGates(metrics, "binary")).toEqual({
    accuracy: { min: 0.95 },
    f1: { min: 0.95 },
    rocAuc: { min: 0.97 },
  });
  expect(proposeGates(metrics, "multiclass")).toEqual({
    accuracy: { min: 0.95 },
    balancedAccuracy: { min: 0.98 },
    f1: { min: 0.95 },
  });
  expect(proposeGates(metrics, "regression")).toEqual({
    r2: { min: 0.53 },
    mae: { max: 3.6 },
    rmse: { max: 0.33 },
  });
});

it("proposes nothing for what was not measured or would say nothing", () => {
  expect(proposeGates({}, "binary")).toEqual({});
  expect(proposeGates({ accuracy: Number.NaN, f1: 0.02, rocAuc: -1 }, "binary")).toEqual({});
  expect(proposeGates({ r2: -3, mae: 0, rmse: Number.POSITIVE_INFINITY }, "regression")).toEqual({});
});

it("proposes gates that the measured model passes with room, and a much worse one fails", () => {
  const scores = fc.double({ min: 0.05, max: 1, noNaN: true });
  const errors = fc.double({ min: 1e-12, max: 1e12, noNaN: true });
  fc.assert(
    fc.property(scores, errors, (score, error) => {
      const { r2, mae } = proposeGates({ r2: score, mae: error }, "regression");
      expect(r2?.min).toBeLessThanOrEqual(score - 0.02 + 1e-9);
      expect(r2?.min).toBeGreaterThan(score - 0.0301);
      expect(mae?.max).toBeGreaterThanOrEqual(error * 1.0999);
      expect(mae?.max).toBeLessThanOrEqual(error * 1.22);
    }),
  );
});
