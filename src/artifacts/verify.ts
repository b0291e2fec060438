// Looks at everything in a store, or at one version, and names each object that is not what it should be.
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { digestBytes, digestDocument, digestFile, type Digest } from "../digest.ts";
import { readDocument, whyDamaged } from "./document.ts";
import { fetchRelease, unknownVersion } from "./fetch.ts";
import { inParallel } from "./in-parallel.ts";
import {
  blobKey,
  blobsPrefix,
  digestOf,
  modelsPrefix,
  partsOf,
  releaseKey,
  releasesPrefix,
  servedPrefix,
  versionKey,
} from "./layout.ts";
import type { ObjectStore, OnBytes } from "./ports.ts";
import { blobsOf, digestSchema, type Blob } from "./release.ts";
import { verifyLog, type Log } from "./verify-log.ts";
import { releaseOf } from "./versions.ts";

/** An object that is missing or not what it should be. */
export interface Damage {
  key: string;
  why: string;
}

/** What was looked at, and what was found. */
export interface Verified {
  versions: number;
  releases: number;
  blobs: number;
  /** Bytes of the blobs. */
  size: number;
  channels: number;
  entries: number;
  /** Sorted by key. */
  damage: Damage[];
}

/** Where a look works, and who is told how far it is. */
export interface Looking {
  store: ObjectStore;
  /** An empty folder for blobs that are too large to hold. */
  folder: string;
  /** Told once how many bytes there are to read. */
  onTotal: (bytes: number) => void;
  onBytes: OnBytes;
  signal: AbortSignal;
}

/** Blobs up to so many bytes are read at once. */
const held = 1024 * 1024;

/** A document that names a release: how it was served. */
const namingSchema = z.looseObject({ release: digestSchema, digest: digestSchema });

/** Every digest and every log of a store, of all models. @throws MlshipError `store.*`, exit 5 */
export async function verifyStore(looking: Looking): Promise<Verified> {
  const look = new Look(looking);
  const { store } = looking;
  const logs = new Map<string, Log>();
  const documents: string[] = [];
  for await (const key of store.list(modelsPrefix)) {
    const [model, kind, channel] = partsOf(key);
    if (kind !== "channels") documents.push(key);
    else {
      const name = `${model}/${channel}`;
      const log = logs.get(name) ?? { model, channel, keys: [] };
      log.keys.push(key);
      logs.set(name, log);
    }
  }
  await look.readDocuments(documents);
  const versions = new Set(documents);
  for (const log of logs.values()) await look.readLog(log, versions);
  await look.readReleases(store.list(releasesPrefix));
  await look.readBlobs(store.list(blobsPrefix));
  return look.verified;
}

/**
 * One version: its document, its release, how it was served, and all of its bytes.
 * @throws MlshipError `version.unknown`, exit 2; `store.*`, exit 5
 */
export async function verifyVersion(looking: Looking, model: string, version: string): Promise<Verified> {
  const look = new Look(looking);
  const { store } = looking;
  const keys = [versionKey(model, version)];
  if ((await store.size(versionKey(model, version))) === null)
    throw await unknownVersion(store, model, version);
  for await (const key of store.list(servedPrefix(model, version))) keys.push(key);
  await look.readDocuments(keys);
  await look.readReleases();
  await look.readBlobs();
  return look.verified;
}

class Look {
  readonly verified: Verified = {
    versions: 0,
    releases: 0,
    blobs: 0,
    size: 0,
    channels: 0,
    entries: 0,
    damage: [],
  };
  readonly #looking: Looking;
  /** Release → the key that named it first. */
  readonly #releases = new Map<Digest, string>();
  /** Release → what it says that it is: `fraud 1.4.0`. */
  readonly #titles = new Map<Digest, string>();
  readonly #versions: { key: string; title: string; release: Digest }[] = [];
  readonly #blobs = new Map<Digest, Blob>();

  constructor(looking: Looking) {
    this.#looking = looking;
  }

