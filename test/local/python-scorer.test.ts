import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MlshipError } from "../../src/errors.ts";
import { createEnvironments } from "../../src/tools/python/environments.ts";
import { createScorers } from "../../src/tools/python/scorer.ts";
import type { ScorersOptions } from "../../src/tools/python/scorer.ts";
import type { Batch } from "../../src/validation/batch.ts";
import type { Environment, Scorer } from "../../src/validation/ports.ts";

let scratch: string;
let environment: Environment;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "mlship-scorer-"));
  const environments = createEnvironments({
    cacheFolder: join(scratch, "cache"),
    lockFolder: join(scratch, "locks"),
    serverFolder: join(import.meta.dirname, "python-server"),
    env: process.env,
  });
  environment = await environments.prepare(await environments.lock([], "auto"));
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Opens a scorer that behaves as told; see python-server. */
function open(behaviour: string, options: Partial<ScorersOptions> = {}): Promise<Scorer> {
  const bundle = mkdtempSync(join(scratch, "bundle-"));
  writeFileSync(join(bundle, "behaviour"), behaviour);
  return createScorers({ env: process.env, pid: process.pid, ...options }).open(environment, bundle);
}

describe("a scorer that was started early", () => {
  it("reads its bundle when it is told to load", async () => {
    const bundle = mkdtempSync(join(scratch, "bundle-"));
    const scorers = createScorers({ env: process.env, pid: process.pid });
    const waiting = await scorers.start(environment, bundle, ["colorsys"]);
    writeFileSync(join(bundle, "behaviour"), "well");
    const scorer = await waiting.load();
    expect(await scorer.score({ x: [4] })).toMatchObject({ predictions: [8] });
    await scorer.close();
    await waiting.close();
  });

  it("ends without having loaded", async () => {
    const scorers = createScorers({ env: process.env, pid: process.pid });
    const waiting = await scorers.start(environment, join(scratch, "none"), ["colorsys"]);
    await waiting.close();
    const reason = await waiting.load().catch((error: unknown) => error);
    expect(reason).toMatchObject({ code: "model.load-failed" });
  });
});

