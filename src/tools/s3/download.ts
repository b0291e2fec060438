// Downloads objects to files: in pieces side by side, each checked for its length.
import { open, type FileHandle } from "node:fs/promises";
import type { OnBytes } from "../../artifacts/ports.ts";
import type { Answer, Bucket } from "./bucket.ts";
import type { Protection } from "./protection.ts";
import { header } from "./wire.ts";

/** Bytes that are asked for at a time, and how many such pieces are in memory. */
const piece = 8 << 20;
const together = 6;
const action = "s3:GetObject";

/**
 * Writes an object to a file; false when there is no object. The caller checks what the bytes are.
 * @throws MlshipError `store.*`; what the file system throws.
 */
export async function downloadObject(
  bucket: Bucket,
  protection: Protection,
  key: string,
  file: string,
  onBytes: OnBytes,
): Promise<boolean> {
  const get = (from: number, into: Uint8Array) =>
    bucket.ask({
      action,
      method: "GET",
      key,
      headers: { ...protection.touching(), range: `bytes=${from}-${from + into.length - 1}` },
      into,
      expect: [404, 416],
    });

  const first = Buffer.allocUnsafe(piece);
  const answer = await get(0, first);
  if (answer.status === 404) return false;
  const size = sizeOf(answer);
  if (size === null)
    throw bucket.badAnswer(action, "a range was asked, and the answer does not say of how much");
  const handle = await open(file, "w", 0o644);
  try {
    await keep(handle, answer.status === 416 ? Buffer.alloc(0) : answer.body, 0, onBytes);
    let next = answer.body.length;
    let failed =
      size > 0 && next !== Math.min(size, piece) ? bucket.badAnswer(action, "a piece is too short") : null;
    const work = async (into: Uint8Array) => {
      while (next < size && failed === null) {
        const from = next;
        const length = Math.min(piece, size - from);
        next += length;
        const { status, body } = await get(from, into.subarray(0, length));
        if (status >= 300 || body.length !== length)
          failed = bucket.badAnswer(action, "a piece is too short");
        else await keep(handle, body, from, onBytes);
      }
    };
    const pieces = Math.ceil((size - next) / piece);
    const buffers = Array.from({ length: Math.min(together, pieces) }, () => Buffer.allocUnsafe(piece));
    const ended = await Promise.allSettled(buffers.map(work));
    for (const result of ended) if (result.status === "rejected") throw result.reason;
    if (failed !== null) throw failed;
    return true;
  } finally {
    await handle.close();
  }
}

/** Bytes of the whole object, as the answer to its first piece tells it; null when it does not. */
function sizeOf(answer: Answer): number | null {
  // The range of an empty object cannot be satisfied.
  if (answer.status === 416) return 0;
  if (answer.status === 200) return answer.body.length;
  const [, total] = /^bytes 0-\d+\/(\d+)$/.exec(header(answer, "content-range") ?? "") ?? [];
  return total === undefined ? null : Number(total);
}

async function keep(handle: FileHandle, bytes: Uint8Array, at: number, onBytes: OnBytes): Promise<void> {
  for (let from = 0; from < bytes.length;) {
    from += (await handle.write(bytes, from, bytes.length - from, at + from)).bytesWritten;
  }
  onBytes(bytes.length);
}
