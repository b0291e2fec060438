// Where things are in a store. Keys are made here and nowhere else.
import type { Digest } from "../digest.ts";

/** All blobs. */
export const blobsPrefix = "blobs/";

/** Immutable bytes under their digest; two characters first, so that no folder grows too large. */
export function blobKey(digest: Digest): string {
  const hex = hexOf(digest);
  return `${blobsPrefix}sha256/${hex.slice(0, 2)}/${hex}`;
}

/** All release documents. */
export const releasesPrefix = "manifests/";

/** A release document under its content digest. */
export function releaseKey(release: Digest): string {
  return `${releasesPrefix}sha256/${hexOf(release)}.json`;
}

/** Every document that names a release: versions, channels, how they were served. */
export const modelsPrefix = "models/";

/** All versions of a model. */
export function versionsPrefix(model: string): string {
  return `${modelsPrefix}${model}/versions/`;
}

/** The name of a release: which digest a version stands for. */
export function versionKey(model: string, version: string): string {
  return `${versionsPrefix(model)}${version}.json`;
}

/** All channels of a model. */
export function channelsPrefix(model: string): string {
  return `${modelsPrefix}${model}/channels/`;
}

/** All entries of a channel's log. */
export function channelPrefix(model: string, channel: string): string {
  return `${channelsPrefix(model)}${channel}/`;
}

/** One entry: a fixed name for each number is what makes two writers collide. */
export function entryKey(model: string, channel: string, seq: number): string {
  return `${channelPrefix(model, channel)}${String(seq).padStart(10, "0")}.json`;
}

/** The number in an entry's key; null when it has none. */
export function numberOf(key: string): number | null {
  const [, seq] = /\/(\d{10})\.json$/.exec(key) ?? [];
  return seq === undefined ? null : Number(seq);
}

/** How a version was served, in all channels. */
export function servedPrefix(model: string, version: string): string {
  return `${modelsPrefix}${model}/served/${version}/`;
}

/** One way in which a version was served in a channel. */
export function servedKey(model: string, version: string, channel: string, seq: number): string {
  return `${servedPrefix(model, version)}${channel}/${String(seq).padStart(10, "0")}.json`;
}

/** The key that blobs are encrypted with, as only KMS can open it. */
export const wrappedKeyKey = "encryption-key.json";

/** What publishers rely on. */
export const intentsPrefix = "intents/";

/** What one publisher relies on. @param nonce chosen afresh */
export function intentKey(nonce: string): string {
  return `${intentsPrefix}${nonce}.json`;
}

/** What is being removed. */
export const condemnedPrefix = "condemned/";

/** What one `mlship gc` is removing. @param nonce chosen afresh */
export function condemnedKey(nonce: string): string {
  return `${condemnedPrefix}${nonce}.json`;
}

/** Objects that try out what the store does with conditions. */
export const probesPrefix = "probe/";

/** One object of a trial. @param nonce chosen afresh for each trial */
export function probeKey(nonce: string, number: number): string {
  return `${probesPrefix}${nonce}/${number}`;
}

/** What is known of the store itself. */
export const storeDocumentKey = "mlship.json";

/** Model, kind (`versions`, `channels`, `served`) and what follows, of a key below {@link modelsPrefix}. */
export function partsOf(key: string): [model: string, kind: string, name: string] {
  const [model = "", kind = "", name = ""] = key.slice(modelsPrefix.length).split("/");
  return [model, kind, name];
}

/** The digest that a blob's or a release's key is made of; null when it is of none. */
export function digestOf(key: string): Digest | null {
  const [, hex] = /\/([0-9a-f]{64})(?:\.json)?$/.exec(key) ?? [];
  return hex === undefined ? null : `sha256:${hex}`;
}

function hexOf(digest: Digest): string {
  return digest.slice("sha256:".length);
}