describe("a scorer", () => {
  it("says what it loaded and answers requests in their order", async () => {
    const scorer = await open("well");
    expect(scorer.model).toMatchObject({
      classes: ["a", "b"],
      libraries: { threadpoolctl: expect.any(String) },
    });
    const answers = await Promise.all([1, 2, 3].map((x) => scorer.score({ x: [x, 10 * x] })));
    expect(answers.map((answer) => answer.predictions)).toEqual([
      [2, 20],
      [4, 40],
      [6, 60],
    ]);
    await scorer.close();
  });

  it("carries a request and an answer of many megabytes", async () => {
    const scorer = await open("well");
    const x = Array.from({ length: 300_000 }, (_, row) => row + 0.125);
    const answer = await scorer.score({ x });
    expect(answer.predictions[299_999]).toBe(2 * 299_999.125);
    expect(answer.probabilities).toHaveLength(300_000);
    await scorer.close();
  });

  it("carries batches as bytes, several at once, each with its own answer", async () => {
    const scorer = await open("well");
    const answers = await Promise.all([1, 2, 3].map((rows) => scorer.predict(batchOf(rows * 50_000))));
    for (const [place, { predictions, probabilities, outputs, width }] of answers.entries()) {
      const rows = (place + 1) * 50_000;
      expect([predictions.length, predictions.at(rows - 1), outputs, width]).toEqual([rows, 2 * rows, 1, 2]);
      expect(probabilities?.subarray(-2)).toEqual(new Float64Array([0.25, 0.75]));
    }
    const { predictions } = await scorer.predict({
      ...batchOf(3),
      texts: [{ name: "s", words: ["née", "b\n"] }],
      textBlock: new Int32Array([1, -1, 0]),
    });
    expect([0, 1, 2].map((row) => predictions.at(row))).toEqual(["b\n", "missing", "née"]);
    expect(await scorer.score({ x: [4] })).toMatchObject({ predictions: [8] });
    await scorer.close();
  });

  it("goes on after a batch that the model refuses", async () => {
    const scorer = await open("refuse-batch");
    const refused = await Promise.allSettled([scorer.predict(batchOf(10)), scorer.predict(batchOf(10))]);
    expect(refused.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await scorer.score({ x: [1] })).toMatchObject({ predictions: [2] });
    await scorer.close();
  });

  it("says so when Python ends in the middle of a batch's answer", async () => {
    const scorer = await open("short-batch");
    await expect(scorer.predict(batchOf(10))).rejects.toMatchObject({
      code: "score.died",
      why: expect.stringContaining("gone in the middle"),
    });
    await scorer.close();
  });

  it("goes on after rows that the model refuses", async () => {
    const scorer = await open("well");
    await expect(scorer.score({ x: ["bad"] })).rejects.toMatchObject({
      code: "score.bad-input",
      why: "x must be a number",
    });
    expect(await scorer.score({ x: [1] })).toMatchObject({ predictions: [2] });
    await scorer.close();
  });

  it("keeps secrets from the model's code", async () => {
    const scorer = await open("environment", {
      env: { ...process.env, AWS_SECRET_ACCESS_KEY: "secret", PYTHONPATH: "/" },
    });
    const { predictions } = await scorer.score({ x: [1] });
    expect(JSON.parse(String(predictions[0]))).not.toEqual(expect.arrayContaining(["AWS_SECRET_ACCESS_KEY"]));
    expect(JSON.parse(String(predictions[0]))).not.toEqual(expect.arrayContaining(["PYTHONPATH"]));
    await scorer.close();
  });

  it.each([
    ["refuse-on-load", "needs scikit-learn 1.5.2"],
    ["die-on-load", "cannot import name 'Trees'"],
    ["hang-on-load", "waited 0.5 s for the model to load"],
  ])("that should %s says why the model cannot be loaded", async (behaviour, why) => {
    const opening = open(behaviour, behaviour === "hang-on-load" ? { loadTimeoutMs: 500 } : {});
    await expect(opening).rejects.toMatchObject({
      code: "model.load-failed",
      why: expect.stringContaining(why),
    });
  });

  it.each([
    ["die", "score.died", "segmentation fault, almost"],
    ["garbage", "score.bad-reply", ""],
    ["short", "score.bad-reply", ""],
    ["hang", "score.timeout", ""],
  ])("that should %s while scoring ends in %s", async (behaviour, code, why) => {
    const scorer = await open(behaviour, behaviour === "hang" ? { requestTimeoutMs: 500 } : {});
    const error = await scorer.score({ x: [1, 2] }).catch((thrown: unknown) => thrown as MlshipError);
    expect(error).toMatchObject({ code });
    expect("why" in error ? (error.why ?? "") : null).toContain(why);
    await scorer.close();
  });

  it("keeps failing, and does not hang, once its process died", async () => {
    const scorer = await open("die");
    await expect(scorer.score({ x: [1] })).rejects.toMatchObject({ code: "score.died" });
    await expect(scorer.score({ x: [1] })).rejects.toMatchObject({ code: "score.died" });
    await scorer.close();
  });

  it("leaves no process when it is closed or aborted", async () => {
    const controller = new AbortController();
    const aborted = await open("hang", { signal: controller.signal });
    const waiting = aborted.score({ x: [1] });
    const closed = await open("well");
    expect(running()).toHaveLength(2);
    controller.abort(new Error("stopped by the test"));
    await expect(waiting).rejects.toThrow("stopped by the test");
    await closed.close();
    expect(running()).toEqual([]);
  });

  it("says so when the environment's interpreter is not there", async () => {
    const gone = { ...environment, python: join(scratch, "cache", "gone", "bin", "python") };
    const opening = createScorers({ env: process.env, pid: process.pid }).open(gone, scratch);
    await expect(opening).rejects.toMatchObject({
      code: "model.load-failed",
      why: expect.stringContaining("ENOENT"),
    });
  });
});

/** x is 1 … rows. */
function batchOf(rows: number): Batch {
  const numberBlock = Float64Array.from({ length: rows }, (_none, row) => row + 1);
  return { rows, numbers: ["x"], numberBlock, texts: [], textBlock: new Int32Array(0) };
}

/** Command lines of the processes that run in this test's environment. */
function running(): string[] {
  const all = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" }).split("\n");
  return all.filter((line) => line.startsWith(environment.python));
}
