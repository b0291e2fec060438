// Content digests and the canonical JSON that documents are digested over.
import { createHash, hash } from "node:crypto";
import { open } from "node:fs/promises";

/** `sha256:` and 64 lower-case hexadecimal digits. */
export type Digest = `sha256:${string}`;

/** Digest of bytes, or of a text's UTF-8. */
export function digestBytes(bytes: Uint8Array | string): Digest {
  return `sha256:${hash("sha256", bytes, "hex")}`;
}

/** Bytes of a file that are read at a time. */
const piece = 1 << 20;

/** Digest of a file's bytes, read in pieces. @throws what the file system throws. */
export async function digestFile(path: string): Promise<Digest> {
  const whole = createHash("sha256");
  const file = await open(path);
  try {
    const { size } = await file.stat();
    // One buffer for all pieces, and no larger than the file: a stream would leave the whole file as garbage.
    const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(size, piece)));
    for (;;) {
      const { bytesRead } = await file.read(buffer);
      if (bytesRead === 0) return `sha256:${whole.digest("hex")}`;
      whole.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
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
