// The version that a rollback goes back to, found with as little of a channel's log as decides it.
import { readNewest } from "./channel.ts";
import type { ChannelEntry } from "./channel.ts";
import type { ObjectStore } from "./ports.ts";

/** So many entries are read first, and eight times as many whenever that was too few. */
const few = 32;

/**
 * The version that served in a channel before the one that serves now; null when there was none.
 * @throws MlshipError `store.corrupt`, exit 7
 */
export async function findPrevious(
  store: ObjectStore,
  model: string,
  channel: string,
): Promise<string | null> {
  for (let count = few; ; count *= 8) {
    const previous = previousOf(await readNewest(store, model, channel, count));
    if (previous !== undefined) return previous;
  }
}

/** Served before the entries that are at hand. */
const unknown = Symbol("unknown");

/**
 * The version that a rollback goes back to: the one that served before the one that serves now.
 * Versions that were rolled back from do not count: after 1, 2, 3, back to 2, it is 1.
 * @param entries the newest ones of a channel, oldest first
 * @returns undefined when older entries would decide it
 */
export function previousOf(entries: readonly ChannelEntry[]): string | null | undefined {
  const [oldest] = entries;
  const before = oldest?.from ?? null;
  // Nothing serves only where nothing ever did.
  const served: (string | typeof unknown)[] = before === null ? [] : [unknown, before];
  for (const { action, to, from } of entries) {
    if (to === null || to === from) continue;
    const earlier = action === "rollback" ? served.lastIndexOf(to) : -1;
    if (earlier >= 0) served.length = earlier;
    // It may have served further back, or never.
    else if (action === "rollback" && served[0] === unknown) served.length = 1;
    served.push(to);
  }
  const previous = served.at(-2) ?? null;
  return previous === unknown ? undefined : previous;
}
