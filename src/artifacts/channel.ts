// A channel's log: what served, since when and why. Entries are appended and never changed.
import { z } from "zod";
import { digestDocument } from "../digest.ts";
import { corrupt, readDocument } from "./document.ts";
import { inParallel } from "./in-parallel.ts";
import { channelPrefix, entryKey } from "./layout.ts";
import type { ObjectStore } from "./ports.ts";
import { digestSchema, labelSchema, versionSchema } from "./release.ts";

/** Schema of `mlship.channel-entry/v1`. */
export const channelEntrySchema = z
  .strictObject({
    schema: z.literal("mlship.channel-entry/v1"),
    model: labelSchema,
    channel: labelSchema,
    /** From 1, without gaps. */
    seq: z.int().positive(),
    /** Digest of the entry before; null in the first. */
    previous: digestSchema.nullable(),
    /**
     * promote: `version` serves now. rollback: it serves again. take-back: it was a canary and was
     * taken back. refuse: it did not get as far as that; these two leave what serves as it is. tag: a
     * person said that the channel stands for it; no target serves by that.
     */
    action: z.enum(["promote", "rollback", "take-back", "refuse", "tag"]),
    version: versionSchema,
    /** Null when there was no release yet: a gate refused it. */
    release: digestSchema.nullable(),
    /** The version that served before the entry, and the one that serves after it. */
    from: versionSchema.nullable(),
    to: versionSchema.nullable(),
    reason: z.string(),
    /** What the decision rests on: counts, shares, digests of reports. */
    evidence: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).nullable(),
    /** `user@host`. */
    actor: z.string(),
    /** Chosen afresh by whoever writes the entry, to know it again. */
    nonce: z.string(),
    digest: digestSchema,
    volatile: z.strictObject({
      /** ISO 8601. */
      at: z.iso.datetime(),
    }),
  })
  .refine((entry) => entry.digest === digestDocument(entry), {
    error: "the digest is not that of the document",
    path: ["digest"],
  });

export type ChannelEntry = z.infer<typeof channelEntrySchema>;

/** Keys in a page of a listing: what one request to S3 gives. */
const page = 1000;

/** So many places are looked at in one leap, at once. */
const ways = 8;

/**
 * Number of a channel's last entry; 0 when there is none. A log of less than a page is listed. A longer
 * one is leapt through, since it has no gaps: 10,000 entries take 26 requests in 5 round trips.
 * @param known the number of an entry that is there; 0 when none is known
 * @throws MlshipError `store.corrupt`, exit 7, when the end of the log has a gap.
 */
export async function lastOf(store: ObjectStore, model: string, channel: string, known = 0): Promise<number> {
  for (let last = known; ;) {
    const start = last;
    for await (const key of store.list(channelPrefix(model, channel), entryKey(model, channel, start))) {
      if (key !== entryKey(model, channel, last + 1)) throw corrupt(store, key, outOfPlace);
      last += 1;
      if (last - start === page) break;
    }
    if (last - start < page) return last;
    last = await leap(async (seq) => (await store.size(entryKey(model, channel, seq))) !== null, last);
  }
}

/** A number less than a page before the last one that is there. @param from one that is there */
async function leap(isThere: (seq: number) => Promise<boolean>, from: number): Promise<number> {
  let last = from;
  for (let step = page; step >= page;) {
    const places = Array.from({ length: ways }, (_, place) => last + step * (place + 1));
    const gone = (await Promise.all(places.map(isThere))).indexOf(false);
    last += step * (gone < 0 ? ways : gone);
    step = gone < 0 ? step * ways : step / ways;
  }
  return last;
}

/** What is wrong with an entry that breaks the chain. */
export const outOfPlace = "it does not follow the entry before it";

/**
 * The entries of a channel from one number to another, with their chain checked.
 * @throws MlshipError `store.corrupt`, exit 7, when an entry is missing, altered or out of place.
 */
export async function readEntries(
  store: ObjectStore,
  model: string,
  channel: string,
  { first, last }: { first: number; last: number },
): Promise<ChannelEntry[]> {
  const keys = Array.from({ length: Math.max(0, last - first + 1) }, (_, place) =>
    entryKey(model, channel, first + place),
  );
  const entries = await inParallel(keys, async (key) => {
    const entry = await readDocument(store, key, channelEntrySchema);
    if (entry === null) throw corrupt(store, key, "it is missing");
    return entry;
  });
  for (const [place, entry] of entries.entries()) {
    const key = entryKey(model, channel, first + place);
    const isHere = entry.model === model && entry.channel === channel && entry.seq === first + place;
    if (!isHere) throw corrupt(store, key, "it is the entry of another place");
    const before = entries[place - 1];
    if ((before !== undefined || first === 1) && !follows(entry, before))
      throw corrupt(store, key, outOfPlace);
  }
  return entries;
}

/** Whether an entry is chained to the one before; the first one has none. */
export function follows(entry: ChannelEntry, before: ChannelEntry | undefined): boolean {
  return entry.previous === (before?.digest ?? null) && entry.from === (before?.to ?? null);
}

/** All entries of a channel, first to last. @throws MlshipError as {@link readEntries} */
export async function readChannel(
  store: ObjectStore,
  model: string,
  channel: string,
): Promise<ChannelEntry[]> {
  return await readNewest(store, model, channel, Infinity);
}

/**
 * The newest entries of a channel, oldest first, and nothing before them.
 * @throws MlshipError as {@link readEntries}
 */
export async function readNewest(
  store: ObjectStore,
  model: string,
  channel: string,
  count: number,
): Promise<ChannelEntry[]> {
  const last = await lastOf(store, model, channel);
  return await readEntries(store, model, channel, { first: Math.max(1, last - count + 1), last });
}

/** The last entry of a channel; null when it has none. @throws MlshipError as {@link readEntries} */
export async function readLast(
  store: ObjectStore,
  model: string,
  channel: string,
): Promise<ChannelEntry | null> {
  return (await readNewest(store, model, channel, 1)).at(-1) ?? null;
}

/** The version that serves in a channel, or null when none does. @throws MlshipError as {@link readEntries} */
export async function servingIn(store: ObjectStore, model: string, channel: string): Promise<string | null> {
  return (await readLast(store, model, channel))?.to ?? null;
}
