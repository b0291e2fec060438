// What the checks find reaches the report and its verdict, the same digits every time.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openDataset } from "../../../../src/validation/dataset.ts";
import { reportSchema } from "../../../../src/validation/report.ts";
import { validate } from "../../../../src/validation/validate.ts";
import { keepOpen, tempFolder } from "../files.ts";
import { model, scorerOf, threshold, validation } from "../world.ts";

/** Rows x, k, y whose x starts at `from`; k is no input of the model. */
const table = (from: number, rows: number) =>
  `x,k,y\n${Array.from({ length: rows }, (_none, row) => `${(from + row) / 10},${row},${(from + row) / 10 >= 50 ? 1 : 0}`).join("\n")}\n`;

async function openBeside(train: string) {
  const folder = await tempFolder();
  const files = { rows: join(folder, "test.csv"), train: join(folder, "train.csv") };
  await Promise.all([writeFile(files.rows, table(400, 200)), writeFile(files.train, train)]);
  return keepOpen(await openDataset(files.rows, { target: "y", train: files.train }));
}

test("leaked rows fail a verdict that every gate would let pass", async () => {
  const { report } = await validate(await validation({ dataset: await openBeside(table(450, 400)) }));
  expect(reportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
  expect([report.verdict, report.gates.map(({ status }) => status)]).toEqual(["fail", ["pass"]]);
  expect(report.findings.map(({ code, severity }) => [code, severity])).toEqual([
    ["data.leaked-rows", "fail"],
    ["data.out-of-range", "warn"],
  ]);
  expect(report.data).toMatchObject({
    trainOverlap: { trainRows: 400, rows: 150, sameLabel: 150 },
    range: [{ column: "x", low: 45, high: 84.9, below: 50, above: 0 }],
  });
});

test("honest rows pass, and the report carries the baseline: features of training, answers of the test", async () => {
  const train = table(395, 210).replaceAll(/^(\d+\.?\d*),/gm, "$101,");
  const of = async () => await validate(await validation({ dataset: await openBeside(train) }));
  const [{ report }, again] = await Promise.all([of(), of()]);
  expect([report.verdict, report.findings]).toEqual(["pass", []]);
  expect(report.profile).toMatchObject({
    from: "train",
    features: [{ kind: "numbers", name: "x", rows: 210 }],
    predictions: [
      { kind: "categories", name: "prediction", top: [{ count: 100 }, { count: 100 }] },
      { kind: "numbers", name: "probability", rows: 200 },
    ],
  });
  expect(report.volatile.performance).toMatchObject({ latency: { p50: 0.001, p99: 0.002 }, peakRss: 2e8 });
  expect(again.report.digest).toBe(report.digest);
});

test("a model saved with another scikit-learn fails, one by a smaller step warns", async () => {
  const of = async (version: string) => {
    const saved = { ...model, libraries: { "scikit-learn": version } };
    const { report } = await validate(await validation({ model: saved }));
    return [report.verdict, ...report.findings.map(({ code }) => code)];
  };
  // The scorer of these tests found 1.6.1.
  expect(await of("1.5.2")).toEqual(["fail", "libraries.skew"]);
  expect(await of("1.6.0")).toEqual(["pass", "libraries.skew"]);
  expect(await of("1.6.1")).toEqual(["pass"]);
});

test("answers that are not finite are not asked for again, and the report says so", async () => {
  const broken = scorerOf(({ x }) => ({ label: Number(x) === 3 ? Number.NaN : 1 }));
  const { report } = await validate(await validation({ scorer: broken, gates: { accuracy: { min: 0 } } }));
  expect(report.robustness.map(({ rows, reason }) => [rows, reason])).toEqual([
    [0, "not every answer is a finite number"],
    [0, "not every answer is a finite number"],
    [0, "not every answer is a finite number"],
  ]);
});

test("a gate on the latency is judged on what was measured", async () => {
  const of = async (max: number) => {
    const { report } = await validate(
      await validation({ gates: { accuracy: { min: 0.8 }, latencyP99: { max } } }),
    );
    return report.gates.map(({ id, status }) => `${id} ${status}`);
  };
  expect(await of(0.003)).toEqual(["accuracy.min pass", "latencyP99.max pass"]);
  expect(await of(0.001)).toEqual(["accuracy.min pass", "latencyP99.max fail"]);
  const slow = {
    ...threshold,
    measure: () => Promise.resolve({ latency: { p50: 1, p99: 2, calls: 3 }, peakRss: 1 }),
  };
  const { report } = await validate(await validation({ scorer: slow }));
  expect(report.volatile.performance.latency).toBeNull();
});
