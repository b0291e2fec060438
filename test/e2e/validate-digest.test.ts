// The same model, rows and mlship.yaml give the same report, wherever and however they are judged; anything else does not.
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import type { Report } from "../../src/validation/report.ts";
import { openCancer, openProject, type Project } from "./project.ts";

/** Slices, groups, training rows and every second look: all that a report may hold. */
const validate = {
  data: "test_data.csv",
  train: "train_data.csv",
  threshold: 0.4,
  gates: { accuracy: { min: 0.8 }, averagePrecision: { min: 0.9 }, latencyP99: { max: "60s" } },
  slices: ["worst_texture > 30", { where: "mean_radius > 14", name: "large", gates: {} }],
  fairness: { column: "band", metric: "recall", maxGap: 0.9 },
};

let project: Project;

beforeEach(async () => {
  project = await openCancer();
  await project.write("1.0.0", { validate });
  const [heading = "", ...rows] = (await read("test_data.csv")).trim().split("\n");
  const banded = (some: string[]) =>
    [`${heading},band`, ...some.map((row, at) => `${row},${["low", "high"][at % 2]}`)].join("\n");
  await writeFile(project.file("test_data.csv"), `${banded(rows.slice(0, 200))}\n`);
  await writeFile(project.file("train_data.csv"), `${banded(rows.slice(199))}\n`);
});

afterEach(async () => {
  await project.close();
});

const read = (name: string) => readFile(project.file(name), "utf8");
const change = async (name: string, from: string, to: string) => {
  const text = await read(name);
  expect(text).toContain(from);
  await writeFile(project.file(name), text.replace(from, to));
};

const identity = ({ digest, inputs, dataset }: Report) => ({ digest, inputs, dataset: dataset.digest });
const judged = async (exit = 0) => await project.json<Report>(["validate"], exit);

test("twice, elsewhere, as somebody else, on one processor, with new environments: one digest", async () => {
  const first = await judged();
  expect(first.data.trainOverlap).toMatchObject({ rows: 1 });
  expect(first.fairness[0]?.groups).toHaveLength(2);
  expect(identity(await judged())).toEqual(identity(first));

  const other = await openProject();
  onTestFinished(() => other.close());
  for (const name of ["mlship.yaml", "model.joblib", "test_data.csv", "train_data.csv"])
    await cp(project.file(name), other.file(name));
  // uv and its wheels are kept; the environment and the lock are made anew.
  const kept = process.env["MLSHIP_CACHE"] ?? path.join(homedir(), ".cache", "mlship");
  const cache = await mkdtemp(path.join(tmpdir(), "mlship-cache-"));
  onTestFinished(() => rm(cache, { recursive: true, force: true }));
  for (const name of ["tools", "uv"]) await symlink(path.join(kept, name), path.join(cache, name));
  const somebody = {
    MLSHIP_CACHE: cache,
    HOME: cache,
    USER: "ana",
    LOGNAME: "ana",
    TZ: "Asia/Kathmandu",
    LANG: "tr_TR.UTF-8",
    LC_ALL: "tr_TR.UTF-8",
    TMPDIR: cache,
  };
  const far = await other.start(["validate", "--json"], somebody, ["taskset", "-c", "0"]).ended;
  expect([far.code, far.stderr]).toEqual([0, expect.stringContaining("locked by hash")]);
  const { volatile: _here, ...here } = first;
  const { volatile: _there, ...there } = JSON.parse(far.stdout) as Report;
  expect(there).toEqual(here);
});

test("another row, threshold, gate, training row or model: other inputs, another digest", async () => {
  const reports = [await judged()];
  // Where the rows lie and what their file is called is no part of the evidence.
  await cp(project.file("test_data.csv"), path.join(await project.mkdir("data"), "rows.csv"));
  await change("mlship.yaml", '"data": "test_data.csv"', '"data": "data/rows.csv"');
  expect((await judged()).digest).toBe(reports[0]?.digest);
  await change("mlship.yaml", '"data": "data/rows.csv"', '"data": "test_data.csv"');
  // A cell that changes no metric: the digest is of what was looked at, not of what came out.
  const row = (await read("test_data.csv")).split("\n")[1] ?? "";
  await change(
    "test_data.csv",
    row,
    row.replace(/^[^,]*/, (cell) => `${cell}1`),
  );
  reports.push(await judged());
  await change("mlship.yaml", '"threshold": 0.4', '"threshold": 0.41');
  reports.push(await judged());
  await change("mlship.yaml", '"min": 0.8', '"min": 0.81');
  reports.push(await judged());
  const known = (await read("train_data.csv")).trim().split("\n").at(-1) ?? "";
  await writeFile(project.file("train_data.csv"), `${await read("train_data.csv")}${known}\n`);
  reports.push(await judged());
  const yaml = await read("mlship.yaml");
  await project.handOver("1.1.0");
  await writeFile(project.file("mlship.yaml"), yaml);
  reports.push(await judged());
  for (const of of ["digest", "inputs"] as const)
    expect(new Set(reports.map((report) => report[of])).size).toBe(reports.length);
});
