// The fake S3 server's operations on whole objects.
import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { Bucket, Manners, StoredObject } from "./bucket.ts";
import { verifyRoom } from "./bucket.ts";
import { headerOf, md5 } from "./checksum.ts";
import type { Checksum } from "./checksum.ts";
import { encryptionHeaders, hidesMd5, isLocked, lockHeaders, protectionOf, verifyKey } from "./protection.ts";
import { Refusal } from "./refusal.ts";
import { header } from "./request.ts";
import type { Head, Reply, S3Request } from "./request.ts";

/** Milliseconds between the look and the write of a server that is `racy`. */
const racyWindow = 20;

let generations = 0;

/** PutObject. */
export async function putObject(
  request: S3Request,
  checksum: Checksum | null,
  bucket: Bucket,
  manners: Manners,
): Promise<Reply> {
  const protection = protectionOf(request, bucket, manners);
  if (protection.lock !== null && checksum === null && header(request, "content-md5") === null) {
    throw new Refusal(400, "InvalidRequest", "A lock needs Content-MD5 or x-amz-checksum-");
  }
  verifyRoom(bucket, request.body.length);
  verifyCondition(request, bucket, manners);
  if (manners.conditions === "racy") await wait(racyWindow);
  const etag = hidesMd5(protection) ? randomBytes(16) : md5(request.body);
  const object = keep(bucket, {
    key: request.key,
    bytes: request.body,
    etag: `"${etag.toString("hex")}"`,
    at: manners.clock(),
    checksum: checksum === null ? null : { ...checksum, type: "FULL_OBJECT" },
    protection,
  });
  return { status: 200, headers: { ...describe(object, bucket, manners), ...checksumHeaders(object) } };
}

/** Makes an object visible under its key. */
export function keep(bucket: Bucket, parts: Omit<StoredObject, "version" | "generation">): StoredObject {
  const before = bucket.objects.get(parts.key);
  if (before !== undefined && bucket.lockable) bucket.hidden.push(before);
  generations += 1;
  const object = { ...parts, version: randomBytes(16).toString("hex"), generation: generations };
  bucket.objects.set(parts.key, object);
  return object;
}

/** Looked at and written in one turn, so of many creators one wins. @throws Refusal 412. */
export function verifyCondition(request: Head, bucket: Bucket, manners: Manners): void {
  const isConditional =
    manners.dialect === "google"
      ? header(request, "x-goog-if-generation-match") === "0"
      : header(request, "if-none-match") !== null;
  if (!isConditional || manners.conditions === "ignored") return;
  if (manners.dialect === "amazon" && header(request, "if-none-match") !== "*") {
    throw new Refusal(501, "NotImplemented", "Only If-None-Match: * is implemented");
  }
  if (!bucket.objects.has(request.key)) return;
  const members = {
    Condition: manners.dialect === "google" ? "x-goog-if-generation-match" : "If-None-Match",
  };
  throw new Refusal(412, "PreconditionFailed", "At least one of the preconditions did not hold", members);
}

/** GetObject and HeadObject. */
export function getObject(request: Head, bucket: Bucket, manners: Manners): Reply {
  const object = bucket.objects.get(request.key);
  if (object === undefined) throw notFound(request, bucket, manners);
  verifyKey(request, object.protection, manners);
  const match = header(request, "if-match");
  if (match !== null && match !== object.etag) {
    throw new Refusal(412, "PreconditionFailed", "At least one of the preconditions did not hold");
  }
  const headers = {
    ...describe(object, bucket, manners),
    ...lockHeaders(object.protection),
    ...(header(request, "x-amz-checksum-mode") === "ENABLED" && checksumHeaders(object)),
    "last-modified": object.at.toUTCString(),
    "accept-ranges": "bytes",
    "content-type": "binary/octet-stream",
  };
  const { length } = object.bytes;
  const range = rangeOf(request, length);
  if (range === null) return { status: 200, headers, body: object.bytes };
  const [first, last] = range;
  const contentRange = { "content-range": `bytes ${first}-${last}/${length}` };
  return {
    status: 206,
    headers: { ...headers, ...contentRange },
    body: object.bytes.subarray(first, last + 1),
  };
}

/** Who may not list the bucket must not learn from 404 what is in it. */
function notFound(request: Head, bucket: Bucket, manners: Manners): Refusal {
  if (manners.denied("s3:ListBucket", request.key)) return new Refusal(403, "AccessDenied", "Access Denied");
  const isMarked = bucket.hidden.some((object) => object.key === request.key);
  const headers: Record<string, string> = isMarked ? { "x-amz-delete-marker": "true" } : {};
  return new Refusal(404, "NoSuchKey", "The specified key does not exist.", { Key: request.key }, headers);
}

/** DeleteObject: a bucket with versions hides the object, another one forgets it. */
export function deleteObject(request: Head, bucket: Bucket, manners: Manners): Reply {
  const version = request.query.get("versionId");
  const object = bucket.objects.get(request.key);
  if (version === null) {
    bucket.objects.delete(request.key);
    if (object !== undefined && bucket.lockable) bucket.hidden.push(object);
    return { status: 204, headers: bucket.lockable ? { "x-amz-delete-marker": "true" } : {} };
  }
  const versions = [...bucket.hidden, ...(object === undefined ? [] : [object])];
  const found = versions.find((one) => one.key === request.key && one.version === version);
  if (found !== undefined && isLocked(found.protection, manners.clock())) {
    throw new Refusal(403, "AccessDenied", "Access Denied because object protected by object lock.");
  }
  bucket.hidden = bucket.hidden.filter((one) => one !== found);
  if (object === found) bucket.objects.delete(request.key);
  return { status: 204 };
}

/** First and last byte that were asked for, or null for all of them. @throws Refusal 416. */
function rangeOf(request: Head, length: number): [number, number] | null {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(header(request, "range") ?? "") ?? [];
  if (from === undefined || to === undefined || from + to === "") return null;
  const first = from === "" ? Math.max(0, length - Number(to)) : Number(from);
  const last = from === "" || to === "" ? length - 1 : Math.min(Number(to), length - 1);
  if (first < length && first <= last) return [first, last];
  throw new Refusal(416, "InvalidRange", "The requested range is not satisfiable", {
    ActualObjectSize: String(length),
  });
}

export function checksumHeaders({ checksum }: StoredObject): Record<string, string> {
  if (checksum === null) return {};
  return { [headerOf(checksum.algorithm)]: checksum.value, "x-amz-checksum-type": checksum.type };
}

/** What every answer about an object says. */
export function describe(object: StoredObject, bucket: Bucket, manners: Manners): Record<string, string> {
  return {
    etag: object.etag,
    ...encryptionHeaders(object.protection),
    ...(bucket.lockable && { "x-amz-version-id": object.version }),
    ...(manners.dialect === "google" && { "x-goog-generation": String(object.generation) }),
  };
}
