// What the fake S3 server keeps, and in what it behaves otherwise than Amazon's does.
import type { Algorithm, Checksum } from "./checksum.ts";
import type { Protection } from "./protection.ts";
import { Refusal } from "./refusal.ts";

export interface StoredObject {
  key: string;
  bytes: Buffer;
  /** In quotes. */
  etag: string;
  at: Date;
  version: string;
  /** Google's number of this state of the object. */
  generation: number;
  checksum: (Checksum & { type: "FULL_OBJECT" | "COMPOSITE" }) | null;
  protection: Protection;
}

export interface Part {
  bytes: Buffer;
  etag: string;
  at: Date;
  checksum: Checksum | null;
}

export interface Upload {
  id: string;
  key: string;
  at: Date;
  checksum: { algorithm: Algorithm; type: "FULL_OBJECT" | "COMPOSITE" } | null;
  protection: Protection;
  parts: Map<number, Part>;
}

export interface Bucket {
  name: string;
  region: string;
  objects: Map<string, StoredObject>;
  /** Versions behind a delete marker; only a bucket with object lock keeps them. */
  hidden: StoredObject[];
  uploads: Map<string, Upload>;
  /** Made with object lock, and so with versions. */
  lockable: boolean;
  /** Bytes that it may hold. */
  quota: number | null;
}

/** How a server behaves; by default as Amazon's. */
export interface Manners {
  dialect: "amazon" | "google";
  /**
   * Whether conditions of PutObject count: `kept`, `ignored` as a server that does not know them
   * does, or `racy`: looked at first and written later, so that two can win.
   */
  conditions: "kept" | "ignored" | "racy";
  /** Accepts encryption headers and does nothing with them. */
  ignoresEncryption: boolean;
  /** Bytes that a part has at least unless it is the last: 5 MiB. */
  minimumPart: number;
  /** Entries on a page of a list at most: 1,000. */
  pageSize: number;
  /** Actions of IAM that are denied: `s3:PutObject`. */
  denied: (action: string, key: string) => boolean;
  clock: () => Date;
}

export const amazonsManners: Manners = {
  dialect: "amazon",
  conditions: "kept",
  ignoresEncryption: false,
  minimumPart: 5 * 1024 * 1024,
  pageSize: 1000,
  denied: () => false,
  clock: () => new Date(),
};

export function makeBucket(name: string, options: Partial<Bucket> = {}): Bucket {
  return {
    name,
    region: "us-east-1",
    objects: new Map(),
    hidden: [],
    uploads: new Map(),
    lockable: false,
    quota: null,
    ...options,
  };
}

/** @throws Refusal when so many more bytes do not fit; the parts of unfinished uploads count. */
export function verifyRoom(bucket: Bucket, more: number): void {
  if (bucket.quota === null) return;
  let used = more;
  for (const object of [...bucket.objects.values(), ...bucket.hidden]) used += object.bytes.length;
  for (const { parts } of bucket.uploads.values())
    for (const { bytes } of parts.values()) used += bytes.length;
  if (used > bucket.quota) throw new Refusal(403, "QuotaExceeded", "The bucket's quota is used up");
}
