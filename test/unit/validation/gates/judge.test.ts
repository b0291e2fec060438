// Gates are judged one bound at a time, on the interval; what could not be evaluated never passes.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Gates } from "../../../../src/config/gates.ts";
import { checkGates, noGates } from "../../../../src/validation/gates/check.ts";
import type { GateStatus, JudgeBy } from "../../../../src/validation/gates/gate.ts";
import { type Evidence, judgeGates } from "../../../../src/validation/gates/judge.ts";
import { decide, reasonsOf } from "../../../../src/validation/gates/verdict.ts";
import type { Comparison, MetricReport } from "../../../../src/validation/report/measures.ts";

const interval = (lo: number, hi: number) => ({
  lo,
  hi,
  level: 0.95,
  method: "wilson",
  replicates: null,
  seed: null,
});
const metric = (
  name: MetricReport["name"],
  average: MetricReport["average"],
  value: number,
  half: number,
): MetricReport => ({ name, average, value, reason: null, ci: interval(value - half, value + half), n: 251 });
const metrics: MetricReport[] = [
  metric("accuracy", null, 0.94, 0.03),
  metric("recall", "binary", 0.5, 0.1),
  metric("recall", "weighted", 0.94, 0.03),
  {
    name: "rocAuc",
    average: null,
    value: null,
    reason: "the model gives no probabilities",
    ci: null,
    n: 251,
  },
  metric("logLoss", null, 0.2, 0.05),
  { name: "ece", average: null, value: 0.02, reason: null, ci: null, n: 251 },
];
const comparison = (name: Comparison["metric"], delta: number, half: number): Comparison => ({
  metric: name,
  average: null,
  candidate: 0.9,
  production: 0.9 - delta,
  delta,
  ci: interval(delta - half, delta + half),
  test: "mcnemar",
  p: 0.5,
});
const evidence: Evidence = {
  metrics,
  comparisons: [comparison("accuracy", -0.01, 0.005), comparison("logLoss", 0.05, 0.01)],
  production: { reason: null },
  costs: { latencyP99: 0.004, loadTime: 2, rss: 200, modelSize: 1000 },
  judgeBy: "interval",
};
const judged = (gates: Gates, changed: Partial<Evidence> = {}) =>
  judgeGates(gates, { ...evidence, ...changed });
const statuses = (gates: Gates, changed: Partial<Evidence> = {}) =>
  judged(gates, changed).map(({ id, status }) => [id, status]);

test.each<[Gates, GateStatus, GateStatus]>([
  [{ accuracy: { min: 0.91 } }, "pass", "pass"],
  [{ accuracy: { min: 0.92 } }, "inconclusive", "pass"],
  [{ accuracy: { min: 0.95 } }, "inconclusive", "fail"],
  [{ accuracy: { min: 0.98 } }, "fail", "fail"],
  [{ accuracy: { max: 0.9 } }, "fail", "fail"],
  [{ recall: { min: 0.9 } }, "fail", "fail"],
  [{ recall: { min: 0.9, average: "weighted" } }, "pass", "pass"],
  [{ logLoss: { max: 0.25 } }, "pass", "pass"],
  [{ logLoss: { max: 0.22 } }, "inconclusive", "pass"],
  [{ accuracy: { maxDrop: 0.015 } }, "pass", "pass"],
  [{ accuracy: { maxDrop: 0.01 } }, "inconclusive", "pass"],
  [{ accuracy: { maxDrop: 0.004 } }, "fail", "fail"],
  [{ logLoss: { maxDrop: 0.06 } }, "pass", "pass"],
  [{ logLoss: { maxDrop: 0.03 } }, "fail", "fail"],
  [{ recall: { maxDrop: 1 } }, "error", "error"],
  [{ rocAuc: { min: 0 } }, "error", "error"],
  [{ rocAuc: { maxDrop: 1 } }, "error", "error"],
  [{ ece: { max: 0.5 } }, "inconclusive", "pass"],
  [{ latencyP99: { max: 0.005 } }, "pass", "pass"],
  [{ loadTime: { max: 2 } }, "pass", "pass"],
  [{ rss: { max: 199 } }, "fail", "fail"],
  [{ modelSize: { max: 999 } }, "fail", "fail"],
])("%j is %s on its interval and %s by its value", (gates, byInterval, byValue) => {
  expect(statuses(gates).map(([, status]) => status)).toEqual([byInterval]);
  expect(statuses(gates, { judgeBy: "value" }).map(([, status]) => status)).toEqual([byValue]);
});

