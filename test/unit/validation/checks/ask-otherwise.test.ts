// Models that answer otherwise when they are asked otherwise, each found by its name.
import { describe, expect, test } from "vitest";
import { digestDocument } from "../../../../src/digest.ts";
import {
  askOtherwise,
  type Effort,
  inspectRobustness,
} from "../../../../src/validation/checks/ask-otherwise.ts";
import type { Golden } from "../../../../src/validation/golden.ts";
import type { Columns, Predictions, Scorer } from "../../../../src/validation/ports.ts";
import { robustnessSchema } from "../../../../src/validation/report/data.ts";

const count = 200;
const values = (of: (row: number) => number) => Array.from({ length: count }, (_none, row) => of(row));

/** Golden rows a and b, answered by a model that sees all of them together. */
function goldenOf(answer: (columns: Columns) => Predictions, task: Golden["task"] = "binary"): Golden {
  const columns = { a: values((row) => row / count), b: values((row) => (row % 7) / 7) };
  const content = {
    schema: "mlship.golden/v1" as const,
    model: "sha256:70" as const,
    dataset: "sha256:da" as const,
    task,
    classes: task === "binary" ? [0, 1] : null,
    rows: count,
    columns: Object.entries(columns).map(([name, of]) => ({ name, type: "float64" as const, values: of })),
    labels: values(() => 0),
    ...answer(columns),
  };
  return { ...content, digest: digestDocument(content) };
}

const scorerOf = (answer: (columns: Columns) => Predictions, calls: number[] = []): Scorer => ({
  model: { classes: [0, 1], libraries: {}, loadSeconds: 0, rss: 0 },
  score: (columns) => {
    calls.push(Object.values(columns)[0]?.length ?? 0);
    return Promise.resolve(answer(columns));
  },
  predict: () => Promise.reject(new Error("not asked")),
  measure: () => Promise.resolve({ latency: { p50: 0.001, p99: 0.002, calls: 200 }, peakRss: 2e8 }),
  close: () => Promise.resolve(),
});

/** A classifier of one probability. */
const classify = (chances: number[]): Predictions => ({
  predictions: chances.map((chance) => (chance >= 0.5 ? 1 : 0)),
  probabilities: chances.map((chance) => [1 - chance, chance]),
});
const numbers = (columns: Columns, name: string) => (columns[name] ?? []).map(Number);
const steady = (columns: Columns) => classify(numbers(columns, "a"));

async function ask(
  answer: (columns: Columns) => Predictions,
  {
    effort = "quick",
    threaded = answer,
    task,
  }: { effort?: Effort; threaded?: typeof answer; task?: Golden["task"] } = {},
) {
  const measured = await askOtherwise({
    golden: goldenOf(answer, task),
    scorer: scorerOf(answer),
    effort,
    openThreaded: () => Promise.resolve(scorerOf(threaded)),
  });
  for (const entry of measured) robustnessSchema.parse(entry);
  return { measured, codes: inspectRobustness(measured).map(({ code, severity }) => `${code} ${severity}`) };
}

test("a steady model is asked 16 rows one by one and twice together, and nothing is found", async () => {
  const calls: number[] = [];
  const measured = await askOtherwise({
    golden: goldenOf(steady),
    scorer: scorerOf(steady, calls),
    effort: "quick",
    openThreaded: () => Promise.reject(new Error("not asked for")),
  });
  expect(calls).toEqual([...Array.from({ length: 16 }, () => 1), 16, 16]);
  expect(measured).toEqual([
    { check: "batchSize", rows: 16, flips: 0, maxDelta: 0, reason: null },
    { check: "columnOrder", rows: 16, flips: 0, maxDelta: 0, reason: null },
    { check: "threads", rows: 0, flips: 0, maxDelta: 0, reason: "asked by validate.robustness: full" },
  ]);
  expect(inspectRobustness(measured)).toEqual([]);
});

describe("a model that depends on", () => {
  const centred = (columns: Columns, by: number) => {
    const a = numbers(columns, "a");
    const mean = a.reduce((sum, value) => sum + value, 0) / a.length;
    return classify(a.map((value) => Math.min(1, Math.max(0, value + by * (0.5 - mean)))));
  };

  test("the batch, as a normalisation in training mode does", async () => {
    const { measured, codes } = await ask((columns) => centred(columns, 1));
    expect(codes).toEqual(["robustness.batch-size fail"]);
    expect(measured[0]?.flips).toBeGreaterThan(0);
  });

  test("the batch a little: a warning, with two digits of the difference", async () => {
    const { measured, codes } = await ask((columns) => centred(columns, 0.00123));
    expect(codes).toEqual(["robustness.batch-size warn"]);
    expect(measured[0]).toMatchObject({ flips: 0, maxDelta: 0.00061 });
  });

  test("the order of columns", async () => {
    const byPlace = (columns: Columns) => classify((Object.values(columns)[0] ?? []).map(Number));
    expect((await ask(byPlace)).codes).toEqual(["robustness.column-order fail"]);
  });

  test("the threads, which only full looks for", async () => {
    const threaded = (columns: Columns) => classify(numbers(columns, "a").map((chance) => chance + 0.0004));
    expect((await ask(steady, { threaded })).codes).toEqual([]);
    const { measured, codes } = await ask(steady, { threaded, effort: "full" });
    expect(codes).toEqual(["robustness.threads warn"]);
    expect(measured.map(({ rows, reason }) => [rows, reason])).toEqual([
      [64, null],
      [64, null],
      [64, null],
    ]);
  });
});

test("a model that its loader keeps on one thread is not loaded twice", async () => {
  const measured = await askOtherwise({
    golden: goldenOf(steady),
    scorer: scorerOf(steady),
    effort: "full",
    openThreaded: null,
  });
  expect(measured[2]).toEqual({
    check: "threads",
    rows: 0,
    flips: 0,
    maxDelta: 0,
    reason: "its loader runs it on one thread",
  });
});

test("single precision's rounding counts as none", async () => {
  const rounded = (columns: Columns) => {
    const a = numbers(columns, "a");
    return classify(a.map((value) => (a.length === 1 ? Math.fround(value) : value)));
  };
  expect((await ask(rounded)).measured[0]).toMatchObject({ flips: 0, maxDelta: 0 });
});

test("a regressor's differences are relative to its largest value", async () => {
  const scaled = (columns: Columns): Predictions => {
    const a = numbers(columns, "a");
    return { predictions: a.map((value) => 1000 * value + (a.length === 1 ? 0.5 : 0)), probabilities: null };
  };
  const { measured, codes } = await ask(scaled, { task: "regression" });
  expect(measured[0]).toMatchObject({ flips: 0, maxDelta: 0.00053 });
  expect(codes).toEqual(["robustness.batch-size warn"]);
});

test("the second model is closed, also when it fails", async () => {
  const closed: string[] = [];
  const failing = scorerOf(() => {
    throw new Error("broken");
  });
  const asking = askOtherwise({
    golden: goldenOf(steady),
    scorer: scorerOf(steady),
    effort: "full",
    openThreaded: () =>
      Promise.resolve({
        ...failing,
        close: () => Promise.resolve(closed.push("closed")).then(() => undefined),
      }),
  });
  await expect(asking).rejects.toThrow("broken");
  expect(closed).toEqual(["closed"]);
});
