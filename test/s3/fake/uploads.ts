// The fake S3 server's operations on multipart uploads.
import { randomBytes } from "node:crypto";
import type { Bucket, Manners, Part, Upload } from "./bucket.ts";
import { verifyRoom } from "./bucket.ts";
import { algorithmOf, checksumOf, headerOf, md5 } from "./checksum.ts";
import type { Checksum } from "./checksum.ts";
import { describe, keep, verifyCondition } from "./objects.ts";
import { encryptionHeaders, hidesMd5, protectionOf, verifyKey } from "./protection.ts";
import { Refusal, xml } from "./refusal.ts";
import { header, wholeNumber } from "./request.ts";
import type { Head, Reply, S3Request } from "./request.ts";

/** The number of the last part that there can be. */
const lastPart = 10_000;

/** CreateMultipartUpload. */
export function createUpload(request: Head, bucket: Bucket, manners: Manners): Reply {
  const protection = protectionOf(request, bucket, manners);
  const upload: Upload = {
    id: randomBytes(24).toString("base64url"),
    key: request.key,
    at: manners.clock(),
    checksum: checksumPlan(request),
    protection,
    parts: new Map(),
  };
  bucket.uploads.set(upload.id, upload);
  const members = { Bucket: bucket.name, Key: upload.key, UploadId: upload.id };
  const { checksum } = upload;
  const said: Record<string, string> =
    checksum === null
      ? {}
      : { "x-amz-checksum-algorithm": checksum.algorithm, "x-amz-checksum-type": checksum.type };
  return {
    status: 200,
    headers: { ...encryptionHeaders(protection), ...said, "content-type": "application/xml" },
    body: xml("InitiateMultipartUploadResult", members),
  };
}

function checksumPlan(request: Head): Upload["checksum"] {
  const name = header(request, "x-amz-checksum-algorithm");
  const type = header(request, "x-amz-checksum-type") ?? "COMPOSITE";
  if (name === null) return null;
  const algorithm = algorithmOf(name);
  if (type !== "FULL_OBJECT" && type !== "COMPOSITE")
    throw new Refusal(400, "InvalidRequest", "No such type");
  if (type === "FULL_OBJECT" && algorithm.startsWith("SHA")) {
    throw new Refusal(
      400,
      "InvalidRequest",
      `The FULL_OBJECT checksum type cannot be used with ${algorithm}`,
    );
  }
  return { algorithm, type };
}

/** UploadPart. */
export function putPart(
  request: S3Request,
  checksum: Checksum | null,
  bucket: Bucket,
  manners: Manners,
): Reply {
  const upload = uploadOf(request, bucket);
  const number = wholeNumber(request, "partNumber", 0);
  if (number < 1 || number > lastPart) {
    throw new Refusal(
      400,
      "InvalidArgument",
      "Part number must be an integer between 1 and 10000, inclusive",
    );
  }
  verifyKey(request, upload.protection, manners);
  if (upload.checksum !== null && checksum?.algorithm !== upload.checksum.algorithm) {
    throw new Refusal(400, "InvalidRequest", `Checksum Type mismatch, expected ${upload.checksum.algorithm}`);
  }
  verifyRoom(bucket, request.body.length);
  const hash = hidesMd5(upload.protection) ? randomBytes(16) : md5(request.body);
  const etag = `"${hash.toString("hex")}"`;
  upload.parts.set(number, { bytes: request.body, etag, at: manners.clock(), checksum });
  const said: Record<string, string> =
    checksum === null ? {} : { [headerOf(checksum.algorithm)]: checksum.value };
  return { status: 200, headers: { etag, ...encryptionHeaders(upload.protection), ...said } };
}

