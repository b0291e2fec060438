// Tags: a person says which version a channel stands for, where nothing else decides it.
import { MlshipError } from "../errors.ts";
import { readNewest, type ChannelEntry } from "./channel.ts";
import { appendMove, type ChannelMove } from "./move.ts";
import type { ObjectStore } from "./ports.ts";
import type { Release } from "./release.ts";

/** What becomes of a tag. */
export interface Tagged {
  /** The version that the channel stood for. */
  from: string | null;
  /** Null when it stood for this one already. */
  entry: ChannelEntry | null;
}

/**
 * Lets a channel stand for a released version. A channel that a rollout moved last is left to rollouts:
 * its log would say of a target what is not so.
 * @throws MlshipError `channel.served`, exit 2; `channel.moved`, exit 7, when somebody was faster.
 */
export async function tagRelease(
  store: ObjectStore,
  { name, version, digest }: Release,
  channel: string,
  said: Pick<ChannelMove, "reason" | "actor" | "nonce" | "at">,
): Promise<Tagged> {
  const last = await lastMove(store, name, channel);
  if (last !== null && last.action !== "tag") throw served(name, channel, last);
  const from = last?.to ?? null;
  if (from === version) return { from, entry: null };
  const moved = { action: "tag", version, release: digest, expected: from, evidence: null } as const;
  return { from, entry: await appendMove(store, name, channel, { ...moved, ...said }) };
}

/** The last entry that changed what serves, or said so; null when none did. */
async function lastMove(store: ObjectStore, model: string, channel: string): Promise<ChannelEntry | null> {
  for (let count = 32; ; count *= 8) {
    const entries = await readNewest(store, model, channel, count);
    const found = entries.findLast(({ action }) => action !== "refuse" && action !== "take-back");
    if (found !== undefined) return found;
    if (entries.length < count) return null;
  }
}

function served(model: string, channel: string, last: ChannelEntry): MlshipError {
  return new MlshipError({
    code: "channel.served",
    what: `${channel} of ${model} is what a target serves`,
    why: `${last.actor} made ${last.to ?? "nothing"} serve there by ${last.action}, at ${last.volatile.at}`,
    fix: "move it with mlship deploy or mlship rollback, or tag another channel",
    exit: "usage",
  });
}
