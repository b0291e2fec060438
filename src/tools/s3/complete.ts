// Makes an object of the parts of an upload. The answer may be lost or lie, so the object itself decides.
import type { Bucket } from "./bucket.ts";
import { encodeCrc32 } from "./checksum.ts";
import { headObject } from "./head.ts";
import type { Protection } from "./protection.ts";
import { mayPass, refusalInside, type Refusal } from "./refusal.ts";
import type { Upload } from "./upload.ts";
import { escapeXml } from "./xml.ts";

export interface SentPart {
  number: number;
  etag: string;
  /** Base64; null where the server checks MD5. */
  crc32: string | null;
}

export interface Completing {
  key: string;
  upload: Upload;
  /** Bytes of the whole. */
  size: number;
  parts: readonly SentPart[];
  crc32: number;
}

/** The server does not know the upload: somebody completed or abandoned it. */
export class UploadGone extends Error {}

const action = "s3:PutObject";
/** Servers that copy the parts together answer late: milliseconds. */
const patience = 10 * 60_000;
const attempts = 4;

/**
 * @throws UploadGone when neither the upload nor its object is there; MlshipError `store.*`
 */
export async function completeUpload(
  bucket: Bucket,
  protection: Protection,
  completing: Completing,
): Promise<void> {
  const { key, upload, size, crc32 } = completing;
  const whole =
    upload.checking === "crc32"
      ? { "x-amz-checksum-crc32": encodeCrc32(crc32), "x-amz-checksum-type": "FULL_OBJECT" }
      : {};
  const length = bucket.dialect.hasCrc32 ? { "x-amz-mp-object-size": String(size) } : {};
  for (let attempt = 1; ; attempt += 1) {
    const answer = await bucket.ask({
      action,
      method: "POST",
      key,
      query: { uploadId: upload.id },
      headers: { "content-type": "application/xml", ...whole, ...length, ...protection.touching() },
      body: Buffer.from(documentOf(completing.parts)),
      limitMs: patience,
      expect: [404],
    });
    const refusal: Refusal | null = answer.status === 404 ? null : refusalInside(answer);
    if (answer.status !== 404 && refusal === null) return;
    if ((await headObject(bucket, protection, key)) !== null) return;
    if (refusal === null) throw new UploadGone();
    if (attempt === attempts || !mayPass(refusal)) throw await bucket.failure({ action }, refusal);
    await bucket.pause(attempt);
  }
}

function documentOf(parts: readonly SentPart[]): string {
  const elements = parts.map(({ number, etag, crc32 }) => {
    const checksum = crc32 === null ? "" : `<ChecksumCRC32>${crc32}</ChecksumCRC32>`;
    return `<Part><PartNumber>${number}</PartNumber><ETag>&quot;${escapeXml(etag)}&quot;</ETag>${checksum}</Part>`;
  });
  const namespace = "http://s3.amazonaws.com/doc/2006-03-01/";
  return `<CompleteMultipartUpload xmlns="${namespace}">${elements.join("")}</CompleteMultipartUpload>`;
}
