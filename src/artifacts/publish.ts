// Publishes a release: bytes first, then the document, then the name that makes it visible.
import { digestBytes } from "../digest.ts";
import type { Digest } from "../digest.ts";
import { MlshipError } from "../errors.ts";
import { corrupt, encode } from "./document.ts";
import type { Clock } from "./elapsed.ts";
import { inParallel } from "./in-parallel.ts";
import { declareIntent } from "./intent.ts";
import { blobKey, releaseKey } from "./layout.ts";
import type { ObjectBody, ObjectStore, OnBytes } from "./ports.ts";
import { blobsOf } from "./release.ts";
import type { Blob, Release } from "./release.ts";
import { nameRelease, requireFree } from "./versions.ts";

/** Where the bytes of a digest are on this machine. */
export type Sources = ReadonlyMap<Digest, Uint8Array | { file: string }>;

/** What publishing goes by, who is told how it goes, and what ends it. */
export interface Publishing {
  clock: Clock;
  /** Told the bytes of each blob that are in the store by now, those that were there among them. */
  onBytes?: OnBytes;
  signal?: AbortSignal;
}

/**
 * Puts a release and all of its bytes into the store. A call that was killed anywhere is finished
 * by the same call; what is there already is not sent again. Until the last step, the version,
 * nobody can see the release. One that has its version already costs one request. `mlship gc` leaves
 * alone what a publisher found, however slow it is: docs/concepts/gc.md.
 * @returns whether this call made the version; false when the same release had it before.
 * @throws MlshipError `version.exists`, exit 2, before anything is sent; `store.sweeping`, exit 6;
 *   `store.*`.
 */
export async function publish(
  store: ObjectStore,
  release: Release,
  sources: Sources,
  { clock, onBytes = () => {}, signal }: Publishing,
): Promise<{ release: Release; created: boolean }> {
  if (!(await requireFree(store, release))) return { release, created: false };
  const put = (blob: Blob) => putBlob(store, blob, sources, onBytes);
  for (;;) {
    const intent = await declareIntent(store, release, clock, signal);
    await inParallel(blobsOf(release), put, { sizeOf: ({ size }) => size, signal });
    await store.create(releaseKey(release.digest), encode(release));
    if (intent.holds()) break;
  }
  return { release, created: await nameRelease(store, release) };
}

/** Up to so many bytes, sending costs no more than asking whether it is needed. */
const cheap = 64 * 1024;

async function putBlob(store: ObjectStore, blob: Blob, sources: Sources, onBytes: OnBytes): Promise<void> {
  const key = blobKey(blob.sha256);
  let told = 0;
  const tell = (bytes: number) => {
    told += bytes;
    onBytes(bytes);
  };
  const there = blob.size <= cheap ? null : await store.size(key);
  if (there !== null || (await store.create(key, bodyOf(blob, sources), tell)) === "exists") {
    const size = there ?? (await store.size(key));
    if (size !== blob.size) throw corrupt(store, key, `it has ${size ?? "no"} bytes instead of ${blob.size}`);
  }
  onBytes(blob.size - told);
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
