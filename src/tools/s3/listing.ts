// Lists what is in a bucket, page by page: objects, unfinished uploads and their parts.
import type { KeptObject } from "../../artifacts/ports.ts";
import type { Answer, Bucket, Call } from "./bucket.ts";
import { BadXml, readXml, type Element } from "./xml.ts";

/** A part of an upload that the server has. */
export interface KeptPart {
  size: number;
  /** Without quotes. */
  etag: string;
  /** Base64; null where the server does not tell it. */
  crc32: string | null;
}

/** An upload that was begun and not completed. */
interface BegunUpload {
  /** Without the store's prefix. */
  key: string;
  id: string;
  at: Date;
}

/**
 * The objects whose keys begin with `prefix` and sort behind `after`, in the order of their bytes.
 * @throws MlshipError `store.bad-answer`, exit 5, from a server that does not sort, as directory
 *   buckets do not.
 */
export async function* listObjects(bucket: Bucket, prefix: string, after: string): AsyncIterable<KeptObject> {
  const action = "s3:ListBucket";
  const store = bucket.location.prefix;
  const question = { "list-type": "2", prefix: `${store}${prefix}` };
  let next: Record<string, string> | null = after === "" ? {} : { "start-after": `${store}${after}` };
  let last = "";
  while (next !== null) {
    const query: Record<string, string> = { ...question, ...next };
    const { root } = await askXml(bucket, { action, method: "GET", key: null, query });
    for (const found of root.all("Contents")) {
      const key = (found.textOf("Key") ?? "").slice(store.length);
      if (key <= last) throw bucket.badAnswer(action, `${key} is listed behind ${last}`);
      last = key;
      const at = new Date(found.textOf("LastModified") ?? "");
      // A server that does not know start-after begins at the beginning.
      if (key > after) yield { key, size: Number(found.textOf("Size")), at };
    }
    next = nextPage(bucket, action, root, { "continuation-token": "NextContinuationToken" });
  }
}

/** The uploads of keys that begin with `prefix`. */
export async function* listUploads(bucket: Bucket, prefix: string): AsyncIterable<BegunUpload> {
  const action = "s3:ListBucketMultipartUploads";
  const store = bucket.location.prefix;
  const question = { uploads: "", prefix: `${store}${prefix}` };
  let next: Record<string, string> | null = {};
  while (next !== null) {
    const query: Record<string, string> = { ...question, ...next };
    const { root } = await askXml(bucket, { action, method: "GET", key: null, query });
    for (const found of root.all("Upload")) {
      const key = (found.textOf("Key") ?? "").slice(store.length);
      yield { key, id: found.textOf("UploadId") ?? "", at: new Date(found.textOf("Initiated") ?? "") };
    }
    next = nextPage(bucket, action, root, {
      "key-marker": "NextKeyMarker",
      "upload-id-marker": "NextUploadIdMarker",
    });
  }
}

/**
 * The parts of an upload by number, and how they are checked: null when that is a way that mlship
 * does not go. Null when there is no such upload.
 */
export async function listParts(
  bucket: Bucket,
  key: string,
  uploadId: string,
  headers: Readonly<Record<string, string>>,
): Promise<{ checking: "crc32" | "md5" | null; parts: Map<number, KeptPart> } | null> {
  const action = "s3:ListMultipartUploadParts";
  const parts = new Map<number, KeptPart>();
  let checking: "crc32" | "md5" | null = null;
  let next: Record<string, string> | null = {};
  while (next !== null) {
    const query: Record<string, string> = { uploadId, ...next };
    const { root, answer } = await askXml(bucket, {
      action,
      method: "GET",
      key,
      query,
      headers,
      expect: [404],
    });
    if (answer.status === 404) return null;
    for (const part of root.all("Part")) {
      const etag = (part.textOf("ETag") ?? "").replaceAll('"', "");
      const kept = { size: Number(part.textOf("Size")), etag, crc32: part.textOf("ChecksumCRC32") };
      parts.set(Number(part.textOf("PartNumber")), kept);
    }
    const [algorithm, type] = [root.textOf("ChecksumAlgorithm"), root.textOf("ChecksumType")];
    if (!algorithm) checking = "md5";
    else checking = algorithm === "CRC32" && type === "FULL_OBJECT" ? "crc32" : null;
    next = nextPage(bucket, action, root, { "part-number-marker": "NextPartNumberMarker" });
  }
  return { checking, parts };
}

/** The answer to a call and the root of its document. */
export async function askXml(bucket: Bucket, call: Call): Promise<{ root: Element; answer: Answer }> {
  const answer = await bucket.ask(call);
  // What is expected and no success is told by its status alone.
  if (answer.status >= 300) return { root: readXml("<Error/>"), answer };
  try {
    return { root: readXml(answer.body.toString("utf8")), answer };
  } catch (error) {
    throw error instanceof BadXml ? bucket.badAnswer(call.action, error.message) : error;
  }
}

/** What the next page is asked with, from the names of its parameters and of where they are told; null at the end. */
function nextPage(
  bucket: Bucket,
  action: string,
  root: Element,
  markers: Readonly<Record<string, string>>,
): Record<string, string> | null {
  if (root.textOf("IsTruncated") !== "true") return null;
  const told = Object.entries(markers).map(([name, element]) => [name, root.textOf(element) ?? ""] as const);
  const next = Object.fromEntries(told.filter(([, value]) => value !== ""));
  if (Object.keys(next).length > 0) return next;
  throw bucket.badAnswer(action, "the list goes on, and it does not say where");
}
