// A store's key from a file.
import { readFile } from "node:fs/promises";
import { MlshipError } from "../../errors.ts";
import { idOf } from "./format.ts";
import type { StoreKeys } from "./store-key.ts";

/** @throws MlshipError `store.key-file`, exit 2. */
export async function openKeyFile(file: string): Promise<StoreKeys> {
  const key = await readKey("artifacts.encryption.keyFile", file);
  return {
    keyId: `file:${idOf(key).toString("hex")}`,
    forWriting: () => Promise.resolve(key),
    forReading: () => Promise.resolve(key),
  };
}

/**
 * The 32 bytes in a key's file, which holds them as they are or in base64.
 * @param setting which names the file, for the error
 * @throws MlshipError `store.key-file`, exit 2.
 */
export async function readKey(setting: string, file: string): Promise<Buffer> {
  const bytes = await readFile(file).catch(() => null);
  const text = bytes?.toString("latin1").trim() ?? "";
  if (bytes?.length === 32) return bytes;
  if (/^[A-Za-z0-9+/]{43}=$/.test(text)) return Buffer.from(text, "base64");
  throw new MlshipError({
    code: "store.key-file",
    what: `${setting}, ${file}, holds no key`,
    why: bytes === null ? "it cannot be read" : "a key is 32 bytes, as they are or in base64",
    fix: "make one with `openssl rand -out FILE 32`, and keep a copy: without it nothing can be read",
    exit: "usage",
  });
}
