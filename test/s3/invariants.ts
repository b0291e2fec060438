// What must be true of a store's objects at any time, checked without any of mlship's code.
import { createHash } from "node:crypto";

/** Key → bytes, of all objects of a store. */
export type Objects = ReadonlyMap<string, Uint8Array>;

/**
 * What is wrong with a store: each version leads to its release and this to all of its blobs, whole;
 * each object below a digest is what the digest names; each log is gapless, and chained by digest.
 */
export function findDamage(objects: Objects): string[] {
  const damage: string[] = [];
  const read = (key: string, what: string): Record<string, unknown> => {
    const bytes = objects.get(key);
    if (bytes === undefined) {
      damage.push(`${what}: ${key} is missing`);
      return {};
    }
    try {
      return membersOf(JSON.parse(Buffer.from(bytes).toString("utf8")));
    } catch {
      damage.push(`${key} is no JSON`);
      return {};
    }
  };
  const same = (what: string, found: unknown, wanted: unknown) => {
    if (found !== wanted) damage.push(`${what} is ${String(found)} instead of ${String(wanted)}`);
  };

  for (const [key, bytes] of objects) {
    const blob = /^blobs\/sha256\/(..)\/(\1[0-9a-f]{62})$/.exec(key)?.[2];
    const release = /^manifests\/sha256\/([0-9a-f]{64})\.json$/.exec(key)?.[1];
    const [, model, version] = /^models\/([^/]+)\/versions\/(.+)\.json$/.exec(key) ?? [];
    if (blob !== undefined) same(`the content of ${key}`, sha256(bytes), blob);
    if (release !== undefined) same(`the digest in ${key}`, read(key, key)["digest"], `sha256:${release}`);
    if (release !== undefined) same(`the content of ${key}`, digestOf(read(key, key)), `sha256:${release}`);
    if (version === undefined) continue;
    const document = read(key, key);
    same(`the name in ${key}`, document["name"], model);
    same(`the version in ${key}`, document["version"], version);
    const named = String(document["release"]).replace("sha256:", "");
    const content = read(`manifests/sha256/${named}.json`, `${model} ${version}`);
    same(`the name in the release of ${key}`, content["name"], model);
    same(`the version in the release of ${key}`, content["version"], version);
    for (const { sha256: digest, size } of blobsIn(content)) {
      const hex = digest.replace("sha256:", "");
      const found = objects.get(`blobs/sha256/${hex.slice(0, 2)}/${hex}`);
      same(`${model} ${version}: the size of ${hex}`, found?.length, size);
    }
  }

  for (const [log, entries] of logsIn(objects)) {
    let before: Record<string, unknown> = { digest: null, to: null };
    const nonces = new Set<unknown>();
    for (const [place, key] of entries.entries()) {
      same(`the place of ${key}`, key, `${log}${String(place + 1).padStart(10, "0")}.json`);
      const entry = read(key, log);
      same(`the number in ${key}`, entry["seq"], place + 1);
      same(`the digest in ${key}`, entry["digest"], digestOf(entry));
      same(`what ${key} follows`, entry["previous"], before["digest"]);
      same(`what served before ${key}`, entry["from"], before["to"]);
      if (nonces.has(entry["nonce"])) damage.push(`${key} was made twice`);
      nonces.add(entry["nonce"]);
      before = entry;
    }
  }
  return damage;
}

/** What was published before and is not there any more, or is something else now. */
export function findLosses(before: Objects, after: Objects): string[] {
  return [...before].flatMap(([key, bytes]) => {
    if (!key.startsWith("models/")) return [];
    const now = after.get(key);
    if (now === undefined) return [`${key} was lost`];
    return Buffer.compare(now, bytes) === 0 ? [] : [`${key} was rewritten`];
  });
}

function logsIn(objects: Objects): Map<string, string[]> {
  const logs = new Map<string, string[]>();
  for (const key of [...objects.keys()].sort()) {
    const log = /^models\/[^/]+\/channels\/[^/]+\//.exec(key)?.[0];
    if (log !== undefined) logs.set(log, [...(logs.get(log) ?? []), key]);
  }
  return logs;
}

/** Everything in a document that has a digest and a size. */
function blobsIn(value: unknown): { sha256: string; size: number }[] {
  if (value === null || typeof value !== "object") return [];
  const { sha256: digest, size } = membersOf(value);
  const inside = Object.values(value).flatMap(blobsIn);
  return typeof digest === "string" && typeof size === "number"
    ? [{ sha256: digest, size }, ...inside]
    : inside;
}

function membersOf(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === "object" ? Object.fromEntries(Object.entries(value)) : {};
}

/** Over the content without `digest` and `volatile`, with sorted keys and no white space. */
function digestOf(document: Record<string, unknown>): string {
  const content = Object.entries(document).filter(([name]) => name !== "digest" && name !== "volatile");
  return `sha256:${sha256(Buffer.from(sorted(Object.fromEntries(content))))}`;
}

function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.entries(value).toSorted(([a], [b]) => Number(a > b) - Number(a < b));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${sorted(member)}`).join(",")}}`;
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
