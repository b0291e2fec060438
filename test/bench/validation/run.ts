// What `mlship validate` costs beside Python doing the same without statistics: node test/bench/validation/run.ts [rounds] [rows to stream]
import { DuckDBInstance } from "@duckdb/node-api";
import { spawnSync } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { root, serverEnvironment } from "../../../scripts/server-environment.ts";
import { measure, type Run } from "./measure.ts";

const here = import.meta.dirname;
const rounds = Number(process.argv[2] ?? 5);
/** 0 leaves the long run out; 10000000 is what the target names. */
const streamed = Number(process.argv[3] ?? 0);
const rows = 100_000;
const mlship = [process.execPath, resolve(root, "bin", "mlship.js")];
const judge = [...mlship, "validate", "--quiet"];

const python = await serverEnvironment([join(root, "templates/server/tests/requirements.txt")]);
const peer = [python, join(here, "peer.py")];
const folder = await mkdtemp(join(tmpdir(), "mlship-bench-"));
try {
  const made = spawnSync(python, [join(here, "make.py"), folder, String(rows)], { encoding: "utf8" });
  if (made.status !== 0) throw new Error(`the models could not be trained:\n${made.stderr}`);
  const [onnx, joblib] = [join(folder, "onnx"), join(folder, "joblib")];
  const contenders: Record<string, { command: string[]; cwd: string }> = {
    "mlship, ONNX, with HTML": { command: [...judge, "--html", "report.html"], cwd: onnx },
    "Python peer, ONNX": { command: [...peer, "onnx", folder], cwd: folder },
    "mlship, joblib": { command: judge, cwd: joblib },
    "Python peer, joblib": { command: [...peer, "joblib", folder], cwd: folder },
    "bare load + predict, joblib": { command: [...peer, "bare", folder], cwd: folder },
  };
  console.log(
    `Node ${process.version}, ${rows} rows x 30 columns of CSV, ${rounds} interleaved rounds, medians`,
  );
  const runs = Object.fromEntries(Object.keys(contenders).map((name) => [name, [] as Run[]]));
  // The first round makes environments and fills caches, and is not counted.
  for (let round = 0; round <= rounds; round++) {
    for (const [name, { command, cwd }] of Object.entries(contenders)) {
      const run = await measure(command, cwd);
      if (round > 0) runs[name]?.push(run);
    }
  }
  for (const [name, all] of Object.entries(runs)) show(name, all);
  await showScoring(joblib);
  if (streamed > 0) {
    await makeRows(join(folder, "rows.parquet"), streamed);
    const text = await readFile(join(onnx, "mlship.yaml"), "utf8");
    const large = join(folder, "large");
    await mkdir(large);
    await copyFile(join(onnx, "model.onnx"), join(large, "model.onnx"));
    await writeFile(join(large, "mlship.yaml"), text.replace("rows.csv", "rows.parquet"));
    show(`mlship, ONNX, ${streamed} rows of Parquet`, [await measure(judge, large)]);
  }
} finally {
  await rm(folder, { recursive: true });
}

function show(name: string, runs: readonly Run[]): void {
  const median = (pick: (run: Run) => number) =>
    runs.map(pick).toSorted((a, b) => a - b)[Math.floor(runs.length / 2)] ?? Number.NaN;
  const walls = runs.map(({ wall }) => wall.toFixed(2)).join(" ");
  console.log(
    `${name.padEnd(40)} ${median(({ wall }) => wall).toFixed(2)} s  ${median(({ cpu }) => cpu).toFixed(2)} CPU-s  ${(median(({ peak }) => peak) / 1e6).toFixed(0)} MB   (${walls})`,
  );
}

/** What the runner itself says of the joblib model: the time in which rows were read, sent, scored and gathered. */
async function showScoring(project: string): Promise<void> {
  await measure([...judge, "--output", "report.json"], project);
  const report: unknown = JSON.parse(await readFile(join(project, "report.json"), "utf8"));
  const { volatile } = report as { volatile: { performance: Record<string, number> } };
  const { loadSeconds = 0, scoreSeconds = 0 } = volatile.performance;
  console.log(`of it, joblib: ${loadSeconds.toFixed(2)} s to load, ${scoreSeconds.toFixed(2)} s to score`);
}

/** Rows like those of make.py, drawn by DuckDB. */
async function makeRows(file: string, count: number): Promise<void> {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const normal = "(sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()))::float";
  const names = Array.from({ length: 30 }, (_none, place) => `f${String(place).padStart(2, "0")}`);
  await connection.run(
    `copy (select *, (f00 + f01 * f02 / 2 - abs(f03) + ln(1 / random() - 1) > -0.8)::bigint as target
      from (select ${names.map((name) => `${normal} as ${name}`).join()} from range(${count})))
      to '${file}' (format parquet)`,
  );
  connection.closeSync();
}
