// What only `mlship gc` may do in a store's folder: see ages, remove, abandon.
import { randomUUID } from "node:crypto";
import { lstat, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Sweeper } from "../artifacts/ports.ts";
import { keysBelow, refusal, unlessExists, writingFolder } from "./folder-store.ts";
import { missing } from "./leftovers.ts";
import { checkKey } from "./object-key.ts";

/** @param location the folder as people should see it. */
export function createFolderSweeper(folder: string, location: string): Sweeper {
  const writing = join(folder, writingFolder);

  /** Says of whom the file system refuses something. */
  async function refusing<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw refusal(error, location, what);
    }
  }

  return {
    /** The file system's clock, which may not be this machine's. */
    async now() {
      const file = join(writing, randomUUID());
      return await refusing(writingFolder, async () => {
        try {
          await mkdir(writing).catch(unlessExists);
          await writeFile(file, "", { flag: "wx" });
          return (await lstat(file)).mtime;
        } catch (error) {
          // Nothing was ever written here, so nothing can be old.
          missing(error);
          return new Date(0);
        } finally {
          await rm(file, { force: true });
        }
      });
    },
    async *kept(prefix) {
      for await (const key of keysBelow(folder, prefix)) {
        const entry = await lstat(join(folder, key)).catch(missing);
        if (entry !== null) yield { key, size: entry.size, at: entry.mtime };
      }
    },
    async *unfinished() {
      for (const id of (await readdir(writing).catch(missing)) ?? []) {
        const entry = await lstat(join(writing, id)).catch(missing);
        if (entry !== null) yield { key: null, id, at: entry.mtime };
      }
    },
    async remove(key) {
      checkKey(key, location);
      await refusing(key, () => rm(join(folder, key), { force: true }));
      return "removed";
    },
    async abandon({ id }) {
      await refusing(id, () => rm(join(writing, id), { force: true }));
    },
  };
}
