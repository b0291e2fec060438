import { expect, it } from "vitest";
import { metricsBeside } from "../../../../src/validation/compare/beside.ts";
import type { Report } from "../../../../src/validation/report.ts";
import { digestBytes } from "../../../../src/digest.ts";

const interval = (lo: number, hi: number) => ({
  lo,
  hi,
  level: 0.9,
  method: "wilson",
  replicates: null,
  seed: null,
});
const metric = (name: "accuracy" | "f1" | "mae", value: number | null, average: "macro" | null = null) => ({
  name,
  average,
  value,
  reason: value === null ? "no rows" : null,
  ci: value === null ? null : interval(value / 2, value),
  n: 100,
});

/** As much of a report as is compared. */
function report(more: Partial<Report> = {}): Report {
  return {
    task: "multiclass",
    positive: null,
    model: { digest: digestBytes("one") },
    dataset: { digest: digestBytes("rows"), rows: 100, target: "y", weight: null, key: null },
    baseline: null,
    comparisons: [],
    metrics: [metric("accuracy", 0.8), metric("f1", 0.7, "macro")],
    ...more,
  } as Report;
}
const later = (more: Partial<Report> = {}) =>
  report({ metrics: [metric("accuracy", 0.9), metric("f1", null, "macro")], ...more });

it("takes the difference on the same rows, and none where a side has no value", () => {
  const { comparable, why, paired, level, metrics } = metricsBeside(report(), later());
  expect({ comparable, why, paired, level }).toEqual({
    comparable: true,
    why: [],
    paired: false,
    level: 0.9,
  });
  expect(metrics.map(({ name, change }) => [name, change?.value.toFixed(6) ?? null])).toEqual([
    ["accuracy", "0.100000"],
    ["f1", null],
  ]);
  expect(metrics[0]).toMatchObject({
    from: { value: 0.8, ci: { lo: 0.4, hi: 0.8 } },
    to: { value: 0.9 },
    change: { ci: null },
  });
});

const { dataset } = report();
it.each([
  ["other rows", { dataset: { ...dataset, digest: digestBytes("others") } }, "measured on different data"],
  ["another label", { dataset: { ...dataset, target: "z" } }, "different columns"],
  ["weights", { dataset: { ...dataset, weight: "w" } }, "weighted differently"],
  ["another positive class", { positive: "yes" }, "positive"],
  [
    "another task",
    { task: "regression", metrics: [metric("mae", 2)] },
    "one is multiclass and the other regression",
  ],
] as [string, Partial<Report>, string][])("%s: no change is told", (_what, more, said) => {
  const { comparable, why, metrics } = metricsBeside(report(), later(more));
  expect([comparable, why]).toEqual([false, [expect.stringContaining(said)]]);
  expect(metrics.every(({ change }) => change === null)).toBe(true);
});

it("metrics of one side alone stand beside nothing", () => {
  const { metrics } = metricsBeside(report(), later({ task: "regression", metrics: [metric("mae", 2)] }));
  expect(metrics.map(({ name, from, to }) => [name, from?.value ?? null, to?.value ?? null])).toEqual([
    ["mae", null, 2],
    ["accuracy", 0.8, null],
    ["f1", 0.7, null],
  ]);
});

it("takes the paired change of the later report, on whatever rows, when it is of this very model", () => {
  const comparisons = [
    {
      metric: "accuracy",
      average: null,
      candidate: 0.9,
      production: 0.85,
      delta: 0.05,
      ci: interval(0.01, 0.09),
      test: "mcnemar",
      p: 0.01,
    },
  ] as Report["comparisons"];
  const others = { ...dataset, digest: digestBytes("others") };
  const judged = (model: string) =>
    later({ dataset: others, comparisons, baseline: { version: "1.0.0", model: digestBytes(model) } });
  const found = metricsBeside(report(), judged("one"));
  expect(found).toMatchObject({ comparable: false, paired: true });
  expect(found.metrics[0]?.change).toEqual({ value: 0.05, ci: { lo: 0.01, hi: 0.09 } });
  expect(found.metrics[1]?.change).toBeNull();
  expect(metricsBeside(report(), judged("another")).metrics[0]?.change).toBeNull();
});
