// Proposed gates: what they are, and that the measured model is shown to pass them.
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { proposeGates, type Reached } from "../../../../src/commands/init/gates.ts";
import { gatesSchema, resolveGates } from "../../../../src/config/gates.ts";
import { judgeGates } from "../../../../src/validation/gates/judge.ts";

const within = (lo: number, hi: number): Reached => ({ value: (lo + hi) / 2, ci: { lo, hi } });

it("rounds scores down from the interval's lower end and errors up from its upper one", () => {
  const metrics = {
    accuracy: within(0.9642, 0.98),
    balancedAccuracy: within(0.96, 1),
    f1: within(0.95, 0.98),
    rocAuc: within(0.9899, 0.999),
    recall: within(0.8, 0.9),
    mae: within(3, 3.4),
    rmse: within(0.28, 0.3),
    r2: within(0.5, 0.6),
  };
  expect(proposeGates(metrics, "binary")).toEqual({
    accuracy: { min: 0.95 },
    f1: { min: 0.94 },
    rocAuc: { min: 0.97 },
  });
  expect(proposeGates(metrics, "multiclass")).toEqual({
    accuracy: { min: 0.95 },
    balancedAccuracy: { min: 0.95 },
    f1: { min: 0.94 },
  });
  expect(proposeGates(metrics, "regression")).toEqual({
    r2: { min: 0.49 },
    mae: { max: 3.6 },
    rmse: { max: 0.32 },
  });
});

it("proposes nothing for what was not measured, has no interval, or would say nothing", () => {
  expect(proposeGates({}, "binary")).toEqual({});
  const useless = { accuracy: { value: 1, ci: null }, f1: within(0.01, 0.5), rocAuc: within(-1, 0) };
  expect(proposeGates(useless, "binary")).toEqual({});
  const errors = { r2: within(-3, -2), mae: within(0, 0), rmse: within(1, Number.POSITIVE_INFINITY) };
  expect(proposeGates(errors, "regression")).toEqual({});
});

it("proposes gates that the measured model is shown to pass", () => {
  const score = fc.tuple(
    fc.double({ min: 0.05, max: 1, noNaN: true }),
    fc.double({ min: 0, max: 0.3, noNaN: true }),
  );
  const error = fc.double({ min: 1e-12, max: 1e12, noNaN: true });
  fc.assert(
    fc.property(score, error, ([value, half], most) => {
      const reached = {
        r2: { value, ci: { lo: value - half, hi: value + half } },
        mae: { value: most / 2, ci: { lo: most / 4, hi: most } },
      };
      const metrics = (["r2", "mae"] as const).map((name) => ({
        name,
        average: null,
        value: reached[name].value,
        reason: null,
        ci: { ...reached[name].ci, level: 0.95, method: "x", replicates: null, seed: null },
        n: 100,
      }));
      const judged = judgeGates(resolveGates(gatesSchema.parse(proposeGates(reached, "regression"))), {
        metrics,
        comparisons: [],
        production: null,
        costs: { latencyP99: null, loadTime: 0, rss: 0, modelSize: 0 },
        judgeBy: "interval",
      });
      expect(judged.map(({ status }) => status)).not.toContain("fail");
      expect(judged.map(({ status }) => status)).not.toContain("inconclusive");
    }),
  );
});
