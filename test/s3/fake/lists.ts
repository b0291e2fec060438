// The fake S3 server's lists: of objects, of multipart uploads, of the parts of one.
import type { Bucket, Manners } from "./bucket.ts";
import { Refusal, xml } from "./refusal.ts";
import { wholeNumber } from "./request.ts";
import type { Head, Reply } from "./request.ts";
import { uploadOf } from "./uploads.ts";

/** ListObjectsV2, without delimiters. */
export function listObjects(request: Head, bucket: Bucket, manners: Manners): Reply {
  if (request.query.has("delimiter"))
    throw new Refusal(501, "NotImplemented", "Delimiters are not known here");
  const prefix = request.query.get("prefix") ?? "";
  const token = request.query.get("continuation-token");
  const after = token === null ? (request.query.get("start-after") ?? "") : keyOfToken(token);
  const keys = [...bucket.objects.keys()].filter((key) => key.startsWith(prefix) && byBytes(key, after) > 0);
  const { page, rest } = pageOf(keys.sort(byBytes), request, "max-keys", manners);
  const last = page.at(-1);
  const encodes = request.query.get("encoding-type") === "url";
  const written = (key: string) => (encodes ? encodeURIComponent(key).replaceAll("%2F", "/") : key);
  return listing("ListBucketResult", {
    Name: bucket.name,
    Prefix: written(prefix),
    MaxKeys: String(page.length),
    KeyCount: String(page.length),
    ...(encodes && { EncodingType: "url" }),
    IsTruncated: String(rest),
    ...(rest && last !== undefined && { NextContinuationToken: Buffer.from(last).toString("base64url") }),
    Contents: page.flatMap((key) => {
      const object = bucket.objects.get(key);
      if (object === undefined) return [];
      return [
        {
          Key: written(key),
          LastModified: object.at.toISOString(),
          ETag: object.etag,
          Size: String(object.bytes.length),
          StorageClass: "STANDARD",
        },
      ];
    }),
  });
}

function keyOfToken(token: string): string {
  const key = Buffer.from(token, "base64url").toString();
  if (key !== "" && Buffer.from(key).toString("base64url") === token) return key;
  throw new Refusal(400, "InvalidArgument", "The continuation token provided is incorrect");
}

/** ListMultipartUploads, without delimiters. */
export function listUploads(request: Head, bucket: Bucket, manners: Manners): Reply {
  const prefix = request.query.get("prefix") ?? "";
  const after = request.query.get("key-marker") ?? "";
  const afterId = request.query.get("upload-id-marker") ?? "";
  const uploads = [...bucket.uploads.values()]
    .filter(({ key }) => key.startsWith(prefix))
    .sort((a, b) => byBytes(a.key, b.key) || byBytes(a.id, b.id))
    .filter(({ key, id }) => {
      const order = byBytes(key, after);
      return order > 0 || (order === 0 && afterId !== "" && byBytes(id, afterId) > 0);
    });
  const { page, rest } = pageOf(uploads, request, "max-uploads", manners);
  const last = page.at(-1);
  return listing("ListMultipartUploadsResult", {
    Bucket: bucket.name,
    IsTruncated: String(rest),
    ...(rest && last !== undefined && { NextKeyMarker: last.key, NextUploadIdMarker: last.id }),
    Upload: page.map((upload) => ({
      Key: upload.key,
      UploadId: upload.id,
      Initiated: upload.at.toISOString(),
      ...checksumMembers(upload.checksum),
    })),
  });
}

/** ListParts. */
export function listParts(request: Head, bucket: Bucket, manners: Manners): Reply {
  const upload = uploadOf(request, bucket);
  const after = wholeNumber(request, "part-number-marker", 0);
  const numbers = [...upload.parts.keys()].filter((number) => number > after).sort((a, b) => a - b);
  const { page, rest } = pageOf(numbers, request, "max-parts", manners);
  return listing("ListPartsResult", {
    Bucket: bucket.name,
    Key: upload.key,
    UploadId: upload.id,
    ...checksumMembers(upload.checksum),
    IsTruncated: String(rest),
    ...(rest && { NextPartNumberMarker: String(page.at(-1)) }),
    Part: page.flatMap((number) => {
      const part = upload.parts.get(number);
      if (part === undefined) return [];
      const { checksum } = part;
      return [
        {
          PartNumber: String(number),
          LastModified: part.at.toISOString(),
          ETag: part.etag,
          Size: String(part.bytes.length),
          ...(checksum !== null && { [`Checksum${checksum.algorithm}`]: checksum.value }),
        },
      ];
    }),
  });
}

function checksumMembers(checksum: { algorithm: string; type: string } | null): Record<string, string> {
  return checksum === null ? {} : { ChecksumAlgorithm: checksum.algorithm, ChecksumType: checksum.type };
}

function pageOf<T>(all: T[], request: Head, name: string, manners: Manners): { page: T[]; rest: boolean } {
  const length = Math.min(wholeNumber(request, name, manners.pageSize), manners.pageSize);
  return { page: all.slice(0, length), rest: all.length > length };
}

function listing(root: string, members: Parameters<typeof xml>[1]): Reply {
  return { status: 200, headers: { "content-type": "application/xml" }, body: xml(root, members) };
}

/** S3 orders keys by their UTF-8 bytes. */
function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
