// An object store in a folder: objects appear whole or not at all, and are never replaced.
import { createHash, randomUUID } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { chmod, copyFile, link, lstat, mkdir, open, readdir, realpath, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ObjectBody, ObjectStore, OnBytes } from "../artifacts/ports.ts";
import { MlshipError } from "../errors.ts";
import { missing, removeLeftovers, systemCode } from "./leftovers.ts";
import { checkKey, keySegment } from "./object-key.ts";
import { sourceChanged } from "./source-changed.ts";

/** Where objects are written before they get their names; no key can begin with a dot. */
export const writingFolder = ".writing";

/**
 * A store in `folder`, which is made on the first write. An object is written beside the others
 * under a temporary name, forced to disk, and then hard-linked to its key: `link` fails when the
 * name exists, so of two writers exactly one creates, and a killed one leaves no object.
 * @param location the folder as people should see it.
 */
export function createFolderStore(folder: string, location: string): ObjectStore {
  let swept = false;

  async function create(
    key: string,
    body: ObjectBody,
    onBytes: OnBytes = () => {},
  ): Promise<"created" | "exists"> {
    const path = pathOf(key);
    if ((await found(key)) !== null) return "exists";
    const writing = join(folder, writingFolder);
    const temporary = join(writing, randomUUID());
    try {
      await makeFolders([folder, writing, ...foldersOf(key)]);
      await write(temporary, body, key, onBytes);
      if (!swept) await removeLeftovers(writing, "", temporary);
      swept = true;
      if (!(await linkOnce(temporary, path))) return "exists";
      await forceToDisk(dirname(path));
      return "created";
    } catch (error) {
      throw refusal(error, location, key);
    } finally {
      await rm(temporary, { force: true }).catch((error: unknown) => {
        // A folder that may not be entered refuses this as well.
        throw refusal(error, location, key);
      });
    }
  }

  /** The folders that hold a key, outermost first, below the store's own. */
  function foldersOf(key: string): string[] {
    const names = key.split("/").slice(0, -1);
    return names.map((_name, index) => join(folder, ...names.slice(0, index + 1)));
  }

  function pathOf(key: string): string {
    checkKey(key, location);
    return join(folder, key);
  }

  /** The object's path and size, or null; an object behind a symbolic link is not one. */
  async function found(key: string): Promise<{ path: string; size: number } | null> {
    const path = pathOf(key);
    try {
      const entry = await lstat(path).catch(missing);
      if (entry === null || entry.isDirectory()) return null;
      const inside = join(await realpath(folder), key);
      // gc may remove it between two looks at it.
      const real = await realpath(path).catch(missing);
      if (real === null) return null;
      if (entry.isFile() && real === inside) return { path, size: entry.size };
    } catch (error) {
      throw refusal(error, location, key);
    }
    throw linked(location, key);
  }

  async function makeFolders(folders: string[]): Promise<void> {
    const [root, ...inner] = folders;
    if (root !== undefined) await mkdir(root, { recursive: true });
    for (const inside of inner) {
      const entry = await lstat(inside).catch(missing);
      if (entry === null) {
        await mkdir(inside).catch(unlessExists);
        await forceToDisk(dirname(inside));
      } else if (!entry.isDirectory()) {
        throw linked(location, inside.slice(folder.length + 1));
      }
    }
  }

  return {
    location,
    create,
    async read(key) {
      const object = await found(key);
      if (object === null) return null;
      const file = await open(object.path, constants.O_RDONLY | constants.O_NOFOLLOW).catch(missing);
      if (file === null) return null;
      try {
        return await file.readFile();
      } finally {
        await file.close();
      }
    },
    async download(key, file, onBytes = () => {}) {
      const object = await found(key);
      if (object === null) return false;
      try {
        await copyFile(object.path, file, constants.COPYFILE_FICLONE);
      } catch (error) {
        if ((await found(key)) !== null) throw error;
        return false;
      }
      await chmod(file, 0o644);
      onBytes(object.size);
      return true;
    },
    async size(key) {
      return (await found(key))?.size ?? null;
    },
    async *list(prefix, after = "") {
      const start = prefix.slice(0, prefix.lastIndexOf("/") + 1);
      const keys: string[] = [];
      for await (const key of keysBelow(folder, start))
        if (key.startsWith(prefix) && key > after) keys.push(key);
      yield* keys.sort();
    },
  };
}

