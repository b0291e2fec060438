// What an image is made of, as both bills of materials name it.
import type { Platform } from "../../config/image-keys.ts";
import { digestBytes, type Digest } from "../../digest.ts";
import { parseReference } from "../oci/reference.ts";
import { hexOf } from "./statement.ts";
import type { ImageFacts } from "./attest.ts";

/** One Python distribution as it is locked. */
export interface Distribution {
  name: string;
  version: string;
  purl: string;
  /** SHA-256 of each file that the lock lets be installed. */
  sha256: string[];
}

/** The base image of one platform. */
export interface Base {
  /** `docker.io/library/python:3.12-slim` */
  reference: string;
  /** Digest of the platform's manifest. */
  digest: Digest;
  purl: string;
}

export interface Parts {
  image: { name: string; version: string; purl: string };
  base: Base;
  distributions: Distribution[];
}

/** The base image and the distributions of one platform's image. */
export function partsOf({ image, lock, plan }: ImageFacts, platform: Platform, manifest: Digest): Parts {
  const { registry, repository, tag } = parseReference(lock.base.reference);
  const architecture = platform.slice(platform.indexOf("/") + 1);
  const digest = lock.base.platforms[platform]?.manifest ?? plan.base.digest;
  return {
    image: {
      name: image.name,
      version: image.version,
      purl: ociPurl(image.name, manifest, { arch: architecture }),
    },
    base: {
      reference: lock.base.reference,
      digest,
      purl: ociPurl(repository.slice(repository.lastIndexOf("/") + 1), digest, {
        arch: architecture,
        repository_url: `${registry}/${repository}`,
        ...(tag === null ? {} : { tag }),
      }),
    },
    distributions: (lock.packages[platform] ?? []).map(({ name, version, sha256 }) => ({
      name,
      version,
      purl: `pkg:pypi/${encodeURIComponent(name)}@${encodeURIComponent(version)}`,
      sha256,
    })),
  };
}

/** Package URL of an image. @param qualifiers in the order of their names, as the specification wants them */
function ociPurl(name: string, digest: Digest, qualifiers: Record<string, string>): string {
  const pairs = Object.entries(qualifiers).map(([key, value]) => `${key}=${encodeURIComponent(value)}`);
  return `pkg:oci/${encodeURIComponent(name)}@${encodeURIComponent(digest)}?${pairs.join("&")}`;
}

/** A UUID that follows from a text (RFC 9562, version 8), so that the same image has the same one. */
export function uuidOf(text: string): string {
  const hex = hexOf(digestBytes(text));
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  const groups = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
  ];
  return [...groups, hex.slice(20, 32)].join("-");
}

/** When everything in an image is from: documents that follow from it say the same. */
export const epoch = "1970-01-01T00:00:00Z";
