// A bucket of a test's own on a real server, and its end.
import { randomUUID } from "node:crypto";
import { ask } from "./ask.ts";
import type { Place } from "./ask.ts";

/** Makes an empty bucket. @param url the server's address; `undefined` when the testbed has none. */
export async function openBucket(url: string | undefined): Promise<Place> {
  if (url === undefined) throw new Error("the testbed lacks an S3 server: npm run testbed");
  const place = { url, bucket: `mlship-${randomUUID()}` };
  const { status } = await ask(place, { method: "PUT" });
  if (status !== 200) throw new Error(`${url} made no bucket: ${status}`);
  return place;
}

/** All keys in a bucket. */
export async function keysIn(place: Place): Promise<string[]> {
  const keys: string[] = [];
  let token: string | undefined;
  do {
    const more: Record<string, string> = token === undefined ? {} : { "continuation-token": token };
    const { body } = await ask(place, { query: { "list-type": "2", ...more } });
    const text = body.toString();
    keys.push(...[...text.matchAll(/<Key>(.*?)<\/Key>/g)].map(([, key]) => String(key)));
    token = /<NextContinuationToken>(.*?)</.exec(text)?.[1];
  } while (token !== undefined);
  return keys;
}

/** Removes a bucket with all that is in it; uploads that were not completed go with it. */
export async function removeBucket(place: Place): Promise<void> {
  for (const key of await keysIn(place)) await ask(place, { method: "DELETE", key });
  await ask(place, { method: "DELETE" });
}
