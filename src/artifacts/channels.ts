// The channels of a model, and versions that are named by them.
import { MlshipError } from "../errors.ts";
import { servingIn } from "./channel.ts";
import { fetchVersion } from "./fetch.ts";
import { channelPrefix, channelsPrefix } from "./layout.ts";
import type { ObjectStore } from "./ports.ts";
import type { Release } from "./release.ts";
import { isVersion } from "./semver.ts";

/** Sorts behind everything that a key can hold. */
const behind = "~";

/** The names of a model's channels, with one request for each: what is in them is leapt over. */
export async function listChannels(store: ObjectStore, model: string): Promise<string[]> {
  const prefix = channelsPrefix(model);
  const channels: string[] = [];
  for (let after = ""; ;) {
    const key = await firstOf(store.list(prefix, after));
    if (key === null) return channels.toSorted();
    const channel = key.slice(prefix.length).split("/")[0] ?? "";
    channels.push(channel);
    after = channelPrefix(model, channel) + behind;
  }
}

/** Version → the channels that it serves in. @throws MlshipError `store.corrupt`, exit 7 */
export async function servingEverywhere(store: ObjectStore, model: string): Promise<Map<string, string[]>> {
  const channels = await listChannels(store, model);
  const versions = await Promise.all(channels.map((channel) => servingIn(store, model, channel)));
  const serving = new Map<string, string[]>();
  for (const [place, channel] of channels.entries()) {
    const version = versions[place];
    if (version) serving.set(version, [...(serving.get(version) ?? []), channel]);
  }
  return serving;
}

/**
 * The version that is meant: itself, or the one that serves in a channel.
 * @param typed `1.4.0` or `production`: a channel's name is never a version
 * @throws MlshipError `channel.empty`, exit 2; `store.corrupt`, exit 7
 */
export async function versionNamed(store: ObjectStore, model: string, typed: string): Promise<string> {
  if (isVersion(typed)) return typed;
  const channels = await listChannels(store, model);
  const version = channels.includes(typed) ? await servingIn(store, model, typed) : null;
  if (version !== null) return version;
  throw new MlshipError({
    code: "channel.empty",
    what: `"${typed}" is no version, and no channel of ${model} in which one serves`,
    why: channels.length === 0 ? "there is no channel yet" : `the channels are ${channels.join(", ")}`,
    fix: "see mlship versions",
    exit: "usage",
  });
}

/** The release of the version that is meant. @throws MlshipError `version.unknown`, exit 2, and as {@link versionNamed} */
export async function fetchNamed(store: ObjectStore, model: string, typed: string): Promise<Release> {
  return await fetchVersion(store, model, await versionNamed(store, model, typed));
}

async function firstOf(keys: AsyncIterable<string>): Promise<string | null> {
  for await (const key of keys) return key;
  return null;
}
