// Makes the Python environment in which the server package is tested and measured, in the user's cache.
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { openUv } from "../src/tools/python/uv.ts";

/** The repository's root, whatever the working directory is. */
export const root = join(import.meta.dirname, "..");

/** The folder that holds the package `mlship_server`: PYTHONPATH of whatever runs it from source. */
export const serverFolder = join(root, "templates", "server");

/** Path of a Python interpreter that has what the requirements files pin. Made on first use. */
export async function serverEnvironment(files: string[]): Promise<string> {
  const cache = process.env["MLSHIP_CACHE"] ?? join(homedir(), ".cache", "mlship");
  const cacheFolder = join(cache, "development");
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8")));
  const digest = createHash("sha256").update(texts.join("\0")).digest("hex").slice(0, 16);
  const folder = join(cacheFolder, `server-${digest}`);
  const python = join(folder, "bin", "python");
  if (await exists(python)) return python;
  const uv = await openUv({ cacheFolder, env: process.env });
  await mkdir(cacheFolder, { recursive: true });
  const building = await mkdtemp(join(cacheFolder, ".building-"));
  const step = async (...args: string[]): Promise<void> => {
    const ran = await uv(args, root);
    if (ran.exitCode !== 0) throw new Error(`uv ${args[0]} failed:\n${ran.stderr}`);
  };
  try {
    const built = join(building, "env");
    await step("venv", "--quiet", "--relocatable", "--no-project", built);
    const requirements = files.flatMap((file) => ["--requirement", file]);
    // Not compiled, scikit-learn takes seconds longer to import; the server never writes bytecode.
    await step(
      "pip",
      "install",
      "--compile-bytecode",
      "--python",
      join(built, "bin", "python"),
      ...requirements,
    );
    await rename(built, folder).catch(async (error: unknown) => {
      // Another run was first.
      if (!(await exists(python))) throw error;
    });
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  return python;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
