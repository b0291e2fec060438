// Checksums that a server can check and repeat: CRC32 of bytes, and MD5 where there is nothing better.
import { hash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Digest } from "../../digest.ts";
import type { Dialect } from "./dialect.ts";
import { header, type Reply } from "./wire.ts";

/** CRC32 as S3 writes it: four bytes, the highest first, in base64. */
export function encodeCrc32(crc: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc);
  return bytes.toString("base64");
}

/** The bytes of an object, with what is known of them. */
export interface Content {
  bytes: Uint8Array;
  digest?: Digest;
  crc32?: number;
}

/** The header with which a server checks a body before it keeps it. */
export type ChecksumHeader = { "x-amz-checksum-crc32": string } | { "content-md5": string };

export function checksumHeaders(dialect: Dialect, { bytes, crc32: known }: Content): ChecksumHeader {
  if (dialect.hasCrc32) return { "x-amz-checksum-crc32": encodeCrc32(known ?? crc32(bytes)) };
  return { "content-md5": hash("md5", bytes, "base64") };
}

/**
 * Whether a reply proves that the server has exactly these bytes: it repeats their CRC32, or its
 * entity tag is their MD5, as it is without KMS and customers' keys.
 */
export function isProven(reply: Reply, sent: ChecksumHeader, bytes: Uint8Array): boolean {
  const crc = header(reply, "x-amz-checksum-crc32");
  if (crc !== null && "x-amz-checksum-crc32" in sent) return crc === sent["x-amz-checksum-crc32"];
  if (crc !== null) return crc === encodeCrc32(crc32(bytes));
  return etagOf(reply) === hash("md5", bytes, "hex");
}

/** The entity tag without its quotes; empty when there is none. */
export function etagOf(reply: Reply): string {
  return (header(reply, "etag") ?? "").replaceAll('"', "");
}
