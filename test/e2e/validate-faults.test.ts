// `mlship validate` when it is stopped, when a disk is full, and when a handler or a file is not what it should be.
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Report } from "../../src/validation/report.ts";
import { eventually, openCancer, type Project, type Running } from "./project.ts";

const handled = { model: { handler: "handler.py" } };
const slow = `import time
def postprocess(outputs, columns):
    time.sleep(120)
    return outputs
`;

let project: Project;

beforeEach(async () => {
  project = await openCancer();
});

afterEach(async () => {
  await project.close();
});

const outputs = ["-o", "r.json", "--html", "r.html", "--junit", "r.xml", "--markdown", "r.md"];
const own = new Set(["mlship.yaml", "model.joblib", "test_data.csv", "two.csv", "handler.py"]);

/** Files beside the project's own ones, and what is in mlship's folder of unfinished work. */
async function left(): Promise<{ files: string[]; staging: string[] }> {
  const names = await readdir(project.folder);
  const files = names.filter((name) => !own.has(name) && name !== ".mlship");
  return { files, staging: await readdir(project.file(".mlship", "staging")).catch(() => []) };
}

/** Starts a validation whose handler takes long, and waits until Python is at it. */
async function startSlow(): Promise<Running> {
  await project.handle(slow);
  await project.write("1.0.0", handled);
  const running = project.start(["validate", ...outputs]);
  await eventually("the model is scored", () => running.told().includes("- score"), 60);
  await eventually("Python runs", async () => (await project.processes()).length > 1);
  return running;
}

test("Ctrl-C while a handler works: 130, and nothing stays; the next run is whole", async () => {
  const running = await startSlow();
  running.process.kill("SIGINT");
  expect((await running.ended).code).toBe(130);
  await eventually("no process is left", async () => (await project.processes()).length === 0, 10);
  expect(await left()).toEqual({ files: [], staging: [] });

  await project.handle("def postprocess(outputs, columns):\n    return outputs\n");
  await project.mlship(["validate", ...outputs]);
  expect((await left()).files.toSorted()).toEqual(["r.html", "r.json", "r.md", "r.xml"]);
});

test("SIGKILL while a handler works: no file is half written, Python ends by itself, the next run is whole", async () => {
  const running = await startSlow();
  running.process.kill("SIGKILL");
  await running.ended;
  expect((await left()).files).toEqual([]);
  await eventually("no process is left", async () => (await project.processes()).length === 0, 60);

  await project.handle("def postprocess(outputs, columns):\n    return outputs\n");
  await project.mlship(["validate", ...outputs]);
  expect((await left()).files.toSorted()).toEqual(["r.html", "r.json", "r.md", "r.xml"]);
});

test("a full disk is one error that names the file; what was there before stays", async () => {
  await mkdir(project.file("out"));
  const command = 'mount -t tmpfs -o size=16k none out && "$@"; code=$?; ls out; exit $code';
  const through = ["unshare", "--mount", "--map-root-user", "sh", "-c", command, "sh"];
  const words = ["validate", "-q", "--markdown", "out/r.md", "--html", "out/r.html"];
  const { code, stdout, stderr, told } = await project.start(words, {}, through).ended;
  expect([code, stderr]).toEqual([2, expect.stringContaining("--html out/r.html")]);
  expect(told).toMatch(/no space|disk is full/i);
  expect(stderr).not.toContain("fault in mlship");
  // Only what `ls` found: no part of the page.
  expect(stdout.trim().split("\n")).not.toContain("r.html");
  expect(stdout).not.toContain(".part");
});

/** The document of an error. */
interface Fault {
  code: string;
  what: string;
  why?: string;
  fix?: string;
}

const postprocess = (line: string) => `import os, sys, time
import numpy as np
def postprocess(outputs, columns):
    ${line}
`;

test.each<[name: string, line: string, code: string, words: RegExp]>([
  ["dies where its model is loaded", "os._exit(7)", "model.load-failed", /7/],
  ["dies with the rows", "return outputs if len(columns['mean_radius']) < 9 else os._exit(7)", "score.", /7/],
  ["raises", "raise ValueError('no such tariff')", "score.failed", /no such tariff/],
  ["gives too few rows", "return {k: v[:-1] for k, v in outputs.items()}", "score.", /rows/],
  [
    "gives another shape",
    "return {'predictions': np.zeros((len(outputs['predictions']), 2, 2))}",
    "score.",
    /shape|dimension/,
  ],
])("a handler that %s is one error with its reason", async (_name, line, code, words) => {
  await project.handle(postprocess(line));
  await project.write("1.0.0", handled);
  const fault = await project.json<Fault>(["validate", ...outputs], 2);
  expect(fault.code).toContain(code);
  expect(`${fault.what} ${fault.why}`).toMatch(words);
  expect(await left()).toEqual({ files: [], staging: [] });
});

test("a handler that prints, and one that answers NaN: the first is scored, the second refused by name", async () => {
  await project.handle(
    postprocess("print('{\"ready\": 1}', flush=True); os.write(1, b'x' * 100000); return outputs"),
  );
  await project.write("1.0.0", handled);
  expect((await project.json<Report>(["validate"])).verdict).toBe("pass");
  await project.handle(postprocess("return {**outputs, 'probabilities': outputs['probabilities'] * np.nan}"));
  const report = await project.json<Report>(["validate"], 3);
  expect(report.findings.map(({ code, severity }) => `${code} ${severity}`)).toContain(
    "probabilities.non-finite fail",
  );
  expect(report.golden).toBeNull();
});

test.each<[name: string, validate: object, words: RegExp]>([
  ["no training rows", { train: "nowhere.csv" }, /nowhere\.csv/],
  ["training rows that are no table", { train: "model.joblib" }, /model\.joblib/],
  ["a predicate that writes", { slices: ["1 = 1; drop table rows"] }, /drop table/],
  ["two columns to predict for one answer", { data: "two.csv", target: ["target", "second"] }, /target/],
])("%s: one error that names it, and no report", async (_name, validate, words) => {
  const [heading = "", ...rows] = (await readFile(project.file("test_data.csv"), "utf8")).trim().split("\n");
  await writeFile(
    project.file("two.csv"),
    `${[`${heading},second`, ...rows.map((row) => `${row},1`)].join("\n")}\n`,
  );
  await project.write("1.0.0", {
    validate: { data: "test_data.csv", gates: { accuracy: { min: 0.5 } }, ...validate },
  });
  const fault = await project.json<Fault>(["validate", ...outputs], 2);
  expect(`${fault.what} ${fault.why}`).toMatch(words);
  expect(fault.fix).toMatch(/\w/);
  expect(await left()).toEqual({ files: [], staging: [] });
});

test("a slice without a row is inconclusive by name, and the others are judged", async () => {
  await project.write("1.0.0", {
    validate: {
      data: "test_data.csv",
      gates: { accuracy: { min: 0.5 } },
      slices: ["worst_texture > 1000", "worst_texture > 20"],
    },
  });
  const report = await project.json<Report>(["validate"], 4);
  expect(report.gates.map(({ id, status }) => `${id} ${status}`)).toEqual([
    "accuracy.min pass",
    "accuracy.min[worst_texture > 1000] inconclusive",
    "accuracy.min[worst_texture > 20] pass",
  ]);
});