/** CompleteMultipartUpload. */
export function completeUpload(request: S3Request, bucket: Bucket, manners: Manners): Reply {
  const upload = uploadOf(request, bucket);
  const parts = namedParts(request.body.toString("utf8"), upload, manners);
  const bytes = Buffer.concat(parts.map((part) => part.bytes));
  const said = header(request, "x-amz-mp-object-size");
  if (said !== null && Number(said) !== bytes.length) {
    throw new Refusal(400, "InvalidRequest", "The size is not that of the parts");
  }
  const checksum = wholeChecksum(request, upload, parts, bytes);
  verifyCondition(request, bucket, manners);
  bucket.uploads.delete(upload.id);
  const hash = hidesMd5(upload.protection)
    ? randomBytes(16)
    : md5(Buffer.concat(parts.map((part) => Buffer.from(part.etag.slice(1, -1), "hex"))));
  const object = keep(bucket, {
    key: upload.key,
    bytes,
    etag: `"${hash.toString("hex")}-${parts.length}"`,
    at: manners.clock(),
    checksum,
    protection: upload.protection,
  });
  const members = {
    Bucket: bucket.name,
    Key: object.key,
    ETag: object.etag,
    ...(checksum !== null && {
      [`Checksum${checksum.algorithm}`]: checksum.value,
      ChecksumType: checksum.type,
    }),
  };
  return {
    status: 200,
    headers: { ...describe(object, bucket, manners), "content-type": "application/xml" },
    body: xml("CompleteMultipartUploadResult", members),
  };
}

/** The parts that a Complete names, in its order. */
function namedParts(body: string, upload: Upload, manners: Manners): Part[] {
  const named = [...body.matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, text = ""]) => ({
    number: Number(member(text, "PartNumber")),
    etag: (member(text, "ETag") ?? "").replaceAll("&quot;", '"').replaceAll('"', ""),
    checksum: upload.checksum === null ? undefined : member(text, `Checksum${upload.checksum.algorithm}`),
  }));
  if (named.length === 0) throw new Refusal(400, "MalformedXML", "The XML names no part");
  return named.map(({ number, etag, checksum }, index) => {
    if (index > 0 && number <= (named[index - 1]?.number ?? 0)) {
      throw new Refusal(400, "InvalidPartOrder", "The list of parts was not in ascending order.");
    }
    const part = upload.parts.get(number);
    const isNamed = part !== undefined && part.etag === `"${etag}"`;
    const isWhole = checksum === undefined || checksum === part?.checksum?.value;
    const mustName = upload.checksum?.type === "COMPOSITE";
    if (!isNamed || !isWhole || (mustName && checksum === undefined)) {
      throw new Refusal(400, "InvalidPart", "One or more of the specified parts could not be found.");
    }
    if (index < named.length - 1 && part.bytes.length < manners.minimumPart) {
      throw new Refusal(400, "EntityTooSmall", "A part is smaller than the minimum allowed size");
    }
    return part;
  });
}

function wholeChecksum(request: Head, upload: Upload, parts: Part[], bytes: Buffer) {
  if (upload.checksum === null) return null;
  const { algorithm, type } = upload.checksum;
  if ((header(request, "x-amz-checksum-type") ?? type) !== type) {
    throw new Refusal(400, "InvalidRequest", "The checksum type is not that of the upload");
  }
  const values = parts.map((part) => Buffer.from(part.checksum?.value ?? "", "base64"));
  const computed =
    type === "FULL_OBJECT"
      ? checksumOf(algorithm, bytes).value
      : `${checksumOf(algorithm, Buffer.concat(values)).value}-${parts.length}`;
  const given = header(request, headerOf(algorithm));
  if (given !== null && given !== computed) {
    throw new Refusal(
      400,
      "BadDigest",
      `The ${algorithm} you specified did not match the calculated checksum.`,
    );
  }
  return { algorithm, type, value: computed };
}

function member(text: string, name: string): string | undefined {
  return new RegExp(`<${name}>(.*?)</${name}>`, "s").exec(text)?.[1];
}

/** AbortMultipartUpload. */
export function abortUpload(request: Head, bucket: Bucket): Reply {
  bucket.uploads.delete(uploadOf(request, bucket).id);
  return { status: 204 };
}

/** The upload that a request names. @throws Refusal NoSuchUpload, also once it was completed. */
export function uploadOf(request: Head, bucket: Bucket): Upload {
  const upload = bucket.uploads.get(request.query.get("uploadId") ?? "");
  if (upload?.key === request.key) return upload;
  throw new Refusal(404, "NoSuchUpload", "The upload does not exist: it may have been aborted or completed.");
}