/** Writes and forces to disk; a file's bytes are digested on their way. */
async function write(path: string, body: ObjectBody, key: string, onBytes: OnBytes): Promise<void> {
  const file = await open(path, "wx", 0o444);
  try {
    if (body instanceof Uint8Array) {
      await file.writeFile(body);
      onBytes(body.length);
    } else await copyInto(file, body, key, onBytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function copyInto(
  file: FileHandle,
  body: Exclude<ObjectBody, Uint8Array>,
  key: string,
  onBytes: OnBytes,
): Promise<void> {
  const hash = createHash("sha256");
  const source = createReadStream(body.file, { highWaterMark: 1024 * 1024 });
  await file.writeFile(
    (async function* digested(): AsyncIterable<Buffer> {
      for await (const chunk of source) {
        if (!Buffer.isBuffer(chunk)) continue;
        hash.update(chunk);
        yield chunk;
        onBytes(chunk.length);
      }
    })(),
  );
  if (body.digest === `sha256:${hash.digest("hex")}`) return;
  throw sourceChanged(body.file, body.digest, key);
}

/** The keys of the objects below a folder of the store, in no order. @param inside ends with a slash, or is empty */
export async function* keysBelow(folder: string, inside: string): AsyncIterable<string> {
  const entries = await readdir(join(folder, inside), { withFileTypes: true }).catch(missing);
  for (const entry of entries ?? []) {
    if (!keySegment.test(entry.name)) continue;
    if (entry.isDirectory()) yield* keysBelow(folder, `${inside}${entry.name}/`);
    else if (entry.isFile()) yield `${inside}${entry.name}`;
  }
}

async function forceToDisk(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** False when the name is taken. */
async function linkOnce(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw error;
  }
}

/** Takes "it exists already" for done; any other error stays one. */
export function unlessExists(error: unknown): void {
  if (systemCode(error) !== "EEXIST") throw error;
}

function linked(location: string, key: string): MlshipError {
  return new MlshipError({
    code: "store.not-a-file",
    what: `${key} in the store ${location} is a symbolic link or a special file`,
    why: "what lies behind it is not under the store's control",
    fix: "replace it by what it stands for, or use another store",
    exit: "attention",
  });
}

const reasons: Record<string, { code: string; what: string; fix: string }> = {
  ENOSPC: { code: "store.full", what: "is full", fix: "free some space, then run the same command again" },
  EDQUOT: {
    code: "store.full",
    what: "is over its quota",
    fix: "free some space, then run the same command again",
  },
  EACCES: {
    code: "store.refused",
    what: "may not be written or read by you",
    fix: "get the rights to it, or use another store",
  },
  EPERM: {
    code: "store.refused",
    what: "does not allow hard links, which mlship needs to create without replacing",
    fix: "put the store on a file system that has hard links",
  },
  EROFS: { code: "store.refused", what: "is read-only", fix: "use a store that can be written" },
  EEXIST: {
    code: "store.refused",
    what: "is not a folder",
    fix: "name a folder, or a path where one can be made",
  },
  ENOTDIR: {
    code: "store.refused",
    what: "is not a folder",
    fix: "name a folder, or a path where one can be made",
  },
};

/** What a file system's error means for the store; anything unexpected stays what it is. */
export function refusal(error: unknown, location: string, key: string): unknown {
  const reason = reasons[systemCode(error) ?? ""];
  if (reason === undefined) return error;
  return new MlshipError({
    code: reason.code,
    what: `the store ${location} ${reason.what}`,
    why: `${key}: ${error instanceof Error ? error.message : String(error)}`,
    fix: reason.fix,
    exit: "unavailable",
    cause: error,
  });
}
