// Sends the parts of a file that an upload does not have yet, several at once, each with its checksum.
import type { ObjectBody, OnBytes } from "../../artifacts/ports.ts";
import type { Digest } from "../../digest.ts";
import { sourceChanged } from "../source-changed.ts";
import type { Bucket } from "./bucket.ts";
import { encodeCrc32, etagOf } from "./checksum.ts";
import { UploadGone, type SentPart } from "./complete.ts";
import { combineCrc32 } from "./crc32.ts";
import type { KeptPart } from "./listing.ts";
import { LengthChanged, PartReader, type FilePart } from "./part-reader.ts";
import type { Protection } from "./protection.ts";
import type { Upload } from "./upload.ts";
import { header } from "./wire.ts";

export type FileBody = Exclude<ObjectBody, Uint8Array>;

export interface Sending {
  key: string;
  upload: Upload;
  body: FileBody;
  partSize: number;
}

export interface Sent {
  /** In order. */
  parts: SentPart[];
  /** Of the whole file, as it was read. */
  crc32: number;
  digest: Digest;
  /** Whether the server showed for each part that it has the right bytes. */
  proven: boolean;
}

/**
 * Reads the whole file once, compares the parts that the server has with it, and sends the others.
 * Memory is that of the reader's parts: a part is read only when another one has left.
 * @throws MlshipError `store.*`; UploadGone
 */
export async function sendParts(
  bucket: Bucket,
  protection: Protection,
  sending: Sending,
  onBytes: OnBytes,
): Promise<Sent> {
  const { body, partSize, upload, key } = sending;
  const isPlain = (await bucket.origin()).protocol === "http:";
  const reader = new PartReader({
    file: body.file,
    size: body.size,
    partSize,
    digests: [
      ...(upload.checking === "md5" ? (["md5"] as const) : []),
      ...(isPlain ? (["sha256"] as const) : []),
    ],
  });
  const parts: SentPart[] = [];
  const running = new Set<Promise<void>>();
  let crc32 = 0;
  let proven = true;
  const failures: unknown[] = [];

  const keep = async (part: FilePart): Promise<void> => {
    const kept = upload.parts.get(part.number);
    const isThere = kept !== undefined && isSame(kept, part);
    const sent = isThere
      ? { etag: kept.etag, isProven: true }
      : await sendPart(bucket, protection, sending, part);
    proven &&= sent.isProven;
    const crc = upload.checking === "crc32" ? encodeCrc32(part.crc32) : null;
    parts[part.number - 1] = { number: part.number, etag: sent.etag, crc32: crc };
    onBytes(part.bytes.length);
  };

  try {
    for (;;) {
      const part = await reader.next();
      if ("digest" in part) await Promise.all(running);
      if (failures.length > 0) throw failures[0];
      if ("digest" in part) return { parts, crc32, digest: part.digest, proven };
      crc32 = combineCrc32(crc32, part.crc32, part.bytes.length);
      const task = keep(part)
        .catch((error: unknown) => {
          failures.push(error);
        })
        // Also after a failure: the reader goes on, and the loop hears of it.
        .finally(() => {
          running.delete(task);
          reader.release(part);
        });
      running.add(task);
    }
  } catch (error) {
    throw error instanceof LengthChanged ? sourceChanged(body.file, body.digest, key) : error;
  } finally {
    await Promise.all(running);
    await reader.close();
  }
}

/** By what the server checked when the part arrived; a length alone would say nothing. */
function isSame(kept: KeptPart, part: FilePart): boolean {
  if (kept.size !== part.bytes.length) return false;
  if (kept.crc32 !== null) return kept.crc32 === encodeCrc32(part.crc32);
  return kept.etag === hexOf(part.md5);
}

async function sendPart(
  bucket: Bucket,
  protection: Protection,
  { key, upload }: Sending,
  part: FilePart,
): Promise<{ etag: string; isProven: boolean }> {
  const crc = encodeCrc32(part.crc32);
  const answer = await bucket.ask({
    action: "s3:PutObject",
    method: "PUT",
    key,
    query: { partNumber: String(part.number), uploadId: upload.id },
    headers: {
      ...(upload.checking === "crc32" && { "x-amz-checksum-crc32": crc }),
      ...(part.md5 !== null && { "content-md5": part.md5 }),
      ...protection.touching(),
    },
    body: part.bytes,
    ...(part.sha256 !== null && { sha256: part.sha256 }),
    expect: [404],
  });
  if (answer.status === 404) throw new UploadGone();
  protection.checkEncrypted(answer);
  const etag = etagOf(answer);
  const isProven = header(answer, "x-amz-checksum-crc32") === crc || etag === hexOf(part.md5);
  return { etag, isProven };
}

function hexOf(md5: string | null): string | null {
  return md5 === null ? null : Buffer.from(md5, "base64").toString("hex");
}
