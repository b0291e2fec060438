// The whole flow: data file and scorer in, report and golden rows out, the same every time.
import { describe, expect, test } from "vitest";
import { digestDocument } from "../../../src/digest.ts";
import type { Label } from "../../../src/model/model.ts";
import { compareGolden, goldenColumns, goldenSchema } from "../../../src/validation/golden.ts";
import { digestInputs, reportSchema } from "../../../src/validation/report.ts";
import { validate } from "../../../src/validation/validate.ts";
import { predictOf } from "../../cli/fake-python.ts";
import { csv, errorOf, openText } from "./files.ts";
import { inputs, lock, model, openRows, productionOf, scorerOf, threshold, validation } from "./world.ts";

const valueOf = (report: { metrics: { name: string; value: number | null }[] }, name: string) =>
  report.metrics.find((metric) => metric.name === name)?.value;

test("a good model passes, with a report that its schema accepts", async () => {
  const { report, golden } = await validate(await validation());
  expect(reportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
  expect([report.verdict, report.task, report.classes, report.positive]).toEqual([
    "pass",
    "binary",
    [0, 1],
    1,
  ]);
  expect(valueOf(report, "accuracy")).toBeCloseTo(0.9, 12);
  expect(report.gates).toMatchObject([{ id: "accuracy.min", status: "pass", observed: 0.9 }]);
  expect(report.golden).toBe(golden?.digest);
  expect(report.digest).toBe(digestDocument(report));
});

test("a second run gives the same digests, though its times differ", async () => {
  const [a, b] = [await validate(await validation()), await validate(await validation())];
  expect(a.report.volatile).not.toEqual(b.report.volatile);
  expect([b.report.digest, b.golden?.digest]).toEqual([a.report.digest, a.golden?.digest]);
});

test("budgets are judged, and their measured values stay outside the digest", async () => {
  const gates = { accuracy: { min: 0.8 }, loadTime: { max: 1 }, rss: { max: 1e9 }, modelSize: { max: 1e6 } };
  const slower = { ...threshold, model: { ...threshold.model, loadSeconds: 0.75, rss: 2e8 } };
  const a = await validate(await validation({ gates }));
  const b = await validate(await validation({ gates, scorer: slower }));
  expect(a.report.gates.map(({ status }) => status)).toEqual(["pass", "pass", "pass", "pass"]);
  expect(b.report.digest).toBe(a.report.digest);
  const over = { ...threshold, model: { ...threshold.model, loadSeconds: 2 } };
  expect((await validate(await validation({ gates, scorer: over }))).report.verdict).toBe("fail");
});

test("the inputs' digest is known before scoring, and follows what was validated but not where it lies", async () => {
  const { report } = await validate(await validation({ config: { task: "binary" } }));
  const known = {
    model: model.digest,
    inputs,
    dataset: report.dataset.digest,
    train: null,
    lock: lock.digest,
    config: { task: "binary" },
    baseline: null,
    released: null,
  };
  expect(digestInputs(known)).toBe(report.inputs);
  expect(digestInputs({ ...known, config: { task: "binary", data: "elsewhere.csv" } })).toBe(report.inputs);
  const others = [
    { ...known, model: "sha256:71" as const },
    { ...known, config: { task: "auto" } },
    { ...known, lock: "sha256:11" as const },
    { ...known, baseline: "sha256:60" as const },
    { ...known, train: "sha256:61" as const },
    { ...known, released: { version: "1.0.0", inputs: ["x"] } },
  ];
  expect(new Set([report.inputs, ...others.map(digestInputs)]).size).toBe(7);
});

test("rows go to the scorer in batches, and progress is told", async () => {
  const calls: number[] = [];
  const seen: number[] = [];
  const scorer = scorerOf(({ x }) => ({ label: Number(x) >= 50 ? 1 : 0 }), [0, 1], calls);
  const dataset = await openRows(10_000);
  const { report } = await validate(
    await validation({ scorer, dataset, onProgress: (done) => seen.push(done) }),
  );
  // Then come the few rows that are asked in other ways.
  expect(calls.slice(0, 2)).toEqual([8192, 1808]);
  expect(seen).toEqual([8192, 10_000]);
  expect(valueOf(report, "accuracy")).toBeCloseTo(0.9, 12);
});

test("golden rows are answered alike by the same model, and not by another", async () => {
  const { golden } = await validate(await validation({ dataset: await openRows(1000) }));
  const document = goldenSchema.parse(JSON.parse(JSON.stringify(golden)));
  expect([document.rows, new Set(document.labels)]).toEqual([199, new Set([0, 1])]);
  expect(compareGolden(document, await threshold.score(goldenColumns(document)))).toEqual({
    rows: 199,
    flips: 0,
    maxDelta: 0,
  });
  const other = scorerOf(() => ({ label: 1, chances: [0, 1] }));
  expect(compareGolden(document, await other.score(goldenColumns(document))).flips).toBeGreaterThan(0);
});

describe("against production", () => {
  const before = async (noise: number) =>
    await productionOf(
      scorerOf(({ x }) => ({ label: Number(x) >= 50 + noise ? 1 : 0 })),
      await openRows(2000),
    );

  test.each([
    [20, "pass"],
    [0, "pass"],
    [1, "inconclusive"],
  ])("a candidate beside a production that is off by %d is %s", async (noise, verdict) => {
    const { report } = await validate(
      await validation({
        dataset: await openRows(2000),
        scorer: scorerOf(({ x }) => ({ label: Number(x) >= (noise === 1 ? 53 : 50) ? 1 : 0 })),
        gates: { accuracy: { maxDrop: 0.01 } },
        production: await before(noise === 1 ? 0 : noise),
      }),
    );
    expect([report.verdict, report.baseline]).toEqual([verdict, { version: "1.0.0", model: "sha256:60" }]);
    expect(report.comparisons.map(({ metric }) => metric)).toContain("accuracy");
  });

  test("a candidate that is shown to be worse fails", async () => {
    const { report } = await validate(
      await validation({
        dataset: await openRows(2000),
        scorer: scorerOf(({ x }) => ({ label: Number(x) >= 60 ? 1 : 0 })),
        gates: { accuracy: { maxDrop: 0.01 } },
        production: await before(0),
      }),
    );
    expect(report.gates).toMatchObject([{ id: "accuracy.maxDrop", status: "fail", rowsToDecide: null }]);
  });

  test("a version in production that cannot answer these rows makes the gate an error", async () => {
    const production = {
      version: "1.0.0",
      modelDigest: "sha256:60" as const,
      answered: null,
      reason: "column z is missing",
    };
    const { report } = await validate(
      await validation({ gates: { accuracy: { min: 0.5, maxDrop: 0.01 } }, production }),
    );
    expect(report.verdict).toBe("fail");
    expect(report.gates[1]).toMatchObject({
      status: "error",
      why: expect.stringContaining("column z is missing"),
    });
  });

  test("a first release is skipped: alone it decides nothing, beside a gate that passes it does not matter", async () => {
    const alone = await validate(await validation({ gates: { accuracy: { maxDrop: 0.01 } } }));
    const beside = await validate(await validation({ gates: { accuracy: { min: 0.8, maxDrop: 0.01 } } }));
    expect([alone.report.verdict, beside.report.verdict]).toEqual(["inconclusive", "pass"]);
  });
});

describe("broken models", () => {
  const findingsOf = async (label: (x: number) => Label, chances?: (x: number) => number[]) => {
    const scorer = scorerOf(({ x }) => ({
      label: label(Number(x)),
      ...(chances ? { chances: chances(Number(x)) } : {}),
    }));
    const { report, golden } = await validate(await validation({ scorer, gates: { accuracy: { min: 0 } } }));
    return { found: report.findings.map(({ code }) => code), verdict: report.verdict, golden, report };
  };
  const step = (x: number) => (x >= 50 ? 1 : 0);

  test("a constant answer is a warning", async () => {
    expect(await findingsOf(() => 1)).toMatchObject({ found: ["predictions.constant"], verdict: "pass" });
  });

  test.each<[string, (x: number) => Label, ((x: number) => number[]) | undefined]>([
    ["predictions.non-finite", (x) => (x === 3 ? Number.NaN : step(x)), undefined],
    ["predictions.unknown-class", (x) => (x === 3 ? 7 : step(x)), undefined],
    ["probabilities.non-finite", step, (x) => (x === 3 ? [Number.NaN, 1] : [1, 0])],
    ["probabilities.sum", step, (x) => (x === 3 ? [0.5, 0.4] : [1, 0])],
    ["probabilities.range", step, (x) => (x === 3 ? [-0.5, 1.5] : [1, 0])],
  ])("%s fails the verdict", async (code, label, chances) => {
    const { found, verdict, report } = await findingsOf(label, chances);
    expect([found, verdict]).toEqual([[code], "fail"]);
    expect(reportSchema.safeParse(JSON.parse(JSON.stringify(report))).success).toBe(true);
  });

  test("an answer that no document can hold gives no golden rows", async () => {
    expect((await findingsOf((x) => (x === 3 ? Number.NaN : step(x)))).golden).toBeNull();
  });

  test("float32 rounding of the sum is no sign of one", async () => {
    expect((await findingsOf(step, (x) => [Math.fround(1 - x / 300), Math.fround(x / 300)])).found).toEqual(
      [],
    );
  });
});

describe("tasks", () => {
  test("regression", async () => {
    const rows = Array.from({ length: 100 }, (_none, row) => `${row},${row * 2 + (row % 3) / 10}`);
    const dataset = await openText("r.csv", `x,y\n${rows.join("\n")}\n`);
    const { report, golden } = await validate(
      await validation({
        dataset,
        model: { ...model, classes: null, task: "regression" },
        scorer: scorerOf(({ x }) => ({ label: Number(x) * 2 }), null),
        gates: { mae: { max: 0.2 }, r2: { min: 0.9 } },
      }),
    );
    expect([report.task, report.verdict, report.classes, report.positive]).toEqual([
      "regression",
      "pass",
      null,
      null,
    ]);
    expect(valueOf(report, "mae")).toBeCloseTo(0.099, 12);
    expect(golden?.probabilities).toBeNull();
  });

  test("multiclass with text labels and rows with weights", async () => {
    const names = ["ant", "bee", "cat"];
    const rows = Array.from(
      { length: 90 },
      (_none, row) => `${row % 3},${row % 9 === 0 ? "cat" : names[row % 3]},${row % 9 === 0 ? 0 : 1}`,
    );
    const dataset = await openText("m.csv", `x,y,w\n${rows.join("\n")}\n`, { target: "y", weight: "w" });
    const { report } = await validate(
      await validation({
        dataset,
        model: { ...model, classes: null, task: null },
        scorer: scorerOf(({ x }) => ({ label: names[Number(x)] ?? "" }), names),
        gates: { accuracy: { min: 0.9 } },
      }),
    );
    expect([report.task, report.verdict, report.dataset.weight]).toEqual(["multiclass", "pass", "w"]);
    expect(report.metrics.find(({ name }) => name === "rocAuc")).toMatchObject({ value: null });
  });

  test("the positive class and the threshold change how answers are read", async () => {
    const gates = { recall: { min: 0 } };
    const recallOf = async (config: object) =>
      valueOf((await validate(await validation({ gates, config }))).report, "recall");
    const [one, zero, eager] = await Promise.all([
      recallOf({}),
      recallOf({ positive: 0 }),
      recallOf({ threshold: 0 }),
    ]);
    expect([one, zero, eager]).toEqual([0.9, 0.9, 1]);
    const { report } = await validate(await validation({ gates, config: { threshold: 0.5 } }));
    expect(report.findings.map(({ code }) => code)).toEqual(["threshold.not-served"]);
  });

  test("a model that names no classes has those of its probabilities", async () => {
    const scorer = scorerOf(({ x }) => ({ label: Number(x) >= 50 ? 1 : 0, chances: [0.2, 0.7, 0.1] }), null);
    const anonymous = { ...model, classes: null, task: "multiclass" as const };
    const { report } = await validate(await validation({ scorer, model: anonymous }));
    expect(report.classes).toEqual([0, 1, 2]);
  });
});

describe("refuses", () => {
  const refusal = async (changed: Parameters<typeof validation>[0]) =>
    errorOf(validate(await validation(changed)));

  test("a project without gates, and says what was measured", async () => {
    expect(await refusal({ gates: {} })).toMatchObject({
      code: "gates.none",
      exit: "usage",
      why: expect.stringContaining("accuracy 0.9"),
    });
  });

  test("gates that do not fit the task", async () => {
    expect(await refusal({ gates: { rmse: { max: 1 } } })).toMatchObject({
      code: "gates.not-for-task",
      exit: "usage",
    });
  });

  test("labels that the model does not know, before it runs", async () => {
    const calls: number[] = [];
    const dataset = await openText("d.csv", csv("x,y", "1,benign", ["2,malignant"]));
    const scorer = scorerOf(() => ({ label: 1 }), [0, 1], calls);
    expect([(await refusal({ dataset, scorer })).code, calls]).toEqual(["data.unknown-label", []]);
  });

  test("names in the data and numbers in the answers, when the model names no classes", async () => {
    const dataset = await openText("d.csv", csv("x,y", "1,benign", ["2,malignant"]));
    const scorer = scorerOf(({ x }) => ({ label: Number(x) }), null);
    const anonymous = { ...model, classes: null, task: null };
    expect((await refusal({ dataset, scorer, model: anonymous })).code).toBe("data.unknown-label");
  });

  test("missing inputs, other types and gaps, all at once", async () => {
    const dataset = await openText("d.csv", csv("Xs,t,gap,y", "1,a,1,0", ["1,a,,1"]));
    const asked = ["xs", "t", "gap"].map((name) => ({ name, type: "float64" as const, nullable: false }));
    const error = await refusal({ dataset, inputs: asked });
    expect(error.code).toBe("data.inputs");
    expect(error.problems.map(({ what }) => what)).toEqual([
      'there is no column "xs"',
      'column "t" holds string, the model takes float64',
      'column "gap" has no value in 1 rows, and the model takes no gaps in it',
    ]);
  });

  test.each([
    [{ positive: 7 }, "validate.positive"],
    [{ threshold: 0.5 }, "validate.threshold"],
  ])("a configuration that the model cannot follow: %j", async (config, code) => {
    const scorer = scorerOf(({ x }) => ({ label: Number(x) >= 50 ? 1 : 0 }));
    expect((await refusal({ config, scorer })).code).toBe(code);
  });

  test.each<[string, (rows: number) => { predictions: Label[]; probabilities: number[][] | null }]>([
    ["too few predictions", () => ({ predictions: [1], probabilities: null })],
    [
      "rows of unequal width",
      (rows) => ({
        predictions: Array(rows).fill(1),
        probabilities: Array.from({ length: rows }, (_none, row) => (row ? [1] : [0, 1])),
      }),
    ],
  ])("answers of another shape: %s", async (_case, answer) => {
    const scorer = { ...threshold, predict: predictOf(({ x }) => answer(x?.length ?? 0)) };
    expect((await refusal({ scorer })).code).toBe("score.shape");
  });

  test("probabilities of another number of classes", async () => {
    const scorer = scorerOf(() => ({ label: 1, chances: [0, 1, 0] }));
    expect((await refusal({ scorer })).code).toBe("score.width");
  });

  test("text from a regressor", async () => {
    const scorer = scorerOf(() => ({ label: "much" }), null);
    expect((await refusal({ scorer, model: { ...model, classes: null, task: "regression" } })).code).toBe(
      "score.not-numbers",
    );
  });

  test("to go on after Ctrl-C", async () => {
    const signal = AbortSignal.abort(new Error("interrupted"));
    await expect(validate(await validation({ signal }))).rejects.toThrow("interrupted");
  });
});
