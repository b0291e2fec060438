// What the Python runner costs above a bare script, without statistics: node test/bench/validation/runner.ts PYTHON FOLDER [rounds]
// PYTHON has the server's requirements and scikit-learn; FOLDER is what make.py made. Reads the same CSV, loads, predicts.
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serverFolder } from "../../../scripts/server-environment.ts";
import { modulesOf } from "../../../src/commands/start-early.ts";
import { createScorers } from "../../../src/tools/python/scorer.ts";
import { inspectModel } from "../../../src/model/inspect.ts";
import { exactLibraries } from "../../../src/model/requirements.ts";
import { openDataset } from "../../../src/validation/dataset.ts";
import { scoreRows } from "../../../src/validation/score.ts";
import { measure, type Run } from "./measure.ts";

const [python = "", folder = "", rounds = "5"] = process.argv.slice(2);
const inChild = process.env["MLSHIP_BENCH_CHILD"] === "yes";

/** The part of a validation that the bare script does too. */
async function loadAndPredict(): Promise<void> {
  const bundle = await mkdtemp(join(tmpdir(), "mlship-bench-"));
  const entry = "model.joblib";
  await copyFile(join(folder, "joblib", entry), join(bundle, entry));
  const model = await inspectModel(join(bundle, entry), { trust: [], handler: false });
  const { format, digest, reaches, classes } = model;
  const lock = {
    python: "",
    platform: "",
    requirements: "",
    server: { digest, files: [], size: 0 },
    digest,
  };
  // The runner hands on no PYTHONPATH: this interpreter knows the server without being told.
  const interpreter = join(bundle, "environment", "bin", "python");
  await mkdir(join(bundle, "environment", "bin"), { recursive: true });
  const start = `#!/bin/sh\nPYTHONPATH='${serverFolder}' exec '${python}' "$@"\n`;
  await writeFile(interpreter, start, { mode: 0o755 });
  const scorers = createScorers({ env: process.env, pid: process.pid });
  const waiting = await scorers.start(
    { lock, python: interpreter },
    bundle,
    modulesOf({ model, handler: null }),
  );
  const dataset = await openDataset(join(folder, "rows.csv"), { target: "target" }, join(bundle, "spill"));
  try {
    const inputs = dataset.features.map(({ name, type, nullable }) => ({ name, type, nullable }));
    const document = {
      schema: "mlship.bundle/v1",
      name: "bench",
      version: "1.0.0",
      digest,
      format,
      entry,
      handler: null,
      task: "binary",
      classes,
      inputs,
      libraries: exactLibraries(model),
      allowed: reaches,
    };
    await writeFile(join(bundle, "mlship.json"), JSON.stringify(document));
    const scorer = await waiting.load();
    const { rows } = dataset;
    const { predictions } = await scoreRows({ inputs, dataset, scorer });
    if (predictions.length !== rows) throw new Error("rows are missing");
    await scorer.close();
  } finally {
    dataset.close();
    await waiting.close();
    await rm(bundle, { recursive: true });
  }
}

async function compare(): Promise<void> {
  const bare = [python, join(import.meta.dirname, "peer.py"), "bare", folder];
  const runner = ["env", "MLSHIP_BENCH_CHILD=yes", process.execPath];
  const contenders = {
    "bare load + predict": bare,
    "mlship: read, scan, load, predict": [...runner, import.meta.filename, python, folder],
  };
  const runs = Object.entries(contenders).map(([name, command]) => ({ name, command, all: [] as Run[] }));
  // The first round fills caches and is not counted.
  for (let round = 0; round <= Number(rounds); round++) {
    for (const { command, all } of runs) {
      const run = await measure(command, folder);
      if (round > 0) all.push(run);
    }
  }
  for (const { name, all } of runs) {
    const shown = all.map(({ wall, cpu }) => `${wall.toFixed(2)} s/${cpu.toFixed(2)} CPU-s`).join("  ");
    console.log(`${name.padEnd(36)} ${shown}`);
  }
}

await (inChild ? loadAndPredict() : compare());
