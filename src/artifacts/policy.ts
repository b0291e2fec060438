// The least that AWS must allow to whoever works with a store: an IAM policy for each role.
import type { ArtifactSettings } from "../config/config.ts";
import { MlshipError } from "../errors.ts";
import { isInBucket, parseLocation } from "./location.ts";

/**
 * Who works with the store. writer: `upload`, `deploy`, `promote` and `rollback`; reader: `history`,
 * `versions`, `diff`; pod: the init container that fetches a model; gc: `mlship gc`.
 */
export const storeRoles = ["writer", "reader", "pod", "gc"] as const;
export type StoreRole = (typeof storeRoles)[number];

type Conditions = Record<string, Record<string, string | string[]>>;

interface Statement {
  Sid: string;
  Effect: "Allow";
  Action: string[];
  Resource: string[];
  Condition?: Conditions;
}

/** A policy as IAM takes it. */
export interface IamPolicy {
  Version: "2012-10-17";
  Statement: Statement[];
}

/** What each role does with objects of the store. */
const objectActions: Record<StoreRole, readonly string[]> = {
  // An upload that was cut goes on from the parts that are there.
  writer: ["s3:GetObject", "s3:PutObject", "s3:ListMultipartUploadParts"],
  reader: ["s3:GetObject"],
  pod: ["s3:GetObject"],
  gc: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
};

/** What a role does with a key of KMS. S3 decrypts the data key again when it completes an upload in parts. */
const kmsActions: Record<StoreRole, readonly string[]> = {
  writer: ["kms:GenerateDataKey", "kms:Decrypt"],
  reader: ["kms:Decrypt"],
  pod: ["kms:Decrypt"],
  gc: ["kms:GenerateDataKey", "kms:Decrypt"],
};

/**
 * The policy for a role in the project's store.
 * @throws MlshipError `store.no-policy`, exit 2, when the store is no bucket that IAM guards; `store.bad-address`, exit 2.
 */
export function policyOf(role: StoreRole, settings: ArtifactSettings): IamPolicy {
  if (!isInBucket(settings.store)) throw onFolder(settings.store);
  const { scheme, bucket, prefix } = parseLocation(settings.store);
  if (scheme === "gs") throw onGoogle(settings.store, bucket);
  const arn = `arn:${partitionOf(settings.s3.region)}:s3:::${bucket}`;
  const writes = role === "writer" || role === "gc";
  const actions = [...objectActions[role], ...(writes && settings.s3.lock ? ["s3:PutObjectRetention"] : [])];
  const objects = role === "pod" ? `${arn}/${prefix}blobs/*` : `${arn}/${prefix}*`;
  return {
    Version: "2012-10-17",
    Statement: [
      { Sid: "Objects", Effect: "Allow", Action: actions, Resource: [objects] },
      ...(role === "pod" ? [] : listing(arn, prefix)),
      // IAM cannot narrow this to a prefix.
      ...(writes ? [allow("Uploads", ["s3:ListBucketMultipartUploads"], arn)] : []),
      ...keysOf(settings).map((key, place) => keyStatement(key, role, place, settings.s3.region)),
    ],
  };
}

/**
 * Listing below the prefix, and the right to be told that an object is missing: without it S3 answers
 * 403 instead of 404, and that request has no prefix that could be compared.
 */
function listing(arn: string, prefix: string): Statement[] {
  const list = allow("List", ["s3:ListBucket"], arn);
  if (prefix === "") return [list];
  return [
    { ...list, Condition: { StringLike: { "s3:prefix": [`${prefix}*`] } } },
    { ...list, Sid: "TellMissing", Condition: { Null: { "s3:prefix": "true" } } },
  ];
}

function allow(sid: string, actions: readonly string[], resource: string): Statement {
  return { Sid: sid, Effect: "Allow", Action: [...actions], Resource: [resource] };
}

/** The keys that objects are encrypted with, by the server and on this machine. */
function keysOf({ encryption, s3 }: ArtifactSettings): string[] {
  const named = [s3.encryption === "kms" ? s3.kmsKey : null, encryption?.kmsKey ?? null];
  return [...new Set(named.filter((key) => key !== null))];
}

/** A key may be named by ARN, id or alias; a policy names keys by ARN, and aliases by a condition. */
function keyStatement(key: string, role: StoreRole, place: number, region: string | null): Statement {
  const [, alias] = /(?:^|:)(alias\/.+)$/.exec(key) ?? [];
  const any = (id: string) => `arn:${partitionOf(region)}:kms:*:*:key/${id}`;
  const sid = place === 0 ? "Key" : `Key${place + 1}`;
  if (alias !== undefined) {
    const Condition = { "ForAnyValue:StringEquals": { "kms:ResourceAliases": alias } };
    return { ...allow(sid, kmsActions[role], any("*")), Condition };
  }
  return allow(sid, kmsActions[role], key.startsWith("arn:") ? key : any(key));
}

/** The part of AWS that a region belongs to, as ARNs name it. */
function partitionOf(region: string | null): string {
  if (region?.startsWith("cn-")) return "aws-cn";
  return region?.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}

function onFolder(store: string): MlshipError {
  return new MlshipError({
    code: "store.no-policy",
    what: `there is no IAM policy for the store ${store}`,
    why: "it is a folder",
    fix: "set artifacts.store to s3://BUCKET/PREFIX, or guard the folder by its file permissions",
    exit: "usage",
  });
}

function onGoogle(store: string, bucket: string): MlshipError {
  return new MlshipError({
    code: "store.no-policy",
    what: `there is no IAM policy for the store ${store}`,
    why: "Google's storage has roles instead of such policies",
    fix: `grant roles/storage.objectCreator and roles/storage.objectViewer on gs://${bucket} to writers, roles/storage.objectViewer to readers, roles/storage.objectAdmin to those who run mlship gc`,
    exit: "usage",
  });
}
