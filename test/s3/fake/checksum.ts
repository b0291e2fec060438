// The checksums that the fake S3 server verifies, all of them against the bytes that arrived.
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { Refusal } from "./refusal.ts";
import { header } from "./request.ts";
import type { S3Request } from "./request.ts";

export type Algorithm = "CRC32" | "CRC32C" | "SHA1" | "SHA256";

/** One checksum of a body. */
export interface Checksum {
  algorithm: Algorithm;
  /** In base64, with the number of parts behind it when it is one over the parts' checksums. */
  value: string;
}

const algorithms: readonly Algorithm[] = ["CRC32", "CRC32C", "SHA1", "SHA256"];

const compute: Record<Algorithm, (bytes: Uint8Array) => Buffer> = {
  CRC32: (bytes) => bigEndian(crc32(bytes)),
  CRC32C: (bytes) => bigEndian(crc32c(bytes)),
  SHA1: (bytes) => createHash("sha1").update(bytes).digest(),
  SHA256: (bytes) => createHash("sha256").update(bytes).digest(),
};

export function checksumOf(algorithm: Algorithm, bytes: Uint8Array): Checksum {
  return { algorithm, value: compute[algorithm](bytes).toString("base64") };
}

/** The name of an algorithm as headers give it. */
export function algorithmOf(name: string): Algorithm {
  const found = algorithms.find((algorithm) => algorithm === name.toUpperCase());
  if (found === undefined) throw new Refusal(400, "InvalidRequest", `The checksum ${name} is not supported`);
  return found;
}

/** Header and XML member of a checksum: `x-amz-checksum-crc32` and `ChecksumCRC32`. */
export function headerOf(algorithm: Algorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

/**
 * Verifies a body against every checksum that came with it.
 * @param trailer the headers that came behind the body.
 * @returns the `x-amz-checksum-*` that it named, or null.
 * @throws Refusal BadDigest, InvalidDigest, XAmzContentSHA256Mismatch.
 */
export function verifyChecksums(
  request: S3Request,
  payload: string,
  trailer: Record<string, string>,
): Checksum | null {
  verifyPayload(payload, request.body);
  verifyMd5(request);
  verifyGoogleHash(request);
  // There it is the checksum of the object, not of the body.
  if (request.operation === "CompleteMultipartUpload") return null;
  const given = algorithms.flatMap((algorithm) => {
    const value = header(request, headerOf(algorithm)) ?? trailer[headerOf(algorithm)];
    return value === undefined ? [] : [{ algorithm, value }];
  });
  const [checksum, ...more] = given;
  if (more.length > 0) throw new Refusal(400, "InvalidRequest", "Expecting a single x-amz-checksum- header");
  const promised = header(request, "x-amz-sdk-checksum-algorithm");
  if (promised !== null && checksum === undefined) {
    throw new Refusal(400, "InvalidRequest", "x-amz-sdk-checksum-algorithm specified, but no checksum");
  }
  if (checksum === undefined) return null;
  const computed = compute[checksum.algorithm](request.body);
  if (Buffer.from(checksum.value, "base64").length !== computed.length) {
    throw new Refusal(400, "InvalidRequest", `Value for ${headerOf(checksum.algorithm)} header is invalid.`);
  }
  if (computed.toString("base64") !== checksum.value) {
    throw new Refusal(
      400,
      "BadDigest",
      `The ${checksum.algorithm} you specified did not match what we received.`,
    );
  }
  return checksum;
}

function verifyPayload(payload: string, body: Buffer): void {
  if (/^(UNSIGNED-PAYLOAD|STREAMING-UNSIGNED-PAYLOAD-TRAILER)$/.test(payload)) return;
  if (payload.startsWith("STREAMING-"))
    throw new Refusal(501, "NotImplemented", "Signed chunks are not read here");
  if (payload === compute.SHA256(body).toString("hex")) return;
  throw new Refusal(400, "XAmzContentSHA256Mismatch", "x-amz-content-sha256 is not that of the body");
}

function verifyMd5(request: S3Request): void {
  const given = header(request, "content-md5");
  if (given === null) return;
  if (Buffer.from(given, "base64").length !== 16)
    throw new Refusal(400, "InvalidDigest", "Content-MD5 is invalid");
  if (given === md5(request.body).toString("base64")) return;
  throw new Refusal(400, "BadDigest", "The Content-MD5 you specified did not match what we received.");
}

const googles = new Map([
  ["crc32c", compute.CRC32C],
  ["md5", md5],
]);

/** `x-goog-hash: crc32c=…,md5=…`, as Google has it. */
function verifyGoogleHash(request: S3Request): void {
  for (const hash of header(request, "x-goog-hash")?.split(",") ?? []) {
    const [, name, value] = /^\s*(\w+)=(.+)$/.exec(hash) ?? [];
    const computed = googles
      .get(name ?? "")?.(request.body)
      .toString("base64");
    if (computed !== value) throw new Refusal(400, "BadDigest", `The ${name} of x-goog-hash is another`);
  }
}

export function md5(bytes: Uint8Array): Buffer {
  return createHash("md5").update(bytes).digest();
}

function bigEndian(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Castagnoli's polynomial, reflected. */
const castagnoli = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = (value >>> 1) ^ (value & 1 ? 0x82f63b78 : 0);
  return value;
});

function crc32c(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = (value >>> 8) ^ (castagnoli[(value ^ byte) & 0xff] ?? 0);
  return (value ^ 0xffffffff) >>> 0;
}