test("each bound is a gate of its own", () => {
  expect(statuses({ accuracy: { min: 0.9, max: 0.9, maxDrop: 0.1 } })).toEqual([
    ["accuracy.min", "pass"],
    ["accuracy.max", "fail"],
    ["accuracy.maxDrop", "pass"],
  ]);
});

test("before the first release maxDrop is skipped; a production that gave no answers is an error", () => {
  const gates: Gates = { accuracy: { maxDrop: 0 }, rocAuc: { maxDrop: 0 } };
  expect(statuses(gates, { production: null, comparisons: [] })).toEqual([
    ["accuracy.maxDrop", "skipped"],
    ["rocAuc.maxDrop", "error"],
  ]);
  const [gate] = judged(gates, { production: { reason: "column z is missing" }, comparisons: [] });
  expect(gate).toMatchObject({ status: "error", why: expect.stringContaining("column z is missing") });
});

describe("reasons", () => {
  const reasonOf = (gates: Gates, judgeBy: JudgeBy = "interval") => {
    const [gate] = judged(gates, { judgeBy });
    return [gate?.why, gate?.hint, gate?.rowsToDecide];
  };

  test("say the value, its interval, and what the bound is to it", () => {
    expect(reasonOf({ accuracy: { min: 0.9 } })).toEqual([
      "accuracy is 0.94 (0.91–0.97), at least 0.9",
      null,
      null,
    ]);
    expect(reasonOf({ accuracy: { min: 0.9 } }, "value")).toEqual([
      "accuracy is 0.94, at least 0.9",
      null,
      null,
    ]);
    expect(reasonOf({ recall: { min: 0.7 } })[0]).toBe("recall is 0.5 (0.4–0.6), below 0.7");
  });

  test("an undecided gate says how many rows would decide it", () => {
    expect(reasonOf({ accuracy: { min: 0.93 } })).toEqual([
      "accuracy is 0.94 (0.91–0.97): 0.93 is inside the interval",
      "about 2,300 rows like these would decide it, there are 251",
      2259,
    ]);
    expect(reasonOf({ accuracy: { min: 0.94 } })[2]).toBeNull();
  });

  test("a drop is shown with its interval", () => {
    expect(reasonOf({ accuracy: { maxDrop: 0.012 } })[0]).toBe(
      "accuracy is 0.9, in production 0.91: worse by 0.01 (a drop of 0.005–0.015): 0.012 is inside the interval",
    );
    expect(judged({ logLoss: { maxDrop: 0 } })[0]?.ci).toEqual({ lo: 0.05 - 0.01, hi: 0.05 + 0.01 });
  });

  test("two values that differ never look alike, however near they are", () => {
    expect(reasonOf({ accuracy: { min: 0.940001 } }, "value")[0]).toBe("accuracy is 0.94, below 0.940001");
  });

  test("what differs from run to run stays out of a gate", () => {
    const gates = judged({
      latencyP99: { max: 1 },
      loadTime: { max: 1 },
      rss: { max: 1 },
      modelSize: { max: 1 },
    });
    expect(gates.map(({ observed }) => observed)).toEqual([null, null, null, 1000]);
    expect(gates.map(({ why }) => why.replaceAll("P99", "")).join()).not.toMatch(/\d/);
  });

  test("a cost that was not measured does not pass", () => {
    const costs = { ...evidence.costs, latencyP99: null };
    expect(judged({ latencyP99: { max: 1 } }, { costs })).toMatchObject([{ status: "error" }]);
  });
});

describe("gates that can never be evaluated", () => {
  const errorOf =
    (gates: Gates, task: "binary" | "multiclass" = "binary") =>
    () =>
      checkGates({ gates, slices: [], fairness: [] }, task);

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

  test("all of them are named at once, those of slices and groups too", () => {
    const slice = { name: "a", where: "a", minRows: 30, gates: { r2: { min: 0 } } };
    const rule = { column: "a", metric: "mae" as const, average: null, maxGap: 1 };
    const bounds = { gates: { rmse: { max: 1 } }, slices: [slice], fairness: [rule] };
    expect(() => checkGates(bounds, "binary")).toThrow(
      expect.objectContaining({ problems: [expect.anything(), expect.anything(), expect.anything()] }),
    );
  });

  test("an average that the metric does not have", () => {
    expect(errorOf({ recall: { min: 0.5, average: "binary" } }, "multiclass")).toThrow(
      expect.objectContaining({ fix: "use one of macro, micro, weighted" }),
    );
  });

  test("a budget that is not a max", () => {
    expect(errorOf({ rss: { min: 1 } })).toThrow(expect.objectContaining({ fix: "use max" }));
  });
});

