// A paired bootstrap of two areas under the ROC curve, beside a loop over scikit-learn in the same run.
// node test/bench/validation/bootstrap.ts PYTHON [rows] [draws] [draws of the peer]
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Probabilities } from "../../../src/validation/metrics/answers.ts";
import { rocAuc } from "../../../src/validation/metrics/ranking.ts";
import { drawPaired } from "../../../src/validation/statistics/bootstrap.ts";
import { Stream } from "../../../src/validation/statistics/random.ts";
import { binaryWorld } from "./worlds.ts";

const python = process.argv[2] ?? "python3";
const [rows = 100_000, draws = 2000, peerDraws = 20] = process.argv.slice(3).map(Number);
const [candidate, production] = binaryWorld("bench", 0.3, 0.5).make(new Stream(1, 1), rows);
const chance = (probabilities: Probabilities | null) =>
  Float64Array.from({ length: rows }, (_none, row) => probabilities?.[2 * row + 1] ?? 0);

const began = performance.now();
const found = drawPaired(
  candidate,
  production,
  { name: "rocAuc", average: null },
  { seed: 1, from: 0, to: draws },
);
const own = (performance.now() - began) / 1000;
if (found?.length !== draws) throw new Error("the draws were not made");

const folder = mkdtempSync(path.join(tmpdir(), "mlship-bootstrap-"));
try {
  writeFileSync(path.join(folder, "truth"), Buffer.from(candidate.truth.buffer));
  writeFileSync(path.join(folder, "first"), Buffer.from(chance(candidate.probabilities).buffer));
  writeFileSync(path.join(folder, "second"), Buffer.from(chance(production.probabilities).buffer));
  const script = path.join(import.meta.dirname, "bootstrap.py");
  const words = [script, folder, String(rows), String(peerDraws)];
  const [delta = 0, each = 0] = execFileSync(python, words, { encoding: "utf8" })
    .trim()
    .split("\n")
    .map(Number);
  const mine = (rocAuc(candidate, null).value ?? 0) - (rocAuc(production, null).value ?? 0);
  if (Math.abs(mine - delta) > 1e-12) throw new Error(`differences disagree: ${mine}, ${delta}`);
  console.log(`${rows} rows, ${draws} draws, one thread, sorting included: ${own.toFixed(2)} s`);
  console.log(`scikit-learn, ${peerDraws} draws × ${draws / peerDraws}: ${(each * draws).toFixed(1)} s`);
  console.log(`ratio ${((each * draws) / own).toFixed(1)}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
