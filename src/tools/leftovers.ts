// Removes what killed processes left behind in a folder of temporary entries.
import { lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

/** Milliseconds after which nobody can still be writing an entry: longer than any transfer. */
const abandonedAfter = 24 * 60 * 60 * 1000;

/**
 * Removes the entries of `folder` whose names begin with `prefix` and that were last changed a day
 * before `fresh`, an entry that was made just now: file times are compared with file times, so the
 * clock of a shared file system may differ from ours.
 */
export async function removeLeftovers(folder: string, prefix: string, fresh: string): Promise<void> {
  const now = (await lstat(fresh)).mtimeMs;
  for (const name of await readdir(folder)) {
    if (!name.startsWith(prefix)) continue;
    const path = join(folder, name);
    const found = await lstat(path).catch(missing);
    if (found !== null && now - found.mtimeMs > abandonedAfter)
      await rm(path, { recursive: true, force: true });
  }
}

/** Turns "there is no such file" into null; any other error stays one. */
export function missing(error: unknown): null {
  if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return null;
  throw error;
}

/** The code of a file system's error: `ENOSPC`. */
export function systemCode(error: unknown): string | null {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
}
