// Walks the whole hash chain of a channel's log, and names each entry that breaks it.
import { channelEntrySchema, follows, outOfPlace, type ChannelEntry } from "./channel.ts";
import { readDocument, whyDamaged } from "./document.ts";
import { inParallel } from "./in-parallel.ts";
import { entryKey, numberOf } from "./layout.ts";
import type { ObjectStore } from "./ports.ts";

/** A log as it is listed. */
export interface Log {
  model: string;
  channel: string;
  /** In order. */
  keys: string[];
}

/** Entries that are right by themselves, and what is wrong with the others or between them. */
export async function verifyLog(
  store: ObjectStore,
  { model, channel, keys }: Log,
  signal: AbortSignal,
): Promise<{ entries: Map<string, ChannelEntry>; damage: { key: string; why: string }[] }> {
  const entries = new Map<string, ChannelEntry>();
  const damage = new Map<string, string>();
  const read = async (key: string) => {
    try {
      const entry = await readDocument(store, key, channelEntrySchema);
      if (entry === null) damage.set(key, "it went missing while it was read");
      else entries.set(key, entry);
    } catch (error) {
      damage.set(key, whyDamaged(error));
    }
  };
  await inParallel(keys, read, { signal });
  let next = 1;
  for (const key of keys) {
    const seq = numberOf(key);
    if (seq === null) {
      damage.set(key, "it is no entry of a log");
      continue;
    }
    if (seq > next) damage.set(entryKey(model, channel, next), missing(seq - next));
    next = seq + 1;
    const entry = entries.get(key);
    if (entry === undefined) continue;
    const before = entries.get(entryKey(model, channel, seq - 1));
    const isHere = entry.model === model && entry.channel === channel && entry.seq === seq;
    if (!isHere) damage.set(key, "it is the entry of another place");
    else if ((before !== undefined || seq === 1) && !follows(entry, before)) damage.set(key, outOfPlace);
  }
  return { entries, damage: [...damage].map(([key, why]) => ({ key, why })) };
}

function missing(count: number): string {
  return count === 1 ? "it is missing" : `it is missing, and ${count - 1} behind it`;
}
