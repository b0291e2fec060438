// Reports with something in every part, for renderings to show: of a classifier, of many classes, of a regressor.
import type { Report } from "../../../src/validation/report.ts";
import type { ColumnProfile } from "../../../src/validation/report/profile.ts";
import { picture } from "../../../src/validation/pictures/pictures.ts";
import { makeReport } from "../image/attestations/facts.ts";

/** A number in 0 … 1 that looks random and is always the same. */
function spread(seed: number): number {
  const x = Math.sin(seed * 12.9898) * 43758.5453;
  return x - Math.floor(x);
}

const interval = (lo: number, hi: number, method = "wilson") => ({
  lo,
  hi,
  level: 0.95,
  method,
  replicates: null,
  seed: null,
});

type Gate = Report["gates"][number];

const gate = (id: string, more: Partial<Gate>): Gate => ({
  id,
  metric: "accuracy",
  average: null,
  bound: "min",
  slice: null,
  required: 0.9,
  observed: 0.95,
  ci: { lo: 0.93, hi: 0.97 },
  production: null,
  status: "pass",
  why: "accuracy is at least 0.9",
  hint: null,
  rowsToDecide: null,
  ...more,
});

const gates: Gate[] = [
  gate("accuracy.min", {}),
  gate("recall.min", {
    metric: "recall",
    average: "binary",
    required: 0.9,
    observed: 0.8812,
    ci: { lo: 0.8601, hi: 0.9004 },
    status: "inconclusive",
    why: "recall is 0.8812, and its 95 % interval 0.8601 … 0.9004 holds 0.9",
    hint: "validate on about 4,200 rows like these",
    rowsToDecide: 4200,
  }),
  gate("recall.min[age >= 60]", {
    metric: "recall",
    average: "binary",
    slice: "age >= 60",
    required: 0.9,
    observed: 0.712,
    ci: { lo: 0.6403, hi: 0.7761 },
    status: "fail",
    why: "recall is 0.712 where age >= 60, surely below 0.9",
    hint: "look at the rows where age >= 60, or train on more of them",
  }),
  gate("accuracy.min[country = 'DE']", {
    slice: "country = 'DE'",
    observed: 0.891,
    ci: { lo: 0.862, hi: 0.915 },
    why: "accuracy in country = 'DE' is 0.891 (0.862–0.915), not shown to be below 0.9",
  }),
  gate("f1.maxDrop", {
    metric: "f1",
    average: "binary",
    bound: "maxDrop",
    required: 0.01,
    observed: 0.8934,
    production: 0.901,
    ci: { lo: -0.0151, hi: -0.0002 },
    status: "inconclusive",
    why: "f1 is worse than 1.3.0 by 0.0076, between 0.0002 and 0.0151",
    hint: "validate on more rows",
    rowsToDecide: 9000,
  }),
  gate("fairness.recall[country]", {
    metric: "recall",
    average: "binary",
    bound: "maxGap",
    required: 0.1,
    observed: 0.064,
    ci: { lo: 0.021, hi: 0.098 },
    why: "the largest gap is 0.064, at most 0.098",
  }),
  gate("latencyP99.max", { metric: "latencyP99", bound: "max", required: 0.05, observed: null, ci: null }),
  gate("modelSize.max", { metric: "modelSize", bound: "max", required: 4096, observed: 1010, ci: null }),
  gate("rocAuc.min", {
    metric: "rocAuc",
    observed: null,
    ci: null,
    status: "error",
    why: "rocAuc has no value: only one class has rows",
    hint: "use data with rows of both classes",
  }),
];

const slice = (
  name: string,
  origin: "declared" | "found",
  rows: number,
  value: number,
  pAdjusted: number,
): Report["slices"][number] => ({
  name,
  where: name,
  origin,
  rows,
  reason: null,
  metrics: [
    {
      name: "recall",
      average: "binary",
      value,
      ci: interval(value - 0.06, Math.min(1, value + 0.05)),
      rest: 0.894,
      p: pAdjusted / 2,
      pAdjusted,
    },
  ],
});