  /** Versions and served documents: each names a release. */
  async readDocuments(keys: Iterable<string>): Promise<void> {
    const { store, signal } = this.#looking;
    const read = async (key: string) => {
      const [model, kind, name] = partsOf(key);
      if (kind === "versions") {
        this.verified.versions += 1;
        const version = name.replace(/\.json$/, "");
        const release = await releaseOf(store, model, version);
        if (release === null) return this.#found(key, "it names no version");
        this.#versions.push({ key, title: `${model} ${version}`, release });
        this.#name(release, key);
      } else if (kind === "served") {
        const document = await readDocument(store, key, namingSchema);
        if (document?.digest === digestDocument(document ?? {})) this.#name(document.release, key);
        else this.#found(key, "the digest is not that of the document");
      }
    };
    await inParallel(keys, (key) => this.#attempt(key, () => read(key)), { signal });
  }

  /** @param there the keys of the versions that there are */
  async readLog(log: Log, there: Set<string>): Promise<void> {
    const { damage, entries } = await verifyLog(this.#looking.store, log, this.#looking.signal);
    this.verified.channels += 1;
    this.verified.entries += log.keys.length;
    this.verified.damage.push(...damage);
    for (const [key, { release, version }] of entries) {
      if (release === null) continue;
      this.#name(release, key);
      const served = versionKey(log.model, version);
      if (there.has(served)) continue;
      there.add(served);
      this.#found(served, `it is missing; ${key} names it`);
    }
  }

  /** @param keys of releases that are there, named or not */
  async readReleases(keys: AsyncIterable<string> | Iterable<string> = []): Promise<void> {
    const { store, signal } = this.#looking;
    for await (const key of keys) {
      const digest = digestOf(key);
      if (digest === null) this.#found(key, "its name is no digest");
      else this.#name(digest, key);
    }
    const read = async (digest: Digest) => {
      this.verified.releases += 1;
      const release = await fetchRelease(store, digest);
      this.#titles.set(digest, `${release.name} ${release.version}`);
      for (const blob of blobsOf(release)) this.#blobs.set(blob.sha256, blob);
    };
    const attempt = async ([digest, by]: [Digest, string]) => {
      const key = releaseKey(digest);
      await this.#attempt(key, () => read(digest), by === key ? "" : `; ${by} names it`);
    };
    await inParallel(this.#releases, attempt, { signal });
    for (const { key, title, release } of this.#versions) {
      const is = this.#titles.get(release) ?? title;
      if (is !== title) this.#found(key, `it stands for a release of ${is}`);
    }
  }

  /** @param keys of blobs that are there, named or not: one that nothing names may be used again */
  async readBlobs(keys: AsyncIterable<string> | Iterable<string> = []): Promise<void> {
    const { store, signal, onTotal } = this.#looking;
    const unnamed: Digest[] = [];
    for await (const key of keys) {
      const digest = digestOf(key);
      if (digest === null) this.#found(key, "its name is no digest");
      else if (!this.#blobs.has(digest)) unnamed.push(digest);
    }
    const measure = async (sha256: Digest) => {
      this.#blobs.set(sha256, { sha256, size: (await store.size(blobKey(sha256))) ?? 0 });
    };
    await inParallel(unnamed, (digest) => this.#attempt(blobKey(digest), () => measure(digest)), { signal });
    const blobs = [...this.#blobs.values()];
    const total = blobs.reduce((sum, { size }) => sum + size, 0);
    Object.assign(this.verified, { blobs: blobs.length, size: total });
    onTotal(total);
    const read = (blob: Blob) => this.#attempt(blobKey(blob.sha256), () => this.#readBlob(blob));
    await inParallel(blobs, read, { sizeOf: ({ size }) => size, signal });
    this.verified.damage.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  async #readBlob({ sha256, size }: Blob): Promise<void> {
    const key = blobKey(sha256);
    const digest = size <= held ? await this.#digestHeld(key) : await this.#digestFile(key);
    this.#looking.onBytes(size);
    if (digest === null) this.#found(key, "it is missing");
    else if (digest !== sha256) this.#found(key, "its bytes are not those of its name");
  }

  async #digestHeld(key: string): Promise<Digest | null> {
    const bytes = await this.#looking.store.read(key);
    return bytes === null ? null : digestBytes(bytes);
  }

  async #digestFile(key: string): Promise<Digest | null> {
    const { store, folder } = this.#looking;
    const file = path.join(folder, randomUUID());
    try {
      return (await store.download(key, file)) ? await digestFile(file) : null;
    } finally {
      await rm(file, { force: true });
    }
  }

  #name(release: Digest, by: string): void {
    if (!this.#releases.has(release)) this.#releases.set(release, by);
  }

  #found(key: string, why: string): void {
    this.verified.damage.push({ key, why });
  }

  /** What is wrong with an object is found; that the store cannot be reached is thrown. */
  async #attempt(key: string, work: () => Promise<void>, more = ""): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#found(key, whyDamaged(error) + more);
    }
  }
}
