// Where things are in a store. Keys are made here and nowhere else.
import type { Digest } from "../digest.ts";

/** Immutable bytes under their digest; two characters first, so that no folder grows too large. */
export function blobKey(digest: Digest): string {
  const hex = hexOf(digest);
  return `blobs/sha256/${hex.slice(0, 2)}/${hex}`;
}

/** A release document under its content digest. */
export function releaseKey(release: Digest): string {
  return `manifests/sha256/${hexOf(release)}.json`;
}

/** All versions of a model. */
export function versionsPrefix(model: string): string {
  return `models/${model}/versions/`;
}

/** The name of a release: which digest a version stands for. */
export function versionKey(model: string, version: string): string {
  return `${versionsPrefix(model)}${version}.json`;
}

/** All entries of a channel's log. */
export function channelPrefix(model: string, channel: string): string {
  return `models/${model}/channels/${channel}/`;
}

/** One entry: a fixed name for each number is what makes two writers collide. */
export function entryKey(model: string, channel: string, seq: number): string {
  return `${channelPrefix(model, channel)}${String(seq).padStart(10, "0")}.json`;
}

/** How a version was served, in all channels. */
export function servedPrefix(model: string, version: string): string {
  return `models/${model}/served/${version}/`;
}

/** One way in which a version was served in a channel. */
export function servedKey(model: string, version: string, channel: string, seq: number): string {
  return `${servedPrefix(model, version)}${channel}/${String(seq).padStart(10, "0")}.json`;
}

function hexOf(digest: Digest): string {
  return digest.slice("sha256:".length);
}
