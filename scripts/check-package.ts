// Packs mlship as it would be published, installs the tarball in an empty folder, and runs it there.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import manifest from "../package.json" with { type: "json" };

const repository = path.resolve(import.meta.dirname, "..");
const folder = mkdtempSync(path.join(tmpdir(), "mlship-package-"));

function run(program: string, args: string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: "utf8" });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}

try {
  run("npm", ["pack", "--pack-destination", folder], repository);
  const [tarball = ""] = readdirSync(folder);
  writeFileSync(path.join(folder, "package.json"), '{"private":true}');
  run("npm", ["install", "--no-audit", "--no-fund", `./${tarball}`], folder);
  const mlship = path.join(folder, "node_modules", ".bin", "mlship");
  const version = run(mlship, ["--version"], folder).trim();
  const model = path.join(repository, "fixtures", "breast-cancer", "models", "1.0.0", "model.joblib");
  const scan: { verdict?: string } = JSON.parse(run(mlship, ["scan", model, "--json"], folder));
  if (scan.verdict !== "safe") throw new Error(`the installed mlship found the model ${scan.verdict}`);
  // DuckDB and the bundled chunks are found from where they were installed.
  const refused = spawnSync(mlship, ["validate", "--json"], { cwd: folder, encoding: "utf8" });
  if (refused.status !== 2) throw new Error(`validate without a project ended with ${refused.status}`);
  // The leash is a program of its own: with its pipe closed it ends what it holds.
  const leash = path.join(folder, "node_modules", manifest.name, "dist", "leash.js");
  const held = ["", process.execPath, "-e", "setInterval(() => {}, 1000)"];
  const ended = spawnSync(process.execPath, [leash, ...held], { input: "", timeout: 10_000 });
  if (ended.status !== 1) throw new Error(`the installed leash ended with ${ended.status}`);
  console.log(`mlship ${version} packs, installs and runs`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
