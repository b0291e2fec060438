// Puts a finished folder under its final name, whoever else is doing the same.
import { access, constants, rename, rm } from "node:fs/promises";
import { systemCode } from "./leftovers.ts";

/**
 * Renames a finished folder to its final name. Where another process was first and its folder is
 * good, that one stays; a broken one is replaced.
 */
export async function putInPlace(
  built: string,
  folder: string,
  isGood: () => Promise<boolean>,
): Promise<void> {
  for (;;) {
    try {
      await rename(built, folder);
      return;
    } catch (error) {
      const taken = systemCode(error) === "ENOTEMPTY" || systemCode(error) === "EEXIST";
      if (!taken) throw error;
      if (await isGood()) return;
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/** Whether a file is there and may be run. */
export async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
