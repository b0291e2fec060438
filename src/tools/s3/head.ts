// What a bucket says about one object.
import type { Bucket } from "./bucket.ts";
import type { Protection } from "./protection.ts";
import { header } from "./wire.ts";

export interface Head {
  /** Bytes. */
  size: number;
  /** CRC32 of the whole in base64; null where the server does not tell it. */
  crc32: string | null;
}

/** Null when there is no such object. @throws MlshipError `store.*` */
export async function headObject(bucket: Bucket, protection: Protection, key: string): Promise<Head | null> {
  const action = "s3:GetObject";
  const wish = bucket.dialect.hasCrc32 ? { "x-amz-checksum-mode": "ENABLED" } : {};
  const headers = { ...wish, ...protection.touching() };
  const answer = await bucket.ask({ action, method: "HEAD", key, headers, expect: [404] });
  if (answer.status === 404) return null;
  const length = header(answer, "content-length");
  if (length === null || !/^\d+$/.test(length))
    throw bucket.badAnswer(action, "it does not say how long the object is");
  const isWhole = header(answer, "x-amz-checksum-type") === "FULL_OBJECT";
  return { size: Number(length), crc32: isWhole ? header(answer, "x-amz-checksum-crc32") : null };
}
