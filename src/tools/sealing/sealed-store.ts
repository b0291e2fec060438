// A store that sees no byte of models and reports: what goes below blobs/ is encrypted before it is sent.
import { randomUUID } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { corrupt } from "../../artifacts/document.ts";
import { blobsPrefix } from "../../artifacts/layout.ts";
import type { ObjectStore, OnBytes } from "../../artifacts/ports.ts";
import { MlshipError } from "../../errors.ts";
import { removeLeftovers } from "../leftovers.ts";
import { sourceChanged } from "../source-changed.ts";
import { OtherKey, Tampered, plainSize, plainWithin, sealedSize } from "./format.ts";
import { openBytes, openFile, sealBytes, sealFile } from "./seal.ts";
import type { StoreKeys } from "./store-key.ts";

/**
 * Encrypts what goes into `store` below `blobs/`, and decrypts what comes out; everything else goes
 * through as it is.
 * @param scratch folder for encrypted copies of files on their way, which take as much room as they do
 */
export function createSealedStore(store: ObjectStore, keys: StoreKeys, scratch: string): ObjectStore {
  const { location } = store;
  const isPlain = (key: string) => !key.startsWith(blobsPrefix);

  async function keyToRead(): Promise<Buffer> {
    const key = await keys.forReading(store);
    if (key !== null) return key;
    throw notBegun(location, keys.keyId);
  }

  /** Says what is wrong with an object that cannot be opened. */
  async function opening<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Tampered) throw corrupt(store, name, error.message);
      if (error instanceof OtherKey) throw wrongKey(location, name, keys.keyId);
      throw error;
    }
  }

  let prepared: Promise<void> | null = null;

  /** Makes the folder, and removes what killed commands left there: files much older than one of now. */
  async function prepare(): Promise<void> {
    await mkdir(scratch, { recursive: true, mode: 0o700 });
    const fresh = join(scratch, randomUUID());
    await writeFile(fresh, "");
    await removeLeftovers(scratch, "", fresh);
    await rm(fresh, { force: true });
  }

  /** Gives `work` the name of a file in the scratch folder, and removes it afterwards. */
  async function withScratch<T>(work: (file: string) => Promise<T>): Promise<T> {
    await (prepared ??= prepare());
    const file = join(scratch, randomUUID());
    try {
      return await work(file);
    } finally {
      await rm(file, { force: true });
    }
  }

  return {
    location,
    encryption: { keyId: keys.keyId },
    async create(name, body, onBytes) {
      if (isPlain(name)) return await store.create(name, body, onBytes);
      const key = await keys.forWriting(store);
      const onSealed = inPlainBytes(onBytes);
      if (body instanceof Uint8Array) return await store.create(name, sealBytes(key, name, body), onSealed);
      return await withScratch(async (file) => {
        const digest = await sealFile(key, name, body, file);
        if (digest === null) throw sourceChanged(body.file, body.digest, name);
        return await store.create(name, { file, size: sealedSize(body.size), digest }, onSealed);
      });
    },
    async read(name) {
      const bytes = await store.read(name);
      if (bytes === null || isPlain(name)) return bytes;
      const key = await keyToRead();
      return await opening(name, () => openBytes(key, name, bytes));
    },
    async download(name, file, onBytes) {
      if (isPlain(name)) return await store.download(name, file, onBytes);
      return await withScratch(async (sealed) => {
        if (!(await store.download(name, sealed, inPlainBytes(onBytes)))) return false;
        const key = await keyToRead();
        await opening(name, () => openFile(key, name, sealed, file));
        return true;
      });
    },
    async size(name) {
      const size = await store.size(name);
      if (size === null || isPlain(name)) return size;
      const plain = plainSize(size);
      if (plain === null) throw corrupt(store, name, `${size} bytes are no size of an encrypted object`);
      return plain;
    },
    list: (prefix, after) => store.list(prefix, after),
  };
}

/** Tells of a plaintext what is told of its sealed bytes. */
function inPlainBytes(onBytes: OnBytes = () => {}): OnBytes {
  let stored = 0;
  let told = 0;
  return (more) => {
    stored += more;
    const plain = Math.max(told, plainWithin(stored));
    onBytes(plain - told);
    told = plain;
  };
}

function wrongKey(location: string, name: string, keyId: string): MlshipError {
  return new MlshipError({
    code: "store.key-wrong",
    what: `${name} in the store ${location} was encrypted with another key`,
    why: `artifacts.encryption names ${keyId}`,
    fix: "set artifacts.encryption as it was when the store was begun; mlship.json in the store names its key",
    exit: "usage",
  });
}

function notBegun(location: string, keyId: string): MlshipError {
  return new MlshipError({
    code: "store.key-wrong",
    what: `nothing in the store ${location} was encrypted with ${keyId}`,
    why: "the store has no key that KMS wrapped",
    fix: "set artifacts.encryption as it was when the store was begun; mlship.json in the store names its key",
    exit: "usage",
  });
}
