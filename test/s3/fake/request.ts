// A request to the fake S3 server as it came over the wire, and the operation that it asks for.
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { Refusal } from "./refusal.ts";

/** Names as in Amazon's API reference. */
export type Operation =
  | "AbortMultipartUpload"
  | "CompleteMultipartUpload"
  | "CreateBucket"
  | "CreateMultipartUpload"
  | "DeleteObject"
  | "GetBucketLocation"
  | "GetBucketVersioning"
  | "GetObject"
  | "GetObjectLockConfiguration"
  | "HeadBucket"
  | "HeadObject"
  | "ListMultipartUploads"
  | "ListObjectsV2"
  | "ListParts"
  | "PutObject"
  | "UploadPart"
  | "Unknown";

/** The head of a request: all that is known before its body. */
export interface Head {
  /** From 1, in the order of arrival. */
  number: number;
  method: string;
  operation: Operation;
  bucket: string;
  /** Empty for a request to the bucket itself. */
  key: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  /** Path as it was sent, still encoded. */
  path: string;
  /** Whether it came over TLS. */
  secure: boolean;
}

export interface S3Request extends Head {
  body: Buffer;
}

export interface Reply {
  status: number;
  headers?: Record<string, string>;
  body?: Buffer | string;
}

/** Reads the head of a request in path style: `/BUCKET/KEY?QUERY`. */
export function headOf(message: IncomingMessage, number: number, secure: boolean): Head {
  const [path = "/", search = ""] = (message.url ?? "/").split(/\?(.*)/s);
  const [, bucket = "", key = ""] = /^\/([^/]*)\/?(.*)$/s.exec(path) ?? [];
  const query = new URLSearchParams(search.replaceAll("+", "%2B"));
  const { method = "GET", headers } = message;
  const names = { bucket: decodeURIComponent(bucket), key: decodeURIComponent(key) };
  const operation = operationOf(method, names.key, query);
  return { number, method, operation, ...names, query, headers, path, secure };
}

function operationOf(method: string, key: string, query: URLSearchParams): Operation {
  const asked = key === "" ? bucketOperations(method, query) : objectOperations(method, query);
  return asked ?? "Unknown";
}

function bucketOperations(method: string, query: URLSearchParams): Operation | undefined {
  if (method === "HEAD") return "HeadBucket";
  if (method === "PUT" && query.size === 0) return "CreateBucket";
  if (method !== "GET") return undefined;
  if (query.has("uploads")) return "ListMultipartUploads";
  if (query.has("location")) return "GetBucketLocation";
  if (query.has("versioning")) return "GetBucketVersioning";
  if (query.has("object-lock")) return "GetObjectLockConfiguration";
  return query.get("list-type") === "2" ? "ListObjectsV2" : undefined;
}

function objectOperations(method: string, query: URLSearchParams): Operation | undefined {
  if (query.has("uploads")) return method === "POST" ? "CreateMultipartUpload" : undefined;
  if (query.has("uploadId")) {
    if (method === "PUT") return query.has("partNumber") ? "UploadPart" : undefined;
    if (method === "POST") return "CompleteMultipartUpload";
    return ({ GET: "ListParts", DELETE: "AbortMultipartUpload" } as const)[method];
  }
  return ({ PUT: "PutObject", GET: "GetObject", HEAD: "HeadObject", DELETE: "DeleteObject" } as const)[
    method
  ];
}

/** A header with one value, or null. */
export function header(request: Head, name: string): string | null {
  const value = request.headers[name];
  return typeof value === "string" ? value : null;
}

/** A whole number of the query, or `otherwise` where it is not given. */
export function wholeNumber(request: Head, name: string, otherwise: number): number {
  const text = request.query.get(name);
  if (text === null) return otherwise;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Refusal(400, "InvalidArgument", `${name} must be a whole number`);
}