test("without gates there is an error that shows what was measured", () => {
  const measured = metrics.map(({ name, average, value }) => {
    const reason = "the model gives no probabilities";
    return value === null ? { name, average, value, reason } : { name, average, value, reason: null };
  });
  expect(noGates("binary", measured)).toMatchObject({
    code: "gates.none",
    why: "measured: accuracy 0.94, recall 0.5, logLoss 0.2, ece 0.02",
    exit: "usage",
  });
});

const rank = { fail: 0, error: 0, inconclusive: 1, skipped: 1, pass: 2 };
const unit = fc.double({ min: 0, max: 1, noNaN: true });

test("a stricter bound never makes a gate better, and a wider interval never decides what a narrower one does not", () => {
  fc.assert(
    fc.property(unit, unit, unit, unit, (value, bound, stricter, half) => {
      const statusOf = (min: number, width: number) => {
        const one = { ...metrics[0]!, value, ci: interval(value - width, value + width) };
        return judged({ accuracy: { min } }, { metrics: [one] })[0]!.status;
      };
      const [low, high] = [Math.min(bound, stricter), Math.max(bound, stricter)];
      expect(rank[statusOf(high, half)]).toBeLessThanOrEqual(rank[statusOf(low, half)]);
      if (statusOf(bound, half) !== "inconclusive") {
        expect(statusOf(bound, half / 2)).toBe(statusOf(bound, half));
      }
    }),
  );
});

test("an allowed drop that is larger never makes a gate worse", () => {
  const drops = fc.double({ min: -1, max: 1, noNaN: true });
  fc.assert(
    fc.property(drops, unit, unit, unit, (delta, allowed, more, half) => {
      const statusOf = (maxDrop: number) =>
        judged({ accuracy: { maxDrop } }, { comparisons: [comparison("accuracy", delta, half)] })[0]!.status;
      const [low, high] = [Math.min(allowed, more), Math.max(allowed, more)];
      expect(rank[statusOf(high)]).toBeGreaterThanOrEqual(rank[statusOf(low)]);
    }),
  );
});

test("a metric without a value never passes, whatever is asked of it", () => {
  const bounds = fc.record({ min: unit, max: unit, maxDrop: unit }, { requiredKeys: ["min"] });
  fc.assert(
    fc.property(bounds, fc.constantFrom<JudgeBy>("interval", "value"), (gate, judgeBy) => {
      const bare = judged({ rocAuc: gate }, { judgeBy });
      expect(bare.map(({ status }) => status)).not.toContain("pass");
      expect(decide(bare, [])).toBe("fail");
    }),
  );
});

const status = fc.constantFrom<GateStatus>("pass", "fail", "inconclusive", "error", "skipped");

test("a verdict passes only with a gate that passed and nothing but skipped ones beside it", () => {
  fc.assert(
    fc.property(fc.array(status), fc.boolean(), (found, broken) => {
      const [gate] = judged({ accuracy: { min: 0 } });
      const gates = found.map((one) => ({ ...gate!, status: one }));
      const findings = broken ? [{ code: "x", severity: "fail" as const, what: "x", fix: "x" }] : [];
      const may =
        !broken && found.includes("pass") && found.every((one) => one === "pass" || one === "skipped");
      expect(decide(gates, findings) === "pass").toBe(may);
      expect(decide(gates, findings) === "fail").toBe(
        broken || found.includes("fail") || found.includes("error"),
      );
    }),
  );
});

test("a warning does not fail the verdict", () => {
  const gates = judged({ accuracy: { min: 0 } });
  expect(decide(gates, [{ code: "predictions.constant", severity: "warn", what: "x", fix: "x" }])).toBe(
    "pass",
  );
});

test("the reasons of a verdict begin with what failed, and leave out what passed or was skipped", () => {
  fc.assert(
    fc.property(fc.array(status), fc.boolean(), (found, broken) => {
      const [gate] = judged({ accuracy: { min: 0 } });
      const gates = found.map((one, place) => ({ ...gate!, status: one, why: `${one} ${place}` }));
      const findings = broken ? [{ code: "x", severity: "fail" as const, what: "broken", fix: "x" }] : [];
      const reasons = reasonsOf(gates, findings);
      const kinds = reasons.map((reason) => reason.split(" ")[0]);
      const order = ["fail", "broken", "error", "inconclusive"];
      expect(kinds).toEqual(order.flatMap((kind) => kinds.filter((one) => one === kind)));
      expect(reasons.length).toBe(found.filter((one) => order.includes(one)).length + (broken ? 1 : 0));
    }),
  );
});
