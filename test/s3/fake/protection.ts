// Encryption and locks of the objects on the fake S3 server: which were asked for, and what they forbid.
import { createHash } from "node:crypto";
import type { Bucket, Manners } from "./bucket.ts";
import { Refusal } from "./refusal.ts";
import { header } from "./request.ts";
import type { Head } from "./request.ts";

export interface Protection {
  /** How the server encrypts: with its own keys, by KMS, or with a key that the client brings. */
  encryption:
    | { kind: "none" }
    | { kind: "s3" }
    | { kind: "kms"; key: string }
    /** The server keeps the digest of the key alone. */
    | { kind: "customer"; keyMd5: string };
  lock: { mode: "GOVERNANCE" | "COMPLIANCE"; until: Date } | null;
}

const encrypted = "x-amz-server-side-encryption";
const customer = "x-amz-server-side-encryption-customer";

/** What a request that begins an object asks for. */
export function protectionOf(request: Head, bucket: Bucket, manners: Manners): Protection {
  const lock = lockOf(request, bucket, manners.clock());
  if (manners.ignoresEncryption) return { encryption: { kind: "none" }, lock };
  const keyMd5 = customerKey(request);
  if (keyMd5 !== null) return { encryption: { kind: "customer", keyMd5 }, lock };
  const asked = header(request, encrypted);
  const kmsKey = header(request, `${encrypted}-aws-kms-key-id`);
  if (kmsKey !== null && asked !== "aws:kms") {
    throw new Refusal(400, "InvalidArgument", "A KMS key counts only with aws:kms");
  }
  if (asked === "aws:kms") return { encryption: { kind: "kms", key: kmsKey ?? "aws/s3" }, lock };
  if (asked === "AES256") return { encryption: { kind: "s3" }, lock };
  if (asked === null) return { encryption: { kind: "none" }, lock };
  throw new Refusal(400, "InvalidEncryptionAlgorithmError", "The encryption method is not supported");
}

/** The digest of the key that a request brings, or null. */
function customerKey(request: Head): string | null {
  const algorithm = header(request, `${customer}-algorithm`);
  if (algorithm === null) return null;
  if (!request.secure)
    throw new Refusal(400, "InvalidRequest", "A key may only be sent over a secure connection");
  const key = Buffer.from(header(request, `${customer}-key`) ?? "", "base64");
  const md5 = createHash("md5").update(key).digest("base64");
  if (algorithm !== "AES256" || key.length !== 32 || md5 !== header(request, `${customer}-key-md5`)) {
    throw new Refusal(400, "InvalidArgument", "The key, its algorithm and its MD5 do not belong together");
  }
  return md5;
}

/** @throws Refusal unless the request brings the key that an object or upload needs. */
export function verifyKey(request: Head, { encryption }: Protection, manners: Manners): void {
  if (manners.ignoresEncryption) return;
  const brought = customerKey(request);
  const needed = encryption.kind === "customer" ? encryption.keyMd5 : null;
  if (brought === needed) return;
  if (brought === null || needed === null) {
    throw new Refusal(400, "InvalidRequest", "The object was stored using another form of encryption");
  }
  throw new Refusal(403, "AccessDenied", "Access Denied");
}

/** What an answer says of an object's encryption. */
export function encryptionHeaders({ encryption }: Protection): Record<string, string> {
  if (encryption.kind === "s3") return { [encrypted]: "AES256" };
  if (encryption.kind === "kms") {
    return { [encrypted]: "aws:kms", [`${encrypted}-aws-kms-key-id`]: encryption.key };
  }
  if (encryption.kind === "none") return {};
  return { [`${customer}-algorithm`]: "AES256", [`${customer}-key-md5`]: encryption.keyMd5 };
}

/** What an answer says of an object's lock. */
export function lockHeaders({ lock }: Protection): Record<string, string> {
  if (lock === null) return {};
  return {
    "x-amz-object-lock-mode": lock.mode,
    "x-amz-object-lock-retain-until-date": lock.until.toISOString(),
  };
}

/** Amazon's ETag is the MD5 of the bytes only while KMS and customers' keys have no part in it. */
export function hidesMd5({ encryption }: Protection): boolean {
  return encryption.kind === "kms" || encryption.kind === "customer";
}

export function isLocked({ lock }: Protection, now: Date): boolean {
  return lock !== null && lock.until > now;
}

function lockOf(request: Head, bucket: Bucket, now: Date): Protection["lock"] {
  const mode = header(request, "x-amz-object-lock-mode");
  const date = header(request, "x-amz-object-lock-retain-until-date");
  if (mode === null && date === null) return null;
  if (!bucket.lockable)
    throw new Refusal(400, "InvalidRequest", "Bucket is missing Object Lock Configuration");
  const until = new Date(date ?? Number.NaN);
  if ((mode !== "GOVERNANCE" && mode !== "COMPLIANCE") || !(until > now)) {
    throw new Refusal(400, "InvalidArgument", "A lock needs a mode, and a date in the future");
  }
  return { mode, until };
}
