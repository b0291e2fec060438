// How versions were served: which image, how many servers, what else a cluster was given. Appended, never changed.
import { z } from "zod";
import type { Digest } from "../digest.ts";
import { readDocument, encode } from "./document.ts";
import { servedKey, servedPrefix } from "./layout.ts";
import type { ObjectStore } from "./ports.ts";

/** The part of a served document that the store looks at. */
const namedSchema = z.looseObject({ schema: z.string(), digest: z.string() });

/** A served document as it lies in the store. */
export interface StoredServed {
  channel: string;
  /** From 1 for each version and channel: the last one is how it was served last. */
  seq: number;
  /** To be read through its schema. */
  document: unknown;
}

/** The served documents of a version, of all channels; of each channel oldest first. */
export async function listServed(
  store: ObjectStore,
  model: string,
  version: string,
): Promise<StoredServed[]> {
  const prefix = servedPrefix(model, version);
  const found: StoredServed[] = [];
  for await (const key of store.list(prefix)) {
    const [, channel, seq] = /^([a-z0-9-]+)\/(\d+)\.json$/.exec(key.slice(prefix.length)) ?? [];
    if (channel === undefined) continue;
    const document = await readDocument(store, key, namedSchema);
    if (document !== null) found.push({ channel, seq: Number(seq), document });
  }
  return found;
}

/**
 * Says how a version is served in a channel from now on, unless that was said last. Of two writers at
 * the same place one wins, and the other looks again.
 * @returns whether this call wrote it
 */
export async function appendServed(
  store: ObjectStore,
  place: { model: string; version: string; channel: string },
  document: { digest: Digest },
): Promise<boolean> {
  for (;;) {
    const all = await listServed(store, place.model, place.version);
    const last = all.findLast(({ channel }) => channel === place.channel);
    if (last !== undefined && namedSchema.parse(last.document).digest === document.digest) return false;
    const key = servedKey(place.model, place.version, place.channel, (last?.seq ?? 0) + 1);
    if ((await store.create(key, encode(document))) === "created") return true;
  }
}