/** Numbers in bins of equal count, most of them low. */
export function numberProfile(name: string, bins = 128): ColumnProfile {
  const edges = Array.from({ length: bins + 1 }, (_none, at) =>
    Number((100 * (at / bins) ** 2.5).toFixed(4)),
  );
  const counts = Array.from({ length: bins }, () => 20);
  return {
    kind: "numbers",
    name,
    type: "float64",
    rows: bins * 20 + 12,
    missing: 12,
    edges,
    counts,
    below: 3,
    above: 1,
  };
}

const categoryProfile = (name: string): ColumnProfile => ({
  kind: "categories",
  name,
  type: "string",
  rows: 1000,
  missing: 0,
  top: ["DE", "FR", "IT", "ES", "NL", "BE", "a category with an unusually long name that goes on"].map(
    (value, at) => ({
      value,
      count: 300 - at * 40,
    }),
  ),
  other: 60,
  distinct: 31,
});

/** A binary classifier that fails, with every part of a report filled. */
export function classifierReport(changes: Partial<Omit<Report, "digest">> = {}): Report {
  const rows = 2000;
  const truth = Int32Array.from({ length: rows }, (_none, row) => (spread(row) < 0.4 ? 1 : 0));
  const scores = truth
    .map((_is, row) => Math.round(spread(row + 9000) * 1000))
    .map((score, row) => {
      return Math.min(1000, Math.max(0, Math.round(score * 0.6 + (truth[row] === 1 ? 380 : 20))));
    });
  const answers = {
    task: "binary" as const,
    classes: 2,
    positive: 1,
    truth,
    predicted: scores.map((score) => (score >= 500 ? 1 : 0)),
    probabilities: Float64Array.from({ length: rows * 2 }, (_none, at) => {
      const chance = (scores[at >> 1] ?? 0) / 1000;
      return at % 2 === 1 ? chance : 1 - chance;
    }),
    weights: null,
  };
  const metric = (
    name: Report["metrics"][number]["name"],
    value: number | null,
    average: "binary" | "macro" | null = null,
  ) => ({
    name,
    average,
    value,
    reason: value === null ? "only one class has rows" : null,
    ci: value === null ? null : interval(value - 0.012, Math.min(1, value + 0.011)),
    n: rows,
  });
  return makeReport({
    ...picture({ answers, classes: ["no", "yes"], outputs: [] }),
    dataset: { ...makeReport().dataset, rows, weight: "exposure", key: "id" },
    classes: ["no", "yes"],
    positive: "yes",
    baseline: { version: "1.3.0", model: makeReport().model.digest },
    metrics: [
      metric("accuracy", 0.95),
      metric("balancedAccuracy", 0.9312),
      metric("precision", 0.9071, "binary"),
      metric("recall", 0.8812, "binary"),
      metric("recall", 0.8702, "macro"),
      metric("f1", 0.8934, "binary"),
      metric("rocAuc", null),
      metric("logLoss", 0.2231),
      metric("mcc", 0.812),
    ],
    comparisons: [
      {
        metric: "accuracy",
        average: null,
        candidate: 0.95,
        production: 0.941,
        delta: 0.009,
        ci: interval(0.0021, 0.0159, "mcnemar"),
        test: "mcnemar",
        p: 0.0103,
      },
      {
        metric: "f1",
        average: "binary",
        candidate: 0.8934,
        production: 0.901,
        delta: -0.0076,
        ci: interval(-0.0151, -0.0002, "cells"),
        test: "cells",
        p: 0.044,
      },
      {
        metric: "logLoss",
        average: null,
        candidate: 0.2231,
        production: 0.2248,
        delta: -0.0017,
        ci: interval(-0.0061, 0.0027, "bootstrap"),
        test: "bootstrap",
        p: null,
      },
    ],
    slices: [
      slice("age >= 60", "declared", 340, 0.712, 0.00002),
      slice("country = 'DE'", "declared", 611, 0.902, 0.81),
      {
        name: "tiny",
        where: "age >= 99",
        origin: "declared",
        rows: 4,
        reason: "it has 4 rows, 30 are needed",
        metrics: [],
      },
      slice("income < 12000 and age >= 50", "found", 121, 0.634, 0.0007),
    ],
    fairness: [
      {
        column: "country",
        metric: "recall",
        average: "binary",
        maxGap: 0.1,
        groups: [
          { group: "DE", rows: 611, value: 0.902, ci: interval(0.87, 0.93), reason: null },
          { group: "FR", rows: 402, value: 0.838, ci: interval(0.79, 0.88), reason: null },
          { group: "MT", rows: 6, value: null, ci: null, reason: "it has 6 rows, 30 are needed" },
        ],
        gap: 0.064,
        ci: interval(0.021, 0.098),
      },
    ],
    robustness: [{ check: "batchSize", rows: 256, flips: 0, maxDelta: 1.2e-16, reason: null }],
    data: {
      nulls: [{ column: "income", rows: 131 }],
      range: [{ column: "age", low: 18, high: 79, below: 0, above: 12 }],
      unseenCategories: [{ column: "country", rows: 6, values: ["MT", "CY"] }],
      duplicates: { rows: 3 },
      trainOverlap: { file: makeReport().dataset.digest, trainRows: 8000, rows: 14, sameLabel: 13 },
    },
    profile: {
      from: "train",
      features: [numberProfile("age"), numberProfile("income"), categoryProfile("country")],
      predictions: [numberProfile("probability of yes")],
    },
    gates,
    findings: [
      {
        code: "data.leak",
        severity: "warn",
        what: "14 of 2000 rows are rows of the training data",
        fix: "remove them from the test data",
      },
    ],
    verdict: "fail",
    volatile: {
      file: "test_data.csv",
      performance: {
        loadSeconds: 0.412,
        rss: 1.9e8,
        scoreSeconds: 0.2,
        rowsPerSecond: 9871,
        peakRss: 2.1e8,
        latency: { p50: 0.0012, p99: 0.0034 },
      },
    },
    ...changes,
  });
}

