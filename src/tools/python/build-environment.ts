// Builds one environment under a temporary name and puts it in place when it is whole.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { digestBytes } from "../../digest.ts";
import { MlshipError } from "../../errors.ts";
import type { ModelFile } from "../../model/model.ts";
import type { Environment, PythonLock } from "../../validation/ports.ts";
import { isExecutable, putInPlace } from "../finished-folder.ts";
import { missing, removeLeftovers } from "../leftovers.ts";
import { attempt } from "../process.ts";
import type { Interpreter } from "./interpreters.ts";
import type { PythonOptions, Uv } from "./options.ts";
import { uvFailed } from "./uv-failed.ts";

/** Written last: holds the lock's digest. */
const marker = "mlship-lock-digest";

/**
 * The lock's environment, or null when it is not there or not whole: its marker, its interpreter
 * and every file of the server are looked at.
 */
export async function findEnvironment(lock: PythonLock, cacheFolder: string): Promise<Environment | null> {
  const folder = folderOf(lock, cacheFolder);
  const python = join(folder, "bin", "python");
  const written = await readFile(join(folder, marker), "utf8").catch(missing);
  if (written !== lock.digest || !(await isExecutable(python))) return null;
  for (const file of lock.server.files) {
    const bytes = await readFile(join(packagesOf(folder, lock), file.path)).catch(missing);
    if (bytes === null || digestBytes(bytes) !== file.sha256) return null;
  }
  return { lock, python };
}

/**
 * Makes the lock's environment. Two builds of one lock may run at once: the first one finished is
 * kept. A build that is killed leaves a folder that a later build removes.
 * @param serverFile gives the bytes of a file of `lock.server`, which are checked.
 * @throws MlshipError `python.*`.
 */
export async function buildEnvironment(
  lock: PythonLock,
  interpreter: Interpreter,
  uv: Uv,
  options: PythonOptions,
  serverFile: (path: string) => Promise<Uint8Array>,
): Promise<Environment> {
  const { cacheFolder } = options;
  const folder = folderOf(lock, cacheFolder);
  const environments = dirname(folder);
  await mkdir(environments, { recursive: true });
  const building = await mkdtemp(join(environments, ".building-"));
  const built = join(building, "env");
  const python = join(built, "bin", "python");

  async function step(...args: string[]): Promise<void> {
    const ran = await uv(args, building);
    if (ran.exitCode !== 0) throw uvFailed("the Python environment could not be made", ran, cacheFolder);
  }

  try {
    await removeLeftovers(environments, ".building-", building);
    await step("venv", "--quiet", "--relocatable", "--no-project", "--python", interpreter.path, built);
    for (const file of lock.server.files) await copyIn(file, packagesOf(built, lock), serverFile);
    await writeFile(join(building, "requirements.txt"), lock.requirements);
    await step(
      "pip",
      "sync",
      "--quiet",
      "--require-hashes",
      "--only-binary",
      ":all:",
      "--python",
      python,
      "requirements.txt",
    );
    await compileBytecode(python, packagesOf(built, lock), options);
    await writeFile(join(built, marker), lock.digest);
    await putInPlace(built, folder, async () => (await findEnvironment(lock, cacheFolder)) !== null);
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  return { lock, python: join(folder, "bin", "python") };
}

async function copyIn(
  file: ModelFile,
  packages: string,
  serverFile: (path: string) => Promise<Uint8Array>,
): Promise<void> {
  const bytes = await serverFile(file.path);
  if (digestBytes(bytes) !== file.sha256 || !isInside(file.path)) {
    throw new MlshipError({
      code: "python.server-changed",
      what: `the server's source file ${file.path} is not the one that was locked`,
      why: "its path or its bytes differ from the lock's",
      fix: "run the same command again; if it stays so, install mlship again",
      exit: "attention",
    });
  }
  const path = join(packages, file.path);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}

/** A lock can come from a store: its files may not be written elsewhere. */
function isInside(path: string): boolean {
  return path.startsWith("mlship_server/") && !path.split("/").some((name) => name === ".." || name === "");
}

/**
 * Compiles all but the packages' own tests: half of the time, and an import of scikit-learn that is
 * not compiled takes 4 s longer. What cannot be compiled is compiled, or fails, when it is imported,
 * so the exit code says nothing about the environment.
 */
async function compileBytecode(python: string, packages: string, options: PythonOptions): Promise<void> {
  const quiet = ["-m", "compileall", "-qq", "-j", "0", "-x", String.raw`[/\\]tests?[/\\]`];
  await attempt(python, [...quiet, packages], { env: { PATH: options.env["PATH"] }, signal: options.signal });
}

function folderOf(lock: PythonLock, cacheFolder: string): string {
  return join(cacheFolder, "envs", lock.digest.slice("sha256:".length));
}

function packagesOf(environment: string, lock: PythonLock): string {
  return join(environment, "lib", `python${lock.python}`, "site-packages");
}
