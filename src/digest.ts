// Content digests and the canonical JSON that documents are digested over.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";

/** `sha256:` and 64 lower-case hexadecimal digits. */
export type Digest = `sha256:${string}`;

/** Digest of bytes, or of a text's UTF-8. */
export function digestBytes(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** Bytes of a file that are read at a time. */
const piece = 1 << 20;

/** Digest of a file's bytes, read in pieces. @throws what the file system throws. */
export async function digestFile(path: string): Promise<Digest> {
  const { size } = await stat(path);
  // A buffer of a small file's own size: thousands of them would else be a gigabyte of garbage.
  if (size <= piece) return digestBytes(await readFile(path));
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: piece })) hash.update(chunk);
  return `sha256:${hash.digest("hex")}`;
}

/**
 * JSON with sorted keys and no white space: equal values give equal bytes. Keys whose value is
 * `undefined` are left out, as in JSON.stringify.
 * @throws TypeError for numbers that JSON cannot carry (NaN, Infinity): they would become `null`.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    if (typeof member === "number" && !Number.isFinite(member)) {
      throw new TypeError(`a document cannot hold ${member}`);
    }
    if (member === null || typeof member !== "object" || Array.isArray(member)) return member;
    const entries = Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(entries);
  });
}

/**
 * Digest of a document: over its canonical JSON without the members `digest` and `volatile`.
 * What differs between two runs on the same input (times, durations, host names) belongs in
 * `volatile`, so that the second run gives the same digest.
 */
export function digestDocument(document: object): Digest {
  const { digest: _digest, volatile: _volatile, ...content } = { digest: null, volatile: null, ...document };
  return digestBytes(canonicalJson(content));
}
