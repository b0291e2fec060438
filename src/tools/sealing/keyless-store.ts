// A store as one sees it without a key: objects that need one say so.
import { open, rm } from "node:fs/promises";
import { blobsPrefix, digestOf } from "../../artifacts/layout.ts";
import type { ObjectStore } from "../../artifacts/ports.ts";
import { digestBytes, digestFile } from "../../digest.ts";
import { MlshipError } from "../../errors.ts";
import { headerSize, isSealed } from "./format.ts";

/** Lets everything through but encrypted blobs, which would look damaged. */
export function createKeylessStore(store: ObjectStore): ObjectStore {
  const isBlob = (key: string) => key.startsWith(blobsPrefix);
  return {
    ...store,
    async read(key) {
      const bytes = await store.read(key);
      // A model's own file may look so; then it is what its name says.
      if (bytes !== null && isBlob(key) && isSealed(bytes) && digestBytes(bytes) !== digestOf(key))
        throw needsKey(store.location, key);
      return bytes;
    },
    async download(key, file, onBytes) {
      const isThere = await store.download(key, file, onBytes);
      if (
        isThere &&
        isBlob(key) &&
        isSealed(await startOf(file)) &&
        (await digestFile(file)) !== digestOf(key)
      ) {
        await rm(file);
        throw needsKey(store.location, key);
      }
      return isThere;
    },
  };
}

async function startOf(file: string): Promise<Buffer> {
  await using handle = await open(file, "r");
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(headerSize), 0, headerSize, 0);
  return buffer.subarray(0, bytesRead);
}

function needsKey(location: string, key: string): MlshipError {
  return new MlshipError({
    code: "store.key-missing",
    what: `${key} in the store ${location} is encrypted`,
    why: "artifacts.encryption names no key",
    fix: "set artifacts.encryption as it was when the store was begun; mlship.json in the store names its key",
    exit: "usage",
  });
}
