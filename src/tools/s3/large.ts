// Objects that are sent in parts: found again where somebody left off, checked part by part and as a whole.
import { createHash } from "node:crypto";
import type { OnBytes } from "../../artifacts/ports.ts";
import type { Digest } from "../../digest.ts";
import { MlshipError } from "../../errors.ts";
import { sourceChanged } from "../source-changed.ts";
import type { Bucket } from "./bucket.ts";
import { encodeCrc32 } from "./checksum.ts";
import { completeUpload, UploadGone } from "./complete.ts";
import { headObject } from "./head.ts";
import { partSizeOf } from "./part-plan.ts";
import type { Protection } from "./protection.ts";
import { sendParts, type FileBody } from "./send-parts.ts";
import { damaged } from "./small.ts";
import { beginUpload, findUpload } from "./upload.ts";

/** Times that an upload is begun when others take it away: somebody who completes or abandons it. */
const mostUploads = 3;
const piece = 8 << 20;

/**
 * Creates an object from a file, part by part. Servers do not agree on conditions for what is
 * completed, so two writers of one key may both be told "created": keys of large objects are
 * digests of their content, and both wrote the same.
 *
 * Nothing is given up on failure: the same command, here or on another machine, sends the rest.
 * @throws MlshipError `store.*`; `store.source-changed`, exit 2, and then the object is not made
 */
export async function putLarge(
  bucket: Bucket,
  protection: Protection,
  key: string,
  body: FileBody,
  onBytes: OnBytes,
): Promise<"created" | "exists"> {
  const partSize = partSizeOf(body.size);
  let told = 0;
  for (let begun = 0; begun < mostUploads; begun += 1) {
    if ((await headObject(bucket, protection, key)) !== null) return "exists";
    await protection.prepare();
    const found = await findUpload(bucket, protection, key);
    const upload = found ?? (await beginUpload(bucket, protection, key));
    let arrived = 0;
    try {
      const sent = await sendParts(bucket, protection, { key, upload, body, partSize }, (bytes) => {
        arrived += bytes;
        onBytes(Math.max(0, arrived - told));
        told = Math.max(told, arrived);
      });
      if (sent.digest !== body.digest) throw sourceChanged(body.file, body.digest, key);
      await completeUpload(bucket, protection, { key, upload, size: body.size, ...sent });
      await verify(bucket, protection, key, body, sent);
      return "created";
    } catch (error) {
      if (!(error instanceof UploadGone)) throw error;
    }
  }
  throw new MlshipError({
    code: "store.upload-gone",
    what: `the upload of ${key} to ${bucket.location.shown} was taken away ${mostUploads} times`,
    why: "somebody abandons uploads that are not finished: a lifecycle rule, or mlship gc without a grace",
    fix: "give such a rule days, not hours, then run the same command again",
    exit: "unavailable",
  });
}

/** What is under the key must be what was sent: by its length, and by its CRC32 or byte for byte. */
async function verify(
  bucket: Bucket,
  protection: Protection,
  key: string,
  body: FileBody,
  { crc32, proven }: { crc32: number; proven: boolean },
): Promise<void> {
  const head = await headObject(bucket, protection, key);
  if (head === null || head.size !== body.size) throw damaged(bucket, key);
  if (head.crc32 !== null && head.crc32 !== encodeCrc32(crc32)) throw damaged(bucket, key);
  if (head.crc32 !== null || proven) return;
  if ((await digestRemote(bucket, protection, key, body.size)) !== body.digest) throw damaged(bucket, key);
}

/** Reads an object back, for servers that prove nothing about what they took. */
async function digestRemote(
  bucket: Bucket,
  protection: Protection,
  key: string,
  size: number,
): Promise<Digest> {
  const hash = createHash("sha256");
  const into = Buffer.allocUnsafe(piece);
  for (let from = 0; from < size; from += piece) {
    const to = Math.min(from + piece, size);
    const { body } = await bucket.ask({
      action: "s3:GetObject",
      method: "GET",
      key,
      headers: { ...protection.touching(), range: `bytes=${from}-${to - 1}` },
      into,
    });
    hash.update(body);
  }
  return `sha256:${hash.digest("hex")}`;
}
