// pyenv's shims: each is a shell script, and uv starts all of them, those of versions that are not selected too.
import { readFile } from "node:fs/promises";
import { basename, delimiter, join } from "node:path";
import { attempt } from "../process.ts";
import type { PythonOptions } from "./options.ts";

/** How a shim hands over: the program is pyenv itself. */
const handsOver = /^exec "(.+)" exec "\$program"/m;

/**
 * PATH with the folder of pyenv's shims replaced by the folders of the versions that it selects. What is
 * found there is the same; with nine versions uv took two seconds of processor time to find it. A folder
 * of which pyenv says nothing stays.
 */
export async function pathWithoutShims(options: PythonOptions): Promise<string | undefined> {
  const { PATH } = options.env;
  const folders = await Promise.all(
    (PATH ?? "").split(delimiter).map(async (folder) => (await selectedBehind(folder, options)) ?? [folder]),
  );
  return PATH === undefined ? undefined : folders.flat().join(delimiter);
}

/** The folders of the selected versions; null when the folder holds no shims of pyenv. */
async function selectedBehind(folder: string, options: PythonOptions): Promise<string[] | null> {
  if (basename(folder) !== "shims") return null;
  const shim = await readFile(join(folder, "python3"), "utf8").catch(() => "");
  const pyenv = handsOver.exec(shim)?.[1];
  if (pyenv === undefined) return null;
  const { env, cacheFolder: cwd, signal } = options;
  const ran = await attempt(pyenv, ["prefix"], { env, cwd, signal }).catch((error: unknown) => {
    signal?.throwIfAborted();
    // A shim whose pyenv is gone works no more either, which uv will see.
    if (error instanceof Error) return { exitCode: 1, stdout: "" };
    throw error;
  });
  if (ran.exitCode !== 0) return null;
  return ran.stdout
    .trim()
    .split(delimiter)
    .map((prefix) => join(prefix, "bin"));
}
