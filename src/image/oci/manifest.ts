// Manifests, indexes and descriptors of the OCI image specification, as they are read.
import { z } from "zod";
import type { Platform } from "../../config/image-keys.ts";
import { platforms } from "../../config/image-keys.ts";
import { MlshipError } from "../../errors.ts";
import type { Descriptor, StoredManifest } from "../ports.ts";

/** Media types of the OCI image specification 1.1. */
export const mediaTypes = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
  /** What a manifest has in place of a configuration when it has none. */
  empty: "application/vnd.oci.empty.v1+json",
} as const;

const dockerIndex = "application/vnd.docker.distribution.manifest.list.v2+json";
const dockerManifest = "application/vnd.docker.distribution.manifest.v2+json";

const digest = z.templateLiteral(["sha256:", z.string().regex(/^[0-9a-f]{64}$/)]);
const annotations = z.record(z.string(), z.string());

/** Schema of a descriptor; what mlship does not know of it is left out. */
export const descriptorSchema: z.ZodType<Descriptor> = z.object({
  mediaType: z.string(),
  digest,
  size: z.int().nonnegative(),
  platform: z
    .object({ architecture: z.string(), os: z.string(), variant: z.string().exactOptional() })
    .exactOptional(),
  artifactType: z.string().exactOptional(),
  annotations: annotations.exactOptional(),
});

const indexSchema = z.object({
  mediaType: z.string().optional(),
  manifests: z.array(descriptorSchema),
  annotations: annotations.optional(),
});
const imageSchema = z.object({
  mediaType: z.string().optional(),
  config: descriptorSchema,
  layers: z.array(descriptorSchema),
  annotations: annotations.optional(),
});

/** An image index: one image per platform, or what refers to an image. */
export interface ImageIndex {
  manifests: Descriptor[];
  annotations: Record<string, string>;
}

/** The image of one platform. */
export interface ImageManifest {
  config: Descriptor;
  /** Lowest first. */
  layers: Descriptor[];
  annotations: Record<string, string>;
}

/** Whether a media type is one of an index, OCI's or Docker's. */
export function isIndex(mediaType: string): boolean {
  return mediaType === mediaTypes.index || mediaType === dockerIndex;
}

/** Whether a media type is one of an image's manifest, OCI's or Docker's. */
export function isManifest(mediaType: string): boolean {
  return mediaType === mediaTypes.manifest || mediaType === dockerManifest;
}

/** @throws MlshipError `image.bad-manifest`, exit 5. */
export function readIndex(stored: StoredManifest): ImageIndex {
  const { manifests, annotations: notes = {} } = parse(stored, indexSchema, "an image index");
  return { manifests, annotations: notes };
}

/** @throws MlshipError `image.bad-manifest`, exit 5. */
export function readImage(stored: StoredManifest): ImageManifest {
  const { config, layers, annotations: notes = {} } = parse(stored, imageSchema, "an image manifest");
  return { config, layers, annotations: notes };
}

/** The platform of a descriptor, as mlship names it; null for one that it builds nothing for. */
export function platformOf({ platform }: Descriptor): Platform | null {
  const name = platform === undefined ? "" : `${platform.os}/${platform.architecture}`;
  return platforms.find((known) => known === name) ?? null;
}

function parse<T>({ bytes, digest: id, mediaType }: StoredManifest, schema: z.ZodType<T>, kind: string): T {
  try {
    const read = schema.parse(JSON.parse(Buffer.from(bytes).toString("utf8")));
    // The type in the document and beside it must agree, or two readers could see two images.
    const { mediaType: own } = z.object({ mediaType: z.string().optional() }).parse(read);
    if (own === undefined || own === mediaType) return read;
    throw new Error(`it calls itself ${own} and is stored as ${mediaType}`);
  } catch (cause) {
    throw new MlshipError({
      code: "image.bad-manifest",
      what: `${id} is not ${kind}`,
      why: cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause),
      fix: "check the image's name; it must be in the OCI format or in Docker's version 2",
      exit: "unavailable",
      cause,
    });
  }
}
