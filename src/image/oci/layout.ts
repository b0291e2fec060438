// An OCI image layout on disk: what every builder writes, and all that test, attestations and push read.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import type { Platform } from "../../config/image-keys.ts";
import { digestBytes, type Digest } from "../../digest.ts";
import { MlshipError } from "../../errors.ts";
import { isIndex, isManifest, platformOf, readImage, readIndex } from "./manifest.ts";
import type { Descriptor, StoredManifest } from "../ports.ts";

/** The configuration of an image, as far as mlship reads it. */
const configSchema = z.looseObject({
  architecture: z.string(),
  os: z.string(),
  config: z.looseObject({ Labels: z.record(z.string(), z.string()).nullish() }).nullish(),
  rootfs: z.looseObject({ diff_ids: z.array(z.string()) }),
});

/** The image of one platform in a layout. */
export interface LayoutImage {
  platform: Platform;
  manifest: StoredManifest;
  config: Descriptor;
  /** Lowest first: the base's, then those of the plan. */
  layers: Descriptor[];
  /** Digests of the layers' tar archives before compression, in the same order. */
  diffIds: string[];
  labels: Record<string, string>;
}

/** A layout that holds one image, for one platform or several. */
export interface Layout {
  folder: string;
  /** The image's identity: its index when it has several platforms, else its manifest. */
  root: StoredManifest;
  images: LayoutImage[];
}

const layoutVersion = z.looseObject({ imageLayoutVersion: z.literal("1.0.0") });
const rootsSchema = z.looseObject({
  manifests: z.array(z.looseObject({ mediaType: z.string(), digest: z.string(), size: z.int() })),
});

/**
 * Reads a layout: checks the digests of its documents and that every layer is there in its length.
 * The bytes of layers are checked by {@link checkBlob}, when they are used.
 * @throws MlshipError `image.damaged`, exit 7
 */
export async function readLayout(folder: string): Promise<Layout> {
  await readDocument(folder, "oci-layout", layoutVersion);
  const { manifests } = await readDocument(folder, "index.json", rootsSchema);
  const [first] = manifests;
  if (first === undefined || manifests.length > 1) {
    throw damaged(folder, `index.json names ${manifests.length} images instead of one`);
  }
  const root = await readStored(folder, first);
  const parts = isIndex(root.mediaType) ? readIndex(root).manifests : [{ ...first, digest: root.digest }];
  // An index may hold statements beside images: they have no platform that anything runs on.
  const images = await Promise.all(parts.map((part) => readOne(folder, root, part)));
  const found = images.filter((image) => image !== null);
  if (found.length === 0) throw damaged(folder, "it holds no image of a platform that mlship builds for");
  return { folder, root, images: found };
}

async function readOne(
  folder: string,
  root: StoredManifest,
  part: { mediaType: string; digest: Digest; size: number },
): Promise<LayoutImage | null> {
  const manifest = part.digest === root.digest ? root : await readStored(folder, part);
  if (!isManifest(manifest.mediaType)) throw damaged(folder, `${part.digest} is no image manifest`);
  const { config, layers } = readImage(manifest);
  const bytes = await readBytes(folder, config);
  const read = configSchema.safeParse(parseJson(bytes));
  if (!read.success) return null;
  const { architecture, os, config: own, rootfs } = read.data;
  const platform = platformOf({ ...config, platform: { architecture, os } });
  if (platform === null) return null;
  if (rootfs.diff_ids.length !== layers.length) {
    throw damaged(
      folder,
      `${part.digest} has ${layers.length} layers and ${rootfs.diff_ids.length} names of them`,
    );
  }
  await Promise.all(layers.map((layer) => checkSize(folder, layer)));
  return { platform, manifest, config, layers, diffIds: rootfs.diff_ids, labels: own?.Labels ?? {} };
}

/** The file of a blob in a layout. @param digest checked to be one: it becomes part of a path */
export function blobFile(folder: string, digest: string): string {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1];
  if (hex === undefined) throw damaged(folder, `${JSON.stringify(digest)} is no sha256 digest`);
  return path.join(folder, "blobs", "sha256", hex);
}

/** Reads all bytes of a blob. @throws MlshipError `image.damaged` when they are not those of its digest */
export async function checkBlob(folder: string, digest: Digest): Promise<void> {
  const hash = createHash("sha256");
  const source: AsyncIterable<Uint8Array> = createReadStream(blobFile(folder, digest), {
    highWaterMark: 1 << 18,
  });
  try {
    for await (const part of source) hash.update(part);
  } catch (cause) {
    throw damaged(folder, `the blob ${digest} cannot be read`, cause);
  }
  const found = hash.digest("hex");
  if (`sha256:${found}` !== digest)
    throw damaged(folder, `the blob ${digest} has the digest sha256:${found}`);
}

async function checkSize(folder: string, { digest, size }: Descriptor): Promise<void> {
  const file = await stat(blobFile(folder, digest)).catch((cause: unknown) => {
    throw damaged(folder, `the blob ${digest} is missing`, cause);
  });
  if (file.size !== size) throw damaged(folder, `the blob ${digest} has ${file.size} of ${size} bytes`);
}

async function readStored(
  folder: string,
  { mediaType, digest, size }: { mediaType: string; digest: string; size: number },
): Promise<StoredManifest> {
  const bytes = await readBytes(folder, { digest, size });
  return { bytes, mediaType, digest: digestBytes(bytes) };
}

/** A document's bytes, checked. */
async function readBytes(
  folder: string,
  { digest, size }: { digest: string; size: number },
): Promise<Buffer> {
  const bytes = await readFile(blobFile(folder, digest)).catch((cause: unknown) => {
    throw damaged(folder, `the blob ${digest} is missing`, cause);
  });
  if (bytes.length !== size || digestBytes(bytes) !== digest) {
    throw damaged(folder, `the blob ${digest} has other bytes than its name says`);
  }
  return bytes;
}

async function readDocument<T>(folder: string, name: string, schema: z.ZodType<T>): Promise<T> {
  const bytes = await readFile(path.join(folder, name)).catch((cause: unknown) => {
    throw damaged(folder, `its ${name} is missing`, cause);
  });
  const read = schema.safeParse(parseJson(bytes));
  if (!read.success) throw damaged(folder, `its ${name} is not what the OCI specification says`, read.error);
  return read.data;
}

/** Undefined, which no schema accepts, for what is no JSON. */
function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}

/** The error of a built image whose files are not what the build wrote. */
export function damaged(folder: string, why: string, cause?: unknown): MlshipError {
  return new MlshipError({
    code: "image.damaged",
    what: `the built image in ${folder} is damaged`,
    why,
    fix: "remove the folder and run `mlship build` again",
    exit: "attention",
    cause,
  });
}
