// Gates are judged one bound at a time; what could not be evaluated never passes.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Gates } from "../../../src/config/gates.ts";
import { decide, type GateStatus, judge, noGates } from "../../../src/validation/gates.ts";
import type { Metric } from "../../../src/validation/metrics/measure.ts";

const metrics: Metric[] = [
  { name: "accuracy", average: null, value: 0.94, reason: null },
  { name: "recall", average: "binary", value: 0.5, reason: null },
  { name: "recall", average: "weighted", value: 0.94, reason: null },
  { name: "rocAuc", average: null, value: null, reason: "the model gives no probabilities" },
  { name: "logLoss", average: null, value: 0.2, reason: null },
];
const costs = { latencyP99: null, loadTime: 2, rss: 200, modelSize: 1000 };
const production = [
  { name: "accuracy", average: null, value: 0.95 },
  { name: "logLoss", average: null, value: 0.15 },
];
const judged = (gates: Gates, before: typeof production | null = production) =>
  judge(gates, "binary", metrics, before, costs).map(({ id, status }) => [id, status]);

test.each<[Gates, GateStatus]>([
  [{ accuracy: { min: 0.94 } }, "pass"],
  [{ accuracy: { min: 0.95 } }, "fail"],
  [{ accuracy: { max: 0.93 } }, "fail"],
  [{ recall: { min: 0.9 } }, "fail"],
  [{ recall: { min: 0.9, average: "weighted" } }, "pass"],
  [{ logLoss: { max: 0.2 } }, "pass"],
  [{ accuracy: { maxDrop: 0.01 } }, "pass"],
  [{ accuracy: { maxDrop: 0.009 } }, "fail"],
  [{ logLoss: { maxDrop: 0.05 } }, "pass"],
  [{ logLoss: { maxDrop: 0.04 } }, "fail"],
  [{ recall: { maxDrop: 1 } }, "error"],
  [{ rocAuc: { min: 0 } }, "error"],
  [{ rocAuc: { maxDrop: 1 } }, "error"],
  [{ loadTime: { max: 2 } }, "pass"],
  [{ rss: { max: 199 } }, "fail"],
  [{ modelSize: { max: 999 } }, "fail"],
])("%j is %s", (gates, status) => {
  expect(judged(gates).map(([, found]) => found)).toEqual([status]);
});

test("each bound is a gate of its own", () => {
  expect(judged({ accuracy: { min: 0.9, max: 0.93, maxDrop: 0.1 } })).toEqual([
    ["accuracy.min", "pass"],
    ["accuracy.max", "fail"],
    ["accuracy.maxDrop", "pass"],
  ]);
});

test("maxDrop is skipped before the first release, and a metric without a value still is an error", () => {
  expect(judged({ accuracy: { maxDrop: 0 }, rocAuc: { maxDrop: 0 } }, null)).toEqual([
    ["accuracy.maxDrop", "skipped"],
    ["rocAuc.maxDrop", "error"],
  ]);
});

test("a failure shows two values that differ, however near they are", () => {
  const [gate] = judge({ accuracy: { min: 0.940001 } }, "binary", metrics, null, costs);
  expect(gate?.why).toBe("accuracy is 0.94, below 0.940001");
});

test("what differs from run to run stays out of a gate", () => {
  const gates = judge(
    { loadTime: { max: 1 }, rss: { max: 1 }, modelSize: { max: 1 } },
    "binary",
    metrics,
    null,
    costs,
  );
  expect(gates.map(({ observed }) => observed)).toEqual([null, null, 1000]);
  expect(gates.map(({ why }) => why).join()).not.toMatch(/\d/);
});

describe("gates that can never be evaluated", () => {
  const errorOf = (gates: Gates) => () => judge(gates, "binary", metrics, null, costs);

  test("a regression metric for a classifier names the metrics there are", () => {
    expect(errorOf({ rmse: { max: 1 } })).toThrow(
      expect.objectContaining({
        code: "gates.not-for-task",
        what: "validate.gates.rmse is no metric of a binary model",
        fix: expect.stringContaining("balancedAccuracy"),
        exit: "usage",
      }),
    );
  });

  test("all of them are named at once", () => {
    expect(errorOf({ rmse: { max: 1 }, r2: { min: 0 } })).toThrow(
      expect.objectContaining({ problems: [expect.anything(), expect.anything()] }),
    );
  });

  test("an average that the metric does not have", () => {
    const gates: Gates = { recall: { min: 0.5, average: "binary" } };
    expect(() => judge(gates, "multiclass", metrics, null, costs)).toThrow(
      expect.objectContaining({ fix: "use one of macro, micro, weighted" }),
    );
  });
});

test("without gates there is an error that shows what was measured", () => {
  expect(noGates("binary", metrics)).toMatchObject({
    code: "gates.none",
    why: "measured: accuracy 0.94, recall 0.5, logLoss 0.2",
    exit: "usage",
  });
});

const status = fc.constantFrom<GateStatus>("pass", "fail", "inconclusive", "error", "skipped");

test("a verdict passes only with a gate that passed and nothing but skipped ones beside it", () => {
  fc.assert(
    fc.property(fc.array(status), fc.boolean(), (statuses, broken) => {
      const [gate] = judge({ accuracy: { min: 0 } }, "binary", metrics, null, costs);
      const gates = statuses.map((found) => ({ ...gate!, status: found }));
      const findings = broken ? [{ code: "x", severity: "fail" as const, what: "x", fix: "x" }] : [];
      const may =
        !broken &&
        statuses.includes("pass") &&
        statuses.every((found) => found === "pass" || found === "skipped");
      expect(decide(gates, findings) === "pass").toBe(may);
      expect(decide(gates, findings) === "fail").toBe(
        broken || statuses.includes("fail") || statuses.includes("error"),
      );
    }),
  );
});

test("a warning does not fail the verdict", () => {
  const gates = judge({ accuracy: { min: 0 } }, "binary", metrics, null, costs);
  expect(decide(gates, [{ code: "predictions.constant", severity: "warn", what: "x", fix: "x" }])).toBe(
    "pass",
  );
});
