// What validation finds in models that run in a real Python: each bug by its name, and nothing in a sound model.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleSchema } from "../../src/model/bundle.ts";
import { createEnvironments } from "../../src/tools/python/environments.ts";
import { createScorers } from "../../src/tools/python/scorer.ts";
import type { Environment } from "../../src/validation/ports.ts";
import { validate } from "../../src/validation/validate.ts";
import { inputs, model, validation } from "../unit/validation/world.ts";

let scratch: string;
let environment: Environment;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "mlship-checks-"));
  const environments = createEnvironments({
    cacheFolder: process.env["MLSHIP_CACHE"] ?? join(homedir(), ".cache", "mlship"),
    lockFolder: join(scratch, "locks"),
    serverFolder: join(import.meta.dirname, "../../templates/server"),
    env: process.env,
  });
  environment = await environments.prepare(await environments.lock([], "auto"));
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A handler whose probability of 1 is what the line makes of the array `x`, which runs from 0 to 1. */
const handlerOf = (line: string, after = "") => `
import os
import numpy as np

def load(folder):
    return None

def preprocess(columns):
    return columns["x"] / 100

def predict(model, x):
    p = np.clip(${line}, 0, 1)
    return {"predictions": (p >= 0.5).astype(int), "probabilities": np.column_stack([1 - p, p])}
${after}
`;

async function findings(handler: string, effort: "quick" | "full" = "quick") {
  const folder = mkdtempSync(join(scratch, "bundle-"));
  writeFileSync(join(folder, "model.bin"), "none");
  writeFileSync(join(folder, "handler.py"), handler);
  const { digest } = model;
  const bundle = bundleSchema.parse({
    schema: "mlship.bundle/v1",
    name: "checked",
    version: "1.0.0",
    digest: `sha256:${"a".repeat(64)}`,
    format: "sklearn",
    entry: "model.bin",
    handler: "handler.py",
    task: "binary",
    classes: [0, 1],
    inputs,
    libraries: {},
    allowed: [],
  });
  writeFileSync(join(folder, "mlship.json"), JSON.stringify(bundle));
  const scorers = createScorers({ env: process.env, pid: process.pid });
  const scorer = await scorers.open(environment, folder);
  try {
    const { report } = await validate(
      await validation({
        scorer,
        model: { ...model, digest },
        effort,
        openThreaded: () => scorers.open(environment, folder, 2),
        gates: { accuracy: { min: 0 }, latencyP99: { max: 60 } },
      }),
    );
    return { report, codes: report.findings.map(({ code, severity }) => `${code} ${severity}`) };
  } finally {
    await scorer.close();
  }
}

test("a sound model shows nothing, and what a row costs is measured", async () => {
  const { report, codes } = await findings(handlerOf("x"), "full");
  expect([codes, report.verdict]).toEqual([[], "pass"]);
  expect(report.robustness.map(({ rows, reason }) => [rows, reason])).toEqual([
    [64, null],
    [64, null],
    [64, null],
  ]);
  const { latency, peakRss, rss } = report.volatile.performance;
  expect(latency?.p50).toBeGreaterThan(0);
  expect(latency?.p99).toBeGreaterThanOrEqual(latency?.p50 ?? 0);
  // Of Python alone, not of the process that started it.
  expect(peakRss).toBeGreaterThan(rss / 2);
  expect(report.gates.map(({ id, status }) => `${id} ${status}`)).toContain("latencyP99.max pass");
});

describe("finds", () => {
  test.each([
    ["a normalisation over the batch", handlerOf("x - x.mean() + 0.5"), "robustness.batch-size fail"],
    ["a trace of one", handlerOf("x - 0.001 * x.mean()"), "robustness.batch-size warn"],
    [
      "probabilities in the other order",
      handlerOf(
        "x",
        "\ndef postprocess(outputs, columns):\n    return {**outputs, 'probabilities': outputs['probabilities'][:, ::-1]}",
      ),
      "probabilities.class-order fail",
    ],
    ["swapped classes", handlerOf("1 - x"), "predictions.swapped-classes fail"],
  ])("%s", async (_bug, handler, code) => {
    const { codes, report } = await findings(handler);
    expect(codes).toEqual([code]);
    expect(report.verdict).toBe(code.endsWith("fail") ? "fail" : "pass");
  });

  test("what depends on the number of threads, where it is asked for", async () => {
    const handler = handlerOf("x + 0.001 * int(os.environ['OMP_NUM_THREADS'])");
    expect((await findings(handler, "quick")).codes).toEqual([]);
    expect((await findings(handler, "full")).codes).toEqual(["robustness.threads warn"]);
  });
});
