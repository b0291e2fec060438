// Runs the tests that need engines: `node scripts/test-engines.ts`. Those of the cluster wait more than they work,
// so they run beside the others: a second Vitest, since one runs its projects one after the other.
import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

const folder = await mkdtemp(path.join(tmpdir(), "mlship-engines-"));
const log = path.join(folder, "cluster.log");

/** Runs Vitest on projects; what it prints goes to the terminal, or to a file. */
function vitest(projects: string[], file?: string): Promise<boolean> {
  const args = ["run", ...projects.flatMap((project) => ["--project", project])];
  const child = spawn("vitest", args, {
    stdio: file === undefined ? "inherit" : ["ignore", "pipe", "pipe"],
  });
  if (file !== undefined) {
    const stream = createWriteStream(file);
    child.stdout?.pipe(stream, { end: false });
    child.stderr?.pipe(stream, { end: false });
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code === 0));
  });
}

try {
  const beside = vitest(["cluster"], log);
  const passed = await vitest(["local", "e2e"]);
  const clusterPassed = await beside;
  process.stdout.write(await readFile(log, "utf8"));
  process.exitCode = passed && clusterPassed ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
