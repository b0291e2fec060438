// A channel's log: what served, since when and why. Entries are appended and never changed.
import { z } from "zod";
import { digestDocument } from "../digest.ts";
import type { Digest } from "../digest.ts";
import { MlshipError } from "../errors.ts";
import { corrupt, encode, readDocument } from "./document.ts";
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
     * taken back. refuse: it did not get as far as that. The last two leave what serves as it is.
     */
    action: z.enum(["promote", "rollback", "take-back", "refuse"]),
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

/** What a writer says; the rest follows from where the entry comes to stand. */
export interface ChannelMove extends Pick<
  ChannelEntry,
  "action" | "version" | "release" | "reason" | "evidence" | "actor" | "nonce"
> {
  /** The version that serves, as the writer believes: the move is made only while it does. */
  expected: string | null;
  /** ISO 8601. */
  at: string;
}

/**
 * The entries of a channel, first to last, with their chain checked.
 * @throws MlshipError `store.corrupt`, exit 7, when an entry is missing, altered or out of place.
 */
export async function readChannel(
  store: ObjectStore,
  model: string,
  channel: string,
): Promise<ChannelEntry[]> {
  const entries: ChannelEntry[] = [];
  for await (const key of store.list(channelPrefix(model, channel))) {
    const before = entries.at(-1);
    const entry = await readDocument(store, key, channelEntrySchema);
    if (entry === null) throw corrupt(store, key, "it went missing while it was read");
    const isNext = key === entryKey(model, channel, entries.length + 1) && entry.seq === entries.length + 1;
    const isHere = entry.model === model && entry.channel === channel;
    const follows = entry.previous === (before?.digest ?? null) && entry.from === (before?.to ?? null);
    if (!isNext || !isHere || !follows) throw corrupt(store, key, "it does not follow the entry before it");
    entries.push(entry);
  }
  return entries;
}

/**
 * Appends a move. Of two writers at the same place one wins; the other looks again, and goes on
 * only if the version that it expects still serves. A move that is in the log already, known by its
 * nonce, is not made twice.
 * @throws MlshipError `channel.moved`, exit 7, when another version serves than expected.
 */
export async function appendMove(
  store: ObjectStore,
  model: string,
  channel: string,
  move: ChannelMove,
): Promise<ChannelEntry> {
  for (;;) {
    const entries = await readChannel(store, model, channel);
    const mine = entries.find((entry) => entry.nonce === move.nonce);
    if (mine !== undefined) return mine;
    const from = serving(entries);
    if (from !== move.expected) throw moved(model, channel, move, entries.at(-1));
    const entry = entryAfter(entries, model, channel, move);
    if ((await store.create(entryKey(model, channel, entry.seq), encode(entry))) === "created") return entry;
  }
}

/** The version that serves after these entries, or null when none does. */
export function serving(entries: readonly ChannelEntry[]): string | null {
  return entries.at(-1)?.to ?? null;
}

/**
 * The version that a rollback goes back to: the one that served before the one that serves now.
 * Versions that were rolled back from do not count: after 1, 2, 3, back to 2, it is 1.
 */
export function previousOf(entries: readonly ChannelEntry[]): string | null {
  const served: string[] = [];
  for (const { action, to, from } of entries) {
    if (to === null || to === from) continue;
    const earlier = action === "rollback" ? served.lastIndexOf(to) : -1;
    if (earlier >= 0) served.length = earlier;
    served.push(to);
  }
  return served.at(-2) ?? null;
}

function entryAfter(
  entries: readonly ChannelEntry[],
  model: string,
  channel: string,
  move: ChannelMove,
): ChannelEntry {
  const { expected, at, ...said } = move;
  const before = entries.at(-1);
  const moves = move.action === "promote" || move.action === "rollback";
  const previous: Digest | null = before?.digest ?? null;
  const content = {
    schema: "mlship.channel-entry/v1",
    model,
    channel,
    seq: entries.length + 1,
    previous,
    ...said,
    from: expected,
    to: moves ? move.version : expected,
    volatile: { at },
  };
  return channelEntrySchema.parse({ ...content, digest: digestDocument(content) });
}

function moved(
  model: string,
  channel: string,
  move: ChannelMove,
  last: ChannelEntry | undefined,
): MlshipError {
  const said =
    last === undefined
      ? "the channel is empty"
      : `${last.actor} made ${last.to ?? "nothing"} serve: ${last.reason}`;
  return new MlshipError({
    code: "channel.moved",
    what: `${channel} of ${model} moved on: ${move.expected ?? "nothing"} was to serve there, and no longer does`,
    why: said,
    fix: "look at mlship history and mlship status, then decide again",
    exit: "attention",
  });
}