/** A classifier of many classes. */
export function manyClassesReport(classes: number): Report {
  const rows = classes * 40;
  const truth = Int32Array.from({ length: rows }, (_none, row) => row % classes);
  const probabilities = new Float64Array(rows * classes);
  const predicted = truth.map((is, row) => {
    const said = spread(row) < 0.75 ? is : spread(row) < 0.97 ? (is + 1) % classes : -1;
    for (let place = 0; place < classes; place++) {
      probabilities[row * classes + place] =
        place === said ? 0.6 + 0.4 * spread(row + 7) : 0.3 * spread(row + place);
    }
    return said;
  });
  const names = Array.from(
    { length: classes },
    (_none, at) => `class ${String.fromCharCode(97 + (at % 26))}${at}`,
  );
  const answers = {
    task: "multiclass" as const,
    classes,
    positive: 0,
    truth,
    predicted,
    probabilities,
    weights: null,
  };
  return makeReport({
    ...picture({ answers, classes: names, outputs: [] }),
    task: "multiclass",
    classes: names,
    positive: null,
    dataset: { ...makeReport().dataset, rows },
  });
}

/** A regressor that passes. */
export function regressorReport(): Report {
  const rows = 3000;
  const truth = Float64Array.from({ length: rows }, (_none, row) => 100 + 400 * spread(row));
  const predicted = truth.map(
    (value, row) => value + 60 * (spread(row + 5) + spread(row + 77) - 1) + (row === 9 ? 900 : 0),
  );
  const answers = { task: "regression" as const, outputs: 1, truth, predicted, weights: null };
  return makeReport({
    ...picture({ answers, classes: null, outputs: ["target"] }),
    task: "regression",
    classes: null,
    positive: null,
    dataset: { ...makeReport().dataset, rows },
    metrics: [
      {
        name: "mae",
        average: null,
        value: 19.88,
        reason: null,
        ci: interval(19.2, 20.6, "influence"),
        n: rows,
      },
      {
        name: "r2",
        average: null,
        value: 0.954,
        reason: null,
        ci: interval(0.949, 0.958, "bootstrap"),
        n: rows,
      },
    ],
    gates: [
      gate("mae.max", {
        metric: "mae",
        bound: "max",
        required: 25,
        observed: 19.88,
        ci: { lo: 19.2, hi: 20.6 },
      }),
    ],
  });
}
