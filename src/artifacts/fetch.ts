// Takes releases out of the store again, checking every byte against its digest.
import { randomUUID } from "node:crypto";
import { mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { digestBytes, digestFile } from "../digest.ts";
import type { Digest } from "../digest.ts";
import { MlshipError } from "../errors.ts";
import type { PythonLock } from "../validation/ports.ts";
import { corrupt, encode, readDocument } from "./document.ts";
import { inParallel } from "./in-parallel.ts";
import { blobKey, releaseKey, versionKey } from "./layout.ts";
import type { ObjectStore, OnBytes } from "./ports.ts";
import { releaseSchema } from "./release.ts";
import type { Blob, Release } from "./release.ts";
import { listVersions, releaseOf } from "./versions.ts";

/**
 * The release of a version.
 * @throws MlshipError `version.unknown`, exit 2, that names the newest versions there are;
 *   `store.corrupt`, exit 7.
 */
export async function fetchVersion(store: ObjectStore, name: string, version: string): Promise<Release> {
  const digest = await releaseOf(store, name, version);
  if (digest !== null) {
    const release = await fetchRelease(store, digest);
    if (release.name === name && release.version === version) return release;
    const is = `${release.name} ${release.version}`;
    throw corrupt(store, versionKey(name, version), `it stands for a release of ${is}`);
  }
  throw await unknownVersion(store, name, version);
}

/** The error for a version that is not there: it names the newest that are. */
export async function unknownVersion(
  store: ObjectStore,
  name: string,
  version: string,
): Promise<MlshipError> {
  const newest = (await listVersions(store, name)).slice(-5);
  return new MlshipError({
    code: "version.unknown",
    what: `${name} ${version} is not in the store ${store.location}`,
    why: newest.length === 0 ? `it holds no version of ${name}` : `the newest there are ${newest.join(", ")}`,
    fix: "choose one of them, or release this one with mlship upload",
    exit: "usage",
  });
}

/**
 * The release of a digest.
 * @throws MlshipError `store.corrupt`, exit 7, when it is missing or not what the digest names.
 */
export async function fetchRelease(store: ObjectStore, digest: Digest): Promise<Release> {
  const key = releaseKey(digest);
  const release = await readDocument(store, key, releaseSchema);
  if (release === null) throw corrupt(store, key, "it is missing");
  if (release.digest !== digest) throw corrupt(store, key, `it is the release ${release.digest}`);
  return release;
}

/** The bytes of a blob: a report, golden rows, a lock, a source file. */
export async function fetchBlob(store: ObjectStore, blob: Blob): Promise<Uint8Array> {
  const key = blobKey(blob.sha256);
  const bytes = await store.read(key);
  if (bytes === null) throw corrupt(store, key, "it is missing");
  if (digestBytes(bytes) !== blob.sha256) throw corrupt(store, key, "its bytes are not those of its name");
  return bytes;
}

/** The Python lock of a release. */
export async function fetchLock(store: ObjectStore, release: Release): Promise<PythonLock> {
  const requirements = Buffer.from(await fetchBlob(store, release.python.requirements)).toString("utf8");
  return { ...release.python, requirements };
}

/**
 * The bytes of one of the server's source files in a release.
 * @throws TypeError for a path that the release does not name.
 */
export async function fetchServerFile(
  store: ObjectStore,
  release: Release,
  path: string,
): Promise<Uint8Array> {
  const file = release.python.server.files.find((candidate) => candidate.path === path);
  if (file === undefined) throw new TypeError(`release ${release.digest} has no server file ${path}`);
  return fetchBlob(store, file);
}

/**
 * Writes the release's bundle, what the server loads, to a folder: the model's files and
 * `mlship.json`. The folder appears whole or not at all; one that is there and right is kept, one
 * that was altered is replaced.
 */
export async function materialise(
  store: ObjectStore,
  release: Release,
  folder: string,
  onBytes: OnBytes = () => {},
): Promise<void> {
  if (await holds(folder, release)) return;
  const temporary = `${folder}.${randomUUID()}`;
  const { files } = release.model;
  const fetch = async (file: (typeof files)[number]) => {
    await download(store, file, join(temporary, file.path), onBytes);
  };
  try {
    await mkdir(temporary, { recursive: true });
    await inParallel(files, fetch, { sizeOf: ({ size }) => size });
    await writeFile(join(temporary, "mlship.json"), encode(release.bundle));
    await rm(folder, { recursive: true, force: true });
    await rename(temporary, folder);
  } catch (error) {
    // Another process was faster.
    if (!(await holds(folder, release))) throw error;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function download(store: ObjectStore, blob: Blob, file: string, onBytes: OnBytes): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const key = blobKey(blob.sha256);
  if (!(await store.download(key, file, onBytes))) throw corrupt(store, key, "it is missing");
  if ((await digestFile(file)) !== blob.sha256)
    throw corrupt(store, key, "its bytes are not those of its name");
}

/** Whatever cannot be read is not held: writing it anew then says why. */
async function holds(folder: string, release: Release): Promise<boolean> {
  const bundle = encode(release.bundle);
  const expected = [
    ...release.model.files,
    { path: "mlship.json", size: bundle.length, sha256: digestBytes(bundle) },
  ];
  for (const { path, size, sha256 } of expected) {
    const file = join(folder, path);
    const found = await stat(file).catch(() => null);
    if (found === null || found.size !== size || (await digestFile(file)) !== sha256) return false;
  }
  return true;
}
