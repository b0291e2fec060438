// Moves a channel: appends to its log what serves from now on, or what does not.
import { digestDocument } from "../digest.ts";
import { MlshipError } from "../errors.ts";
import { channelEntrySchema, lastOf, readEntries, readNewest } from "./channel.ts";
import type { ChannelEntry } from "./channel.ts";
import { encode } from "./document.ts";
import { entryKey } from "./layout.ts";
import type { ObjectStore } from "./ports.ts";

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
 * So many entries are looked through for a move that was made before. Who makes one again does so
 * before anybody else can move the channel: only refusals can have come between.
 */
const remembered = 32;

/**
 * Appends a move. Of two writers at the same place one wins; the other looks at what came since, and
 * goes on only if the version that it expects still serves. A move that is in the log already, known by
 * its nonce, is not made twice.
 * @throws MlshipError `channel.moved`, exit 7, when another version serves than expected.
 */
export async function appendMove(
  store: ObjectStore,
  model: string,
  channel: string,
  move: ChannelMove,
): Promise<ChannelEntry> {
  let seen = await readNewest(store, model, channel, remembered);
  for (;;) {
    const mine = seen.find((entry) => entry.nonce === move.nonce);
    if (mine !== undefined) return mine;
    const before = seen.at(-1);
    if ((before?.to ?? null) !== move.expected) throw moved(model, channel, move, before);
    const entry = entryAfter(before, model, channel, move);
    if ((await store.create(entryKey(model, channel, entry.seq), encode(entry))) === "created") return entry;
    const last = await lastOf(store, model, channel, entry.seq);
    seen = await readEntries(store, model, channel, { first: Math.max(1, entry.seq - 1), last });
  }
}

function entryAfter(
  before: ChannelEntry | undefined,
  model: string,
  channel: string,
  move: ChannelMove,
): ChannelEntry {
  const { expected, at, ...said } = move;
  const stays = move.action === "refuse" || move.action === "take-back";
  const content = {
    schema: "mlship.channel-entry/v1",
    model,
    channel,
    seq: (before?.seq ?? 0) + 1,
    previous: before?.digest ?? null,
    ...said,
    from: expected,
    to: stays ? expected : move.version,
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
