// How the fake S3 server comes to its answer: who asks, may they, is what arrived what was sent, then the operation.
import { makeBucket } from "./bucket.ts";
import type { Bucket, Manners } from "./bucket.ts";
import { verifyChecksums } from "./checksum.ts";
import { unchunk } from "./chunks.ts";
import { listObjects, listParts, listUploads } from "./lists.ts";
import { deleteObject, getObject, putObject } from "./objects.ts";
import { Refusal, xml } from "./refusal.ts";
import { header } from "./request.ts";
import type { Operation, Reply, S3Request } from "./request.ts";
import { verifySignature } from "./signature.ts";
import type { Credentials } from "./signature.ts";
import { abortUpload, completeUpload, createUpload, putPart } from "./uploads.ts";

/** All that a server is. */
export interface World {
  buckets: Map<string, Bucket>;
  credentials: Credentials[];
  manners: Manners;
}

/** The action of IAM that an operation needs. */
const actions: Record<Operation, string> = {
  AbortMultipartUpload: "s3:AbortMultipartUpload",
  CompleteMultipartUpload: "s3:PutObject",
  CreateBucket: "s3:CreateBucket",
  CreateMultipartUpload: "s3:PutObject",
  DeleteObject: "s3:DeleteObject",
  GetBucketLocation: "s3:GetBucketLocation",
  GetBucketVersioning: "s3:GetBucketVersioning",
  GetObject: "s3:GetObject",
  GetObjectLockConfiguration: "s3:GetBucketObjectLockConfiguration",
  HeadBucket: "s3:ListBucket",
  HeadObject: "s3:GetObject",
  ListMultipartUploads: "s3:ListBucketMultipartUploads",
  ListObjectsV2: "s3:ListBucket",
  ListParts: "s3:ListMultipartUploadParts",
  PutObject: "s3:PutObject",
  UploadPart: "s3:PutObject",
  Unknown: "",
};

/** @throws Refusal for whatever S3 would not do. */
export async function answer(request: S3Request, world: World): Promise<Reply> {
  const { manners } = world;
  verifyDialect(request, manners);
  const { region, payload } = verifySignature(request, world.credentials, manners.clock());
  const { operation, key } = request;
  if (operation === "Unknown") throw new Refusal(501, "NotImplemented", "This server does not know that");
  if (request.method === "PUT" && header(request, "content-length") === null && request.body.length > 0) {
    throw new Refusal(411, "MissingContentLength", "You must provide the Content-Length HTTP header.");
  }
  const { body, trailer } = unwrapped(request, payload);
  const whole = { ...request, body };
  const checksum = verifyChecksums(whole, payload, trailer);
  if (operation === "CreateBucket") return createBucket(whole, world);
  const bucket = world.buckets.get(request.bucket);
  if (bucket === undefined) throw new Refusal(404, "NoSuchBucket", "The specified bucket does not exist");
  verifyRegion(bucket, region, manners);
  verifyRights(whole, manners);
  if (Buffer.byteLength(key) > 1024) throw new Refusal(400, "KeyTooLongError", "Your key is too long");
  switch (operation) {
    case "PutObject":
      return putObject(whole, checksum, bucket, manners);
    case "GetObject":
    case "HeadObject":
      return getObject(whole, bucket, manners);
    case "DeleteObject":
      return deleteObject(whole, bucket, manners);
    case "CreateMultipartUpload":
      return createUpload(whole, bucket, manners);
    case "UploadPart":
      return putPart(whole, checksum, bucket, manners);
    case "CompleteMultipartUpload":
      return completeUpload(whole, bucket, manners);
    case "AbortMultipartUpload":
      return abortUpload(whole, bucket);
    case "ListObjectsV2":
      return listObjects(whole, bucket, manners);
    case "ListMultipartUploads":
      return listUploads(whole, bucket, manners);
    case "ListParts":
      return listParts(whole, bucket, manners);
    default:
      return describeBucket(operation, bucket);
  }
}

/** Google's server forbids to mix the two kinds of headers. */
function verifyDialect(request: S3Request, { dialect }: Manners): void {
  if (dialect === "amazon") return;
  const names = Object.keys(request.headers);
  const has = (start: string) => names.some((name) => name.startsWith(start));
  if (has("x-goog-") && has("x-amz-")) {
    throw new Refusal(400, "ExcessHeaderValues", "x-amz- and x-goog- headers cannot be mixed");
  }
}

function unwrapped(request: S3Request, payload: string) {
  if (payload !== "STREAMING-UNSIGNED-PAYLOAD-TRAILER") return { body: request.body, trailer: {} };
  const { bytes, trailer } = unchunk(request.body);
  if (header(request, "x-amz-decoded-content-length") !== String(bytes.length)) {
    throw new Refusal(400, "IncompleteBody", "The body is not as long as x-amz-decoded-content-length");
  }
  return { body: bytes, trailer };
}

/** A request signed for another region is sent there. */
function verifyRegion(bucket: Bucket, region: string, { dialect }: Manners): void {
  if (dialect === "google" || region === bucket.region) return;
  throw new Refusal(
    301,
    "PermanentRedirect",
    "The bucket must be addressed in its region",
    { Region: bucket.region, Bucket: bucket.name },
    { "x-amz-bucket-region": bucket.region },
  );
}

function verifyRights({ operation, key, query, headers }: S3Request, { denied }: Manners): void {
  const needed = [actions[operation]];
  if (operation === "DeleteObject" && query.has("versionId")) needed[0] = "s3:DeleteObjectVersion";
  if (headers["x-amz-object-lock-mode"] !== undefined) needed.push("s3:PutObjectRetention");
  const refused = needed.find((action) => denied(action, key));
  if (refused === undefined) return;
  throw new Refusal(403, "AccessDenied", `User is not authorized to perform: ${refused}`);
}

function createBucket(request: S3Request, world: World): Reply {
  if (world.buckets.has(request.bucket)) {
    throw new Refusal(409, "BucketAlreadyOwnedByYou", "You made this bucket before");
  }
  const lockable = header(request, "x-amz-bucket-object-lock-enabled") === "true";
  world.buckets.set(request.bucket, makeBucket(request.bucket, { lockable }));
  return { status: 200, headers: { location: `/${request.bucket}` } };
}

function describeBucket(operation: Operation, bucket: Bucket): Reply {
  const headers = { "x-amz-bucket-region": bucket.region, "content-type": "application/xml" };
  if (operation === "HeadBucket") return { status: 200, headers };
  if (operation === "GetBucketLocation") {
    return {
      status: 200,
      headers,
      body: xml("LocationConstraint", {}).replace("></", `>${bucket.region}</`),
    };
  }
  if (operation === "GetBucketVersioning") {
    const members = bucket.lockable ? { Status: "Enabled" } : {};
    return { status: 200, headers, body: xml("VersioningConfiguration", members) };
  }
  if (!bucket.lockable) {
    const missing = "Object Lock configuration does not exist for this bucket";
    throw new Refusal(404, "ObjectLockConfigurationNotFoundError", missing);
  }
  return { status: 200, headers, body: xml("ObjectLockConfiguration", { ObjectLockEnabled: "Enabled" }) };
}
