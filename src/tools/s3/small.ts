// Objects that are sent and read in one request.
import { MlshipError } from "../../errors.ts";
import type { Bucket } from "./bucket.ts";
import { checksumHeaders, isProven, type Content } from "./checksum.ts";
import { headObject } from "./head.ts";
import type { Protection } from "./protection.ts";

/**
 * Bytes up to which a body is sent without asking whether its key is taken. A server may refuse a
 * longer one by closing the connection before it has read it (versitygw does), and then its answer is lost.
 */
const cheapToSend = 64 * 1024;

/**
 * Creates an object unless its key exists.
 *
 * When a reply was lost, the request is repeated, and the server may then say "exists" of what the
 * lost request created. Nobody can tell, so the bytes decide: the same bytes count as created by us.
 * An entry of a log carries a nonce, so its bytes are nobody else's; of blobs and documents under
 * their digest, and of a version document, two equal ones are as good as one.
 * @param content the bytes, with their digests where they are known
 * @throws MlshipError `store.*`
 */
export async function putSmall(
  bucket: Bucket,
  protection: Protection,
  key: string,
  content: Content,
): Promise<"created" | "exists"> {
  const { bytes, digest } = content;
  await protection.prepare();
  const isLong = bytes.length > cheapToSend;
  if (isLong && (await headObject(bucket, protection, key)) !== null) return "exists";
  const checksum = checksumHeaders(bucket.dialect, content);
  const answer = await bucket.ask({
    action: "s3:PutObject",
    method: "PUT",
    key,
    headers: {
      ...bucket.dialect.createOnly,
      ...checksum,
      ...protection.creating(),
    },
    body: bytes,
    ...(digest !== undefined && { sha256: digest.slice("sha256:".length) }),
    expect: [412],
    // Another writer may have been faster since: each attempt would be cut off as the first one was.
    ...(isLong && {
      foretold: async () =>
        (await headObject(bucket, protection, key)) === null
          ? null
          : { status: 412, headers: {}, body: Buffer.alloc(0) },
    }),
  });
  if (answer.status === 412) {
    const isOurs = answer.uncertain && (await holds(bucket, protection, key, bytes));
    return isOurs ? "created" : "exists";
  }
  protection.checkEncrypted(answer);
  if (!isProven(answer, checksum, bytes) && !(await holds(bucket, protection, key, bytes)))
    throw damaged(bucket, key);
  return "created";
}

/** The bytes of an object, or null when there is none. */
export async function getWhole(
  bucket: Bucket,
  protection: Protection,
  key: string,
): Promise<Uint8Array | null> {
  const call = { action: "s3:GetObject", method: "GET", key, headers: protection.touching() } as const;
  const { status, body } = await bucket.ask({ ...call, expect: [404] });
  return status === 404 ? null : body;
}

/** The error for an object that the server keeps with other bytes than it was sent. */
export function damaged(bucket: Bucket, key: string): MlshipError {
  return new MlshipError({
    code: "store.damaged",
    what: `${key} did not reach ${bucket.location.shown} as it was sent`,
    why: "the server took it, and has other bytes now",
    fix: "remove that object by hand, and do not use this server: it changes what it is given",
    exit: "attention",
  });
}

async function holds(
  bucket: Bucket,
  protection: Protection,
  key: string,
  bytes: Uint8Array,
): Promise<boolean> {
  const found = await getWhole(bucket, protection, key);
  return found !== null && Buffer.compare(found, bytes) === 0;
}
