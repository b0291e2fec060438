// What a store's documents name, and therefore must stay.
import type { Digest } from "../digest.ts";
import type { MlshipError } from "../errors.ts";
import { corrupt, readDocument } from "./document.ts";
import { fetchRelease } from "./fetch.ts";
import { inParallel } from "./in-parallel.ts";
import { blobKey, modelsPrefix, releaseKey, releasesPrefix } from "./layout.ts";
import type { ObjectStore } from "./ports.ts";
import { blobsOf } from "./release.ts";
import { versionDocumentSchema } from "./versions.ts";

const named = /(?<=sha256:)[0-9a-f]{64}/g;
const versionDocument = /^models\/[^/]+\/versions\//;

/**
 * Everything that versions, logs and served documents of all models lead to. A digest in any of
 * these documents keeps what lies under it, also in kinds of documents that this mlship does not
 * know. Documents never change, so that each is read once.
 */
export class Marks {
  readonly #store: ObjectStore;
  readonly #read = new Set<string>();
  readonly #named = new Set<Digest>();
  readonly #followed = new Set<Digest>();
  readonly #keys = new Set<string>();
  readonly #versions = new Set<Digest>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** Releases that have a version. */
  get releases(): number {
    return this.#versions.size;
  }

  /** Whether an object must stay. */
  has(key: string): boolean {
    return this.#keys.has(key);
  }

  /**
   * Reads what came since the last call.
   * @throws MlshipError `store.corrupt`, exit 7, when a release is missing or damaged: nobody can say
   *   then what it needs; `store.newer`, exit 2.
   */
  async extend(signal?: AbortSignal): Promise<void> {
    const fresh: string[] = [];
    for await (const key of this.#store.list(modelsPrefix)) if (!this.#read.has(key)) fresh.push(key);
    await inParallel(fresh, (key) => this.#mark(key), { signal });
    // A release is there before the first document that names it, so that this finds all of them.
    const releases = new Set<string>();
    for await (const key of this.#store.list(releasesPrefix)) releases.add(key);
    const ahead = [...this.#named].filter(
      (digest) =>
        !this.#followed.has(digest) && (this.#versions.has(digest) || releases.has(releaseKey(digest))),
    );
    await inParallel(ahead, (digest) => this.#follow(digest), { signal });
  }

  async #mark(key: string): Promise<void> {
    if (versionDocument.test(key)) await this.#markVersion(key);
    else await this.#markNamed(key);
    this.#read.add(key);
  }

  async #markVersion(key: string): Promise<void> {
    const document = await readDocument(this.#store, key, versionDocumentSchema);
    if (document === null) throw this.#vanished(key);
    this.#versions.add(document.release);
    this.#keep(document.release);
  }

  async #markNamed(key: string): Promise<void> {
    const bytes = await this.#store.read(key);
    if (bytes === null) throw this.#vanished(key);
    for (const [hex] of Buffer.from(bytes).toString("utf8").matchAll(named)) this.#keep(`sha256:${hex}`);
  }

  #keep(digest: Digest): void {
    this.#named.add(digest);
    this.#keys.add(blobKey(digest)).add(releaseKey(digest));
  }

  async #follow(digest: Digest): Promise<void> {
    const release = await fetchRelease(this.#store, digest);
    for (const { sha256 } of blobsOf(release)) this.#keys.add(blobKey(sha256));
    this.#followed.add(digest);
  }

  #vanished(key: string): MlshipError {
    return corrupt(this.#store, key, "it went missing while it was read");
  }
}
