// Runs the tests that need engines: `node scripts/test-engines.ts`. Two projects at a time, each in a Vitest of its own,
// since one runs its projects one after the other. They share no engine but the registry.
import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { finished } from "node:stream/promises";

/** The longest first, and beside it what waits more than it works. */
const projects = ["images", "cluster", "e2e", "buckets", "local"];
const together = 2;
const folder = await mkdtemp(path.join(tmpdir(), "mlship-engines-"));

/** Runs a project, and shows what it printed once it has ended. */
async function run(project: string): Promise<boolean> {
  const log = path.join(folder, `${project}.log`);
  const stream = createWriteStream(log);
  const child = spawn("vitest", ["run", "--project", project], { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.pipe(stream, { end: false });
  child.stderr.pipe(stream, { end: false });
  const code = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  stream.end();
  await finished(stream);
  process.stdout.write(await readFile(log, "utf8"));
  return code === 0;
}

/** Takes the next project until there is none, whatever became of the ones before. */
async function work(): Promise<boolean> {
  let passed = true;
  for (let project = projects.shift(); project !== undefined; project = projects.shift()) {
    passed = (await run(project)) && passed;
  }
  return passed;
}

try {
  const passed = await Promise.all(Array.from({ length: together }, work));
  process.exitCode = passed.every(Boolean) ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
