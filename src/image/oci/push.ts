// Pushing an image: which blobs the registry lacks, then bytes before names, and the name read back.
import { createReadStream } from "node:fs";
import { digestBytes, type Digest } from "../../digest.ts";
import { MlshipError } from "../../errors.ts";
import { blobFile, checkBlob, type Layout } from "./layout.ts";
import { limited } from "./limited.ts";
import type { Descriptor, Registry, StoredManifest } from "../ports.ts";
import { pushReferrers, type Attached, type Attachment } from "./push-referrers.ts";
import { formatReference, parseReference, type Reference } from "./reference.ts";

/** What is told while an image is pushed. */
export interface PushProgress {
  /** What has to travel, once it is known. */
  planned(missing: { blobs: number; bytes: number }, present: number): void;
  /** How many bytes more the registry has taken. */
  sent(bytes: number): void;
}

/** What was done. */
export interface Pushed {
  digest: Digest;
  tag: string;
  /** Blobs of the image: those that travelled, those that were there or were taken over within the registry. */
  blobs: { sent: number; present: number };
  /** Bytes of the blobs that travelled. */
  bytes: number;
  attestations: Attached;
}

export interface PushOptions {
  layout: Layout;
  /** The repository; tag and digest of it are not looked at. */
  target: Reference;
  /** The version: it names this image for ever. */
  tag: string;
  /** Statements about the image. */
  attachments: Attachment[];
  /** Layers that are the base's. */
  base: ReadonlySet<Digest>;
  progress: PushProgress;
}

/** Blobs that are asked for, or sent, at a time. */
const atATime = 4;
/** The label that names what an image is built on (OCI image specification, annotations). */
const baseLabel = "org.opencontainers.image.base.name";

/**
 * Pushes an image and what is said about it. The tag comes last: whoever sees it sees the rest. Run
 * again after it was interrupted, it sends what is missing.
 * @throws MlshipError `push.tag-taken`, exit 2: the version is another image already;
 *   `push.read-back`, exit 7: the registry gives another image than was pushed; `registry.*`
 */
export async function pushImage(registry: Registry, options: PushOptions): Promise<Pushed> {
  const { layout, tag, attachments, progress } = options;
  const { root } = layout;
  const target: Reference = { ...options.target, tag: null, digest: null };
  const tagged: Reference = { ...target, tag };
  const there = await registry.manifest(tagged);
  if (there !== null && there.digest !== root.digest) throw taken(tagged, there.digest, root.digest);
  const parts = blobsOf(layout);
  const missing = there === null ? await missingOf(registry, target, parts) : [];
  const size = missing.reduce((sum, blob) => sum + blob.size, 0);
  progress.planned({ blobs: missing.length, bytes: size }, parts.length - missing.length);
  const sent = await sendBlobs(registry, target, missing, options);
  if (there === null) {
    await limited(atATime, layout.images, async ({ manifest }) => {
      await registry.pushManifest(target, manifest, manifest.digest);
    });
    if (layout.images.every(({ manifest }) => manifest.digest !== root.digest)) {
      await registry.pushManifest(target, root, root.digest);
    }
  }
  const attached = await pushReferrers(registry, target, attachments);
  if (there === null) await registry.pushManifest(tagged, root, tag);
  await readBack(registry, tagged, root);
  return {
    digest: root.digest,
    tag,
    blobs: { sent: sent.length, present: parts.length - sent.length },
    bytes: sent.reduce((sum, blob) => sum + blob.size, 0),
    attestations: attached,
  };
}

/** Configurations and layers of all platforms, each once. */
export function blobsOf({ images }: Layout): Descriptor[] {
  const all = images.flatMap(({ config, layers }) => [...layers, config]);
  return [...new Map(all.map((blob) => [blob.digest, blob])).values()];
}

async function missingOf(registry: Registry, target: Reference, blobs: Descriptor[]): Promise<Descriptor[]> {
  const asked = await limited(atATime, blobs, async (blob) =>
    (await registry.hasBlob(target, blob.digest)) ? null : blob,
  );
  return asked.filter((blob) => blob !== null);
}

/** @returns the blobs that travelled */
async function sendBlobs(
  registry: Registry,
  target: Reference,
  missing: Descriptor[],
  { layout, base, progress }: PushOptions,
): Promise<Descriptor[]> {
  const mountFrom = baseRepository(layout, target);
  const sent = await limited(atATime, missing, async (blob) => {
    const { digest, size } = blob;
    // A layer that was damaged on this disk is this machine's fault, not the registry's.
    await checkBlob(layout.folder, digest);
    const travelled = await registry.pushBlob(
      target,
      {
        digest,
        size,
        open: (from) => createReadStream(blobFile(layout.folder, digest), { start: from }),
        mountFrom: base.has(digest) ? mountFrom : undefined,
      },
      (bytes) => progress.sent(bytes),
    );
    return travelled ? blob : null;
  });
  return sent.filter((blob) => blob !== null);
}

/** Where the same registry has the layers of the base; undefined when they are at another one. */
function baseRepository({ images }: Layout, target: Reference): string | undefined {
  const name = images[0]?.labels[baseLabel];
  if (name === undefined) return undefined;
  const { registry, repository } = parseReference(name);
  return registry === target.registry && repository !== target.repository ? repository : undefined;
}

async function readBack(registry: Registry, tagged: Reference, root: StoredManifest): Promise<void> {
  const names: Reference[] = [tagged, { ...tagged, tag: null, digest: root.digest }];
  for (const name of names) {
    const found = await registry.manifest(name);
    if (found !== null && digestBytes(found.bytes) === root.digest) continue;
    throw new MlshipError({
      code: "push.read-back",
      what: `${formatReference(name)} is not the image that was pushed`,
      why: `${found === null ? "there is none" : `it is ${found.digest}`}, and ${root.digest} was pushed; another push may have taken the tag in the same moment`,
      fix: "find out who else pushes this version, then run `mlship push` again",
      exit: "attention",
    });
  }
}

function taken(tagged: Reference, there: Digest, here: Digest): MlshipError {
  return new MlshipError({
    code: "push.tag-taken",
    what: `${formatReference(tagged)} is another image already`,
    why: `it is ${there}, and the built image is ${here}; a version names one image for ever`,
    fix: "raise `version` in mlship.yaml, then run `mlship build` and `mlship push`",
    exit: "usage",
  });
}
