// How objects are encrypted by the server and locked: what is asked with each request, and whether it was done.
import { createHash } from "node:crypto";
import type { ArtifactSettings } from "../../config/config.ts";
import { MlshipError } from "../../errors.ts";
import { readKey } from "../sealing/key-file.ts";
import type { Bucket } from "./bucket.ts";
import { checksumHeaders } from "./checksum.ts";
import { header, type Reply } from "./wire.ts";

type Headers = Readonly<Record<string, string>>;

export interface Protection {
  /** Of a request that begins an object. */
  creating(): Headers;
  /** Of a request that reads an object or sends a part of one. */
  touching(): Headers;
  /** @throws MlshipError `store.encryption-ignored`, exit 5, when a reply does not say that the object is encrypted. */
  checkEncrypted(reply: Reply): void;
  /** Makes sure, before anything is sent, that the server does what it is asked. @throws MlshipError `store.*` */
  prepare(): Promise<void>;
}

const day = 24 * 60 * 60 * 1000;

/**
 * @throws MlshipError `store.key-file`, exit 2, and `store.encryption`, exit 2, when a key would go
 *   over the wire in the clear or the server has no such encryption.
 */
export async function openProtection(
  bucket: Bucket,
  { encryption, kmsKey, customerKeyFile, lock }: ArtifactSettings["s3"],
): Promise<Protection> {
  if (bucket.location.scheme === "gs" && (encryption !== "bucket" || lock !== null))
    throw notOnGoogle(bucket);
  const customer = customerKeyFile === null ? {} : await customerHeaders(bucket, customerKeyFile);
  const kms = {
    "x-amz-server-side-encryption": "aws:kms",
    ...(kmsKey !== null && { "x-amz-server-side-encryption-aws-kms-key-id": kmsKey }),
  };
  const asked = { bucket: {}, s3: { "x-amz-server-side-encryption": "AES256" }, kms, customer }[encryption];
  let prepared: Promise<void> | null = null;

  const creating = () => ({
    ...asked,
    ...(lock !== null && {
      "x-amz-object-lock-mode": lock.mode.toUpperCase(),
      "x-amz-object-lock-retain-until-date": new Date(bucket.now().getTime() + lock.days * day).toISOString(),
    }),
  });

  function checkEncrypted(reply: Reply): void {
    const name =
      encryption === "customer"
        ? "x-amz-server-side-encryption-customer-algorithm"
        : "x-amz-server-side-encryption";
    const wanted = { bucket: null, s3: "AES256", kms: "aws:kms", customer: "AES256" }[encryption];
    const found = header(reply, name);
    if (wanted !== null && found !== wanted) throw ignored(bucket, encryption, found);
  }

  /**
   * A small object shows whether the server encrypts, before anything is sent that must be. It stays,
   * and the next command asks after it.
   */
  async function askForEncryption(): Promise<void> {
    const key = `probe/encryption-${encryption}`;
    const body = Buffer.from(`shows how the server encrypts: ${encryption}\n`);
    const made = await bucket.ask({
      action: "s3:PutObject",
      method: "PUT",
      key,
      headers: {
        ...bucket.dialect.createOnly,
        ...checksumHeaders(bucket.dialect, { bytes: body }),
        ...creating(),
      },
      body,
      expect: [412],
    });
    if (made.status !== 412) return checkEncrypted(made);
    checkEncrypted(await bucket.ask({ action: "s3:GetObject", method: "HEAD", key, headers: customer }));
  }

  /** Those who may write need not be allowed to ask; the server then refuses the first object itself. */
  async function askForLock(): Promise<void> {
    const answer = await bucket.ask({
      action: "s3:GetBucketObjectLockConfiguration",
      method: "GET",
      key: null,
      query: { "object-lock": "" },
      expect: [400, 403, 404, 405, 501],
    });
    if (answer.status === 403) return;
    const isOn = answer.status === 200 && /<ObjectLockEnabled>Enabled</.test(answer.body.toString("utf8"));
    if (!isOn) throw noLock(bucket);
  }

  async function prepareOnce(): Promise<void> {
    if (lock !== null) await askForLock();
    if (encryption !== "bucket") await askForEncryption();
  }

  return {
    creating,
    touching: () => customer,
    checkEncrypted,
    prepare: () => (prepared ??= prepareOnce()),
  };
}

async function customerHeaders(bucket: Bucket, file: string): Promise<Headers> {
  if ((await bucket.origin()).protocol !== "https:") {
    throw new MlshipError({
      code: "store.encryption",
      what: `the key for ${bucket.location.shown} would cross the network in the clear`,
      why: "encryption: customer sends the key with every request, and the endpoint is http",
      fix: "reach the server by https, or use artifacts.encryption, which encrypts on this machine",
      exit: "usage",
    });
  }
  const key = await readKey("artifacts.s3.customerKeyFile", file);
  const name = "x-amz-server-side-encryption-customer";
  return {
    [`${name}-algorithm`]: "AES256",
    [`${name}-key`]: key.toString("base64"),
    [`${name}-key-md5`]: createHash("md5").update(key).digest("base64"),
  };
}

function ignored(bucket: Bucket, encryption: string, found: string | null): MlshipError {
  return new MlshipError({
    code: "store.encryption-ignored",
    what: `the server of ${bucket.location.shown} does not encrypt as it was asked`,
    why: `artifacts.s3.encryption is ${encryption}, and the answer says ${found ?? "nothing about encryption"}`,
    fix: "use a server that does, or artifacts.encryption, which encrypts on this machine",
    exit: "unavailable",
  });
}

function noLock(bucket: Bucket): MlshipError {
  return new MlshipError({
    code: "store.lock",
    what: `the bucket of ${bucket.location.shown} has no object lock`,
    why: "artifacts.s3.lock asks for it, and it can only be switched on for a bucket by its owner",
    fix: "make the bucket with object lock, or take artifacts.s3.lock out",
    exit: "unavailable",
  });
}

function notOnGoogle(bucket: Bucket): MlshipError {
  return new MlshipError({
    code: "store.encryption",
    what: `artifacts.s3.encryption and artifacts.s3.lock are not for ${bucket.location.shown}`,
    why: "Cloud Storage has other ways, which belong to the bucket",
    fix: "set the bucket's default key and retention policy, and leave both out",
    exit: "usage",
  });
}
