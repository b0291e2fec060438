// Lists what is in a bucket, page by page: objects, unfinished uploads and their parts.
import type { KeptObject } from "../../artifacts/ports.ts";
import type { Bucket } from "./bucket.ts";
import { BadXml, readXml, type Element } from "./xml.ts";

/**
 * The objects whose keys begin with `prefix` and sort behind `after`, in the order of their bytes.
 * @throws MlshipError `store.bad-answer`, exit 5, from a server that does not sort, as directory
 *   buckets do not.
 */
export async function* listObjects(bucket: Bucket, prefix: string, after: string): AsyncIterable<KeptObject> {
  const action = "s3:ListBucket";
  const root = bucket.location.prefix;
  const start: Record<string, string> = after === "" ? {} : { "start-after": `${root}${after}` };
  let token: string | null = null;
  let last = "";
  do {
    const query = { "list-type": "2", prefix: `${root}${prefix}` };
    const next: Record<string, string> = token === null ? start : { "continuation-token": token };
    const page = await ask(bucket, action, null, { ...query, ...next });
    for (const found of page.all("Contents")) {
      const key = (found.textOf("Key") ?? "").slice(root.length);
      if (key <= last) throw bucket.badAnswer(action, `${key} is listed behind ${last}`);
      last = key;
      const at = new Date(found.textOf("LastModified") ?? "");
      // A server that does not know start-after begins at the beginning.
      if (key > after) yield { key, size: Number(found.textOf("Size")), at };
    }
    token = tokenOf(page, "NextContinuationToken");
    if (token === null && page.textOf("IsTruncated") === "true") {
      throw bucket.badAnswer(action, "the list goes on, and it does not say where");
    }
  } while (token !== null);
}

/** The root of the answer to a question about the bucket or a key. */
async function ask(
  bucket: Bucket,
  action: string,
  key: string | null,
  query: Readonly<Record<string, string>>,
): Promise<Element> {
  const { body } = await bucket.ask({ action, method: "GET", key, query });
  try {
    return readXml(body.toString("utf8"));
  } catch (error) {
    throw error instanceof BadXml ? bucket.badAnswer(action, error.message) : error;
  }
}

/** Where the next page begins; null at the end. */
function tokenOf(page: Element, name: string): string | null {
  return page.textOf("IsTruncated") === "true" ? page.textOf(name) : null;
}
