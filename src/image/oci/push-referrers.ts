// Attaches statements to an image at its registry: OCI 1.1 referrers, and their tag where there are none.
import { Readable } from "node:stream";
import { canonicalJson, digestBytes, type Digest } from "../../digest.ts";
import { MlshipError } from "../../errors.ts";
import { mediaTypes, readIndex } from "./manifest.ts";
import type { Descriptor, Registry, StoredManifest } from "../ports.ts";
import { formatReference, type Reference } from "./reference.ts";

/** An artifact about an image: its blobs and its manifest, whose `subject` is the image. */
export interface Attachment {
  subject: Digest;
  manifest: StoredManifest;
  blobs: { digest: Digest; bytes: Uint8Array }[];
  artifactType: string;
  annotations: Record<string, string>;
}

/** How many statements travelled, and how many were there. */
export interface Attached {
  sent: number;
  present: number;
}

/** How many times the list of referrers is written when others write it at the same time. */
const attempts = 5;

/**
 * Pushes what is missing of the attachments. Where the registry does not list referrers by itself,
 * they are listed under the tag `sha256-HEX` (OCI distribution specification 1.1, referrers tag schema).
 * @throws MlshipError `push.referrers`, exit 7, when others keep overwriting that list; `registry.*`
 */
export async function pushReferrers(
  registry: Registry,
  target: Reference,
  attachments: Attachment[],
): Promise<Attached> {
  let sent = 0;
  for (const [subject, group] of Map.groupBy(attachments, (attachment) => attachment.subject)) {
    const listed = new Set((await registry.referrers(target, subject)).map(({ digest }) => digest));
    const missing = group.filter(({ manifest }) => !listed.has(manifest.digest));
    const unlisted: Descriptor[] = [];
    for (const attachment of missing) {
      if (!(await pushOne(registry, target, attachment))) unlisted.push(describe(attachment));
    }
    if (unlisted.length > 0) await list(registry, target, subject, unlisted);
    sent += missing.length;
  }
  return { sent, present: attachments.length - sent };
}

/** @returns whether the registry lists it by itself */
async function pushOne(
  registry: Registry,
  target: Reference,
  { blobs, manifest }: Attachment,
): Promise<boolean> {
  for (const { digest, bytes } of blobs) {
    if (await registry.hasBlob(target, digest)) continue;
    const open = (from: number) => Readable.from([bytes.subarray(from)]);
    await registry.pushBlob(target, { digest, size: bytes.length, open }, () => {});
  }
  const { listed } = await registry.pushManifest(target, manifest, manifest.digest);
  return listed;
}

function describe({ manifest, artifactType, annotations }: Attachment): Descriptor {
  const { mediaType, digest, bytes } = manifest;
  return { mediaType, digest, size: bytes.length, artifactType, annotations };
}

/** Adds to the list under the tag. No registry can compare and swap: what was written is read again. */
async function list(
  registry: Registry,
  target: Reference,
  subject: Digest,
  added: Descriptor[],
): Promise<void> {
  const tag = subject.replace(":", "-");
  const name: Reference = { ...target, tag, digest: null };
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const found = await registry.manifest(name);
    const old = found === null ? [] : readIndex(found).manifests;
    const known = new Set(old.map(({ digest }) => digest));
    const fresh = added.filter(({ digest }) => !known.has(digest));
    if (fresh.length === 0) return;
    const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [...old, ...fresh] };
    const bytes = Buffer.from(canonicalJson(index));
    await registry.pushManifest(
      name,
      { bytes, mediaType: mediaTypes.index, digest: digestBytes(bytes) },
      tag,
    );
  }
  throw new MlshipError({
    code: "push.referrers",
    what: `the list of statements ${formatReference(name)} keeps changing`,
    why: "another push writes it at the same time",
    fix: "run `mlship push` again when the other push has ended",
    exit: "attention",
  });
}
