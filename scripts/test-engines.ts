// Runs the tests that need engines: `node scripts/test-engines.ts`. Those of the cluster wait more than they work,
// so they run beside those of the built binary: a second Vitest, since one runs its projects one after the other.
// Those of this machine and of buckets follow them there: they share no engine with the others.
import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

const folder = await mkdtemp(path.join(tmpdir(), "mlship-engines-"));
const beside = ["cluster", "local", "buckets"];
const logOf = (project: string) => path.join(folder, `${project}.log`);

/** Runs a project; what it prints goes to the terminal, or to a file. */
function vitest(project: string, file?: string): Promise<boolean> {
  const child = spawn("vitest", ["run", "--project", project], {
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

/** Runs those beside one after the other, each whatever the one before did. */
async function inTurn(): Promise<boolean> {
  const passed: boolean[] = [];
  for (const project of beside) passed.push(await vitest(project, logOf(project)));
  return passed.every(Boolean);
}

try {
  const passed = await Promise.all([vitest("e2e"), inTurn()]);
  for (const project of beside) process.stdout.write(await readFile(logOf(project), "utf8"));
  process.exitCode = passed.every(Boolean) ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
