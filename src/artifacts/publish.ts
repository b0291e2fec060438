// Publishes a release: bytes first, then the document, then the name that makes it visible.
import { digestBytes } from "../digest.ts";
import type { Digest } from "../digest.ts";
import { MlshipError } from "../errors.ts";
import { corrupt, encode } from "./document.ts";
import { blobKey, releaseKey } from "./layout.ts";
import type { ObjectBody, ObjectStore } from "./ports.ts";
import { blobsOf } from "./release.ts";
import type { Blob, Release } from "./release.ts";
import { nameRelease } from "./versions.ts";

/** Where the bytes of a digest are on this machine. */
export type Sources = ReadonlyMap<Digest, Uint8Array | { file: string }>;

/**
 * Puts a release and all of its bytes into the store. A call that was killed anywhere is finished
 * by the same call; what is there already is not sent again. Until the last step, the version,
 * nobody can see the release.
 * @returns whether this call made the version; false when the same release had it before.
 * @throws MlshipError `version.exists`, exit 2; `store.*`.
 */
export async function publish(
  store: ObjectStore,
  release: Release,
  sources: Sources,
): Promise<{ release: Release; created: boolean }> {
  for (const blob of blobsOf(release)) await putBlob(store, blob, sources);
  await store.create(releaseKey(release.digest), encode(release));
  return { release, created: await nameRelease(store, release) };
}

async function putBlob(store: ObjectStore, blob: Blob, sources: Sources): Promise<void> {
  const key = blobKey(blob.sha256);
  const size = await store.size(key);
  if (size === null) {
    await store.create(key, bodyOf(blob, sources));
    return;
  }
  if (size !== blob.size) throw corrupt(store, key, `it has ${size} bytes instead of ${blob.size}`);
}

/** A body that the store creates only while it has the digest of its name. */
function bodyOf({ sha256, size }: Blob, sources: Sources): ObjectBody {
  const source = sources.get(sha256);
  if (source === undefined) throw new TypeError(`the release names ${sha256}, and no source has it`);
  if (!(source instanceof Uint8Array)) return { file: source.file, size, digest: sha256 };
  if (digestBytes(source) === sha256) return source;
  throw new MlshipError({
    code: "store.source-changed",
    what: `the bytes for ${sha256} are not those that were digested`,
    fix: "run the same command again",
    exit: "usage",
  });
}
