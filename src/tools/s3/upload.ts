// Multipart uploads as the server knows them: those that were begun for a key, and the parts they have.
import type { Bucket } from "./bucket.ts";
import { askXml, listParts, listUploads, type KeptPart } from "./listing.ts";
import type { Protection } from "./protection.ts";

/** How the server checks what arrives: CRC32 of parts and whole, or an MD5 of each part. */
export type Checking = "crc32" | "md5";

export interface Upload {
  id: string;
  checking: Checking;
  /** Parts that are there already, by number. */
  parts: ReadonlyMap<number, KeptPart>;
}

/** Uploads of one key that are looked at: more than one is there only when several began at once. */
const mostUploads = 4;

/**
 * The upload of a key that somebody began and that has most to go on from, or null. Its key is the
 * digest of its content, so whoever began it meant the same bytes. The key is asked for whole:
 * MinIO lists uploads in no other way.
 */
export async function findUpload(
  bucket: Bucket,
  protection: Protection,
  key: string,
): Promise<Upload | null> {
  const begun = [];
  for await (const upload of listUploads(bucket, key)) if (upload.key === key) begun.push(upload);
  begun.sort((a, b) => b.at.getTime() - a.at.getTime());
  let best: Upload | null = null;
  for (const { id } of begun.slice(0, mostUploads)) {
    const found = await listParts(bucket, key, id, protection.touching());
    if (found === null || found.checking === null) continue;
    if (best === null || found.parts.size > best.parts.size) {
      best = { id, checking: found.checking, parts: found.parts };
    }
  }
  return best;
}

/** Begins an upload, with CRC32 over the whole where the server has it. */
export async function beginUpload(bucket: Bucket, protection: Protection, key: string): Promise<Upload> {
  const wish = bucket.dialect.hasCrc32
    ? { "x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": "FULL_OBJECT" }
    : {};
  const { root, answer } = await askXml(bucket, {
    action: "s3:PutObject",
    method: "POST",
    key,
    query: { uploads: "" },
    headers: { ...wish, ...protection.creating() },
  });
  const id = root.textOf("UploadId");
  if (id === null || id === "")
    throw bucket.badAnswer("s3:PutObject", "an upload was begun, and has no name");
  const { headers } = answer;
  const hasCrc32 =
    headers["x-amz-checksum-algorithm"] === "CRC32" && headers["x-amz-checksum-type"] === "FULL_OBJECT";
  return { id, checking: hasCrc32 ? "crc32" : "md5", parts: new Map() };
}
