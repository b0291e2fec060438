// A registry in memory whose writers can be stopped at any write, for tests of the protocols.
import { z } from "zod";
import { digestBytes, type Digest } from "../../../../src/digest.ts";
import { MlshipError } from "../../../../src/errors.ts";
import type { Descriptor, Registry, StoredManifest } from "../../../../src/image/ports.ts";
import type { Reference } from "../../../../src/image/oci/reference.ts";

export class Killed extends Error {}

export interface MemoryRegistry extends Registry {
  /** `registry/repository` → digest → bytes. */
  readonly blobs: Map<string, Map<Digest, Uint8Array>>;
  readonly manifests: Map<string, Map<string, StoredManifest>>;
  /** Writes so far, as `blob DIGEST` and `manifest NAME`. */
  readonly writes: string[];
  /** Dies at this write, counted from 1: before it is done, or after it and before the answer. */
  kill: { at: number; when: "before" | "after" } | null;
  /** Whether it lists referrers by itself, as OCI 1.1 has it. */
  lists: boolean;
  /** Puts an image's manifest there, as somebody else would have. */
  put(reference: Reference, name: string, mediaType: string, bytes: Uint8Array): StoredManifest;
}

const subjectOf = z.object({ subject: z.object({ digest: z.string() }).optional() });
const listSchema = z.object({ manifests: z.array(z.looseObject({ digest: z.string() })) });

export function createMemoryRegistry(): MemoryRegistry {
  const blobs = new Map<string, Map<Digest, Uint8Array>>();
  const manifests = new Map<string, Map<string, StoredManifest>>();
  const of = <V>(all: Map<string, V>, key: string, make: () => V): V => {
    const found = all.get(key) ?? make();
    all.set(key, found);
    return found;
  };
  const place = ({ registry: host, repository }: Reference) => `${host}/${repository}`;
  const blobsOf = (reference: Reference) => of(blobs, place(reference), () => new Map<Digest, Uint8Array>());
  const manifestsOf = (reference: Reference) =>
    of(manifests, place(reference), () => new Map<string, StoredManifest>());
  const write = (what: string, done: () => void) => {
    registry.writes.push(what);
    const dies = registry.kill?.at === registry.writes.length ? registry.kill.when : null;
    if (dies === "before") throw new Killed();
    done();
    if (dies === "after") throw new Killed();
  };
  const registry: MemoryRegistry = {
    blobs,
    manifests,
    writes: [],
    kill: null,
    lists: true,
    put(reference, name, mediaType, bytes) {
      const stored = { bytes, mediaType, digest: digestBytes(bytes) };
      manifestsOf(reference).set(name, stored);
      manifestsOf(reference).set(stored.digest, stored);
      return stored;
    },
    manifest: (reference) =>
      Promise.resolve(manifestsOf(reference).get(reference.digest ?? reference.tag ?? "latest") ?? null),
    blob(reference, digest) {
      const bytes = blobsOf(reference).get(digest);
      if (bytes !== undefined) return Promise.resolve(bytes);
      const what = `there is no blob ${digest}`;
      return Promise.reject(
        new MlshipError({ code: "registry.missing-repository", what, exit: "unavailable" }),
      );
    },
    hasBlob: (reference, digest) => Promise.resolve(blobsOf(reference).has(digest)),
    async pushBlob(reference, blob, onBytes) {
      const { digest, size, mountFrom } = blob;
      const other = mountFrom === undefined ? undefined : blobs.get(`${reference.registry}/${mountFrom}`);
      const mounted = other?.get(digest);
      if (mounted !== undefined) {
        write(`mount ${digest}`, () => blobsOf(reference).set(digest, mounted));
        return false;
      }
      const parts: Buffer[] = [];
      for await (const part of blob.open(0)) parts.push(Buffer.from(part as Uint8Array));
      const bytes = Buffer.concat(parts);
      if (bytes.length !== size || digestBytes(bytes) !== digest)
        throw new Error(`${digest} has other bytes`);
      write(`blob ${digest}`, () => blobsOf(reference).set(digest, bytes));
      onBytes(size);
      return true;
    },
    async pushManifest(reference, manifest, name) {
      await checkParts(reference, manifest);
      write(`manifest ${name}`, () => {
        manifestsOf(reference).set(name, manifest);
        manifestsOf(reference).set(manifest.digest, manifest);
      });
      const { subject } = subjectOf.parse(JSON.parse(Buffer.from(manifest.bytes).toString()));
      return { digest: manifest.digest, listed: registry.lists && subject !== undefined };
    },
    referrers(reference, subject) {
      if (!registry.lists) {
        const list = manifestsOf(reference).get(subject.replace(":", "-"));
        const text = list === undefined ? '{"manifests":[]}' : Buffer.from(list.bytes).toString();
        return Promise.resolve(listSchema.parse(JSON.parse(text)).manifests as unknown as Descriptor[]);
      }
      const found = new Map<Digest, Descriptor>();
      for (const { bytes, mediaType, digest } of manifestsOf(reference).values()) {
        const read = subjectOf.parse(JSON.parse(Buffer.from(bytes).toString()));
        if (read.subject?.digest === subject) found.set(digest, { mediaType, digest, size: bytes.length });
      }
      return Promise.resolve([...found.values()]);
    },
  };

  /** A registry refuses a manifest that names what it does not have. */
  function checkParts(reference: Reference, { bytes }: StoredManifest): Promise<void> {
    const part = z.object({ digest: z.string() });
    const {
      config,
      layers,
      manifests: images,
    } = z
      .object({
        config: part.optional(),
        layers: z.array(part).default([]),
        manifests: z.array(part).default([]),
      })
      .parse(JSON.parse(Buffer.from(bytes).toString()));
    for (const { digest } of [...layers, ...(config === undefined ? [] : [config])]) {
      if (!blobsOf(reference).has(digest as Digest)) throw new Error(`MANIFEST_BLOB_UNKNOWN ${digest}`);
    }
    for (const { digest } of images) {
      if (!manifestsOf(reference).has(digest)) throw new Error(`MANIFEST_UNKNOWN ${digest}`);
    }
    return Promise.resolve();
  }
  return registry;
}
