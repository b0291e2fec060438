// Finds uv on PATH, or installs a pinned copy of it into the cache with the machine's own pip.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { MlshipError } from "../../errors.ts";
import { isExecutable, putInPlace } from "../finished-folder.ts";
import { removeLeftovers } from "../leftovers.ts";
import { attempt, lastLines } from "../process.ts";
import type { Ran, Variables } from "../process.ts";
import { bootstrapPython } from "./interpreters.ts";
import type { PythonOptions, Uv } from "./options.ts";
import { redact } from "./redact.ts";
import { pathWithoutShims } from "./shims.ts";
import { oldestUv, pinnedUv, uvWheels } from "./uv-wheels.ts";

/**
 * uv, ready to be run. It may not download interpreters, and keeps its downloads in mlship's cache
 * unless UV_CACHE_DIR says otherwise.
 * @throws MlshipError `python.missing`, `python.no-pip` or `python.index-unreachable`, exit 5, when
 *   there is no uv and none can be installed.
 */
export async function openUv(options: PythonOptions): Promise<Uv> {
  const { VIRTUAL_ENV: _virtual, CONDA_PREFIX: _conda, UV_PYTHON: _python, ...inherited } = options.env;
  await mkdir(options.cacheFolder, { recursive: true });
  const env = {
    UV_CACHE_DIR: join(options.cacheFolder, "uv"),
    ...inherited,
    PATH: await pathWithoutShims(options),
    UV_PYTHON_DOWNLOADS: "never",
    UV_NO_PROGRESS: "1",
    NO_COLOR: "1",
  };
  const program = (await isRecent("uv", options)) ? "uv" : await installUv(options);
  return async (args, cwd) => {
    const ran = await attempt(program, args, { env, cwd, signal: options.signal });
    return { ...ran, stderr: redact(ran.stderr, options.env) };
  };
}

async function isRecent(program: string, options: PythonOptions): Promise<boolean> {
  try {
    const { exitCode, stdout } = await attempt(program, ["--version"], options);
    const version = /^uv (\d+)\.(\d+)\.(\d+)/.exec(stdout);
    return exitCode === 0 && version !== null && !isOlder(version.slice(1).map(Number), oldestUv);
  } catch (error) {
    if (error instanceof MlshipError && error.code === "tool.missing") return false;
    throw error;
  }
}

function isOlder(version: readonly number[], than: readonly number[]): boolean {
  const index = than.findIndex((part, at) => part !== version[at]);
  return index >= 0 && (version[index] ?? 0) < (than[index] ?? 0);
}

/** Installs beside the final name and renames: a killed installation leaves nothing that is used. */
async function installUv(options: PythonOptions): Promise<string> {
  const folder = join(options.cacheFolder, "tools", `uv-${pinnedUv}`);
  const program = join(folder, "bin", "uv");
  if (await isExecutable(program)) return program;

  const python = await bootstrapPython(options);
  const tools = join(options.cacheFolder, "tools");
  await mkdir(tools, { recursive: true });
  const building = await mkdtemp(join(tools, ".building-"));
  try {
    await removeLeftovers(tools, ".building-", building);
    const hashes = Object.values(uvWheels).map((hash) => ` --hash=sha256:${hash}`);
    const requirements = join(building, "requirements.txt");
    await writeFile(requirements, `uv==${pinnedUv}${hashes.join("")}\n`);
    const target = join(building, "uv");
    const pip = [
      "-m",
      "pip",
      "install",
      "--quiet",
      "--no-deps",
      "--require-hashes",
      "--only-binary",
      ":all:",
    ];
    const ran = await attempt(python, [...pip, "--target", target, "--requirement", requirements], {
      ...options,
      env: { ...options.env, PIP_USER: "0", PIP_REQUIRE_VIRTUALENV: "0", PIP_NO_INPUT: "1" },
    });
    if (ran.exitCode !== 0) throw pipFailed(python, ran, options.env);
    await putInPlace(target, folder, () => isExecutable(program));
    return program;
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

function pipFailed(python: string, ran: Ran, env: Variables): MlshipError {
  const words = `${ran.stdout}\n${ran.stderr}`.trim();
  const what = `uv ${pinnedUv}, which makes the Python environment, could not be installed`;
  const why = redact(lastLines(words, 8), env);
  if (/No module named pip/.test(words)) {
    return new MlshipError({
      code: "python.no-pip",
      what,
      why: `${python} has no pip`,
      fix: "install pip for it (Debian and Ubuntu: apt install python3-pip), or put uv on PATH",
      exit: "unavailable",
    });
  }
  if (/DO NOT MATCH THE HASHES/i.test(words)) {
    return new MlshipError({
      code: "python.uv-not-genuine",
      what,
      why: "the package index offers a file whose hash is not one that mlship knows",
      fix: "put uv on PATH yourself; if this machine uses a package mirror, ask its owner about it",
      exit: "unavailable",
    });
  }
  return new MlshipError({
    code: "python.index-unreachable",
    what,
    why,
    fix: "check the network and pip's index settings, or put uv on PATH; then run the same command again",
    exit: "unavailable",
  });
}
