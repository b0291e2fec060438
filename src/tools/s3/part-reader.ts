// Reads a file part by part in a thread of its own, which digests while the network is busy.
import { Worker } from "node:worker_threads";
import { z } from "zod";
import type { Digest } from "../../digest.ts";
import { partsTogether } from "./part-plan.ts";

/** A part of the file. Its bytes are lent: they are given back with {@link PartReader.release}. */
export interface FilePart {
  /** From 1. */
  number: number;
  bytes: Uint8Array;
  /** Which of the buffers it is in. */
  slot: number;
  crc32: number;
  /** Base64; null unless asked for. */
  md5: string | null;
  /** Hexadecimal; null unless asked for. */
  sha256: string | null;
}

export interface ReadOptions {
  file: string;
  /** Bytes of the whole file. */
  size: number;
  partSize: number;
  /** What each part is digested with, besides CRC32. */
  digests: readonly ("md5" | "sha256")[];
}

interface ThreadOptions extends ReadOptions {
  buffers: SharedArrayBuffer[];
}

/** The file is not as long as it was. */
export class LengthChanged extends Error {}

const partSchema = z.strictObject({
  slot: z.int().nonnegative(),
  number: z.int().positive(),
  length: z.int().nonnegative(),
  crc32: z.int(),
  md5: z.string().nullable(),
  sha256: z.string().nullable(),
});
const endSchema = z.strictObject({ digest: z.templateLiteral(["sha256:", z.string()]) });
const messageSchema = z.union([partSchema, endSchema, z.strictObject({ lengthChanged: z.literal(true) })]);

/** Parts come in order, and the digest of the whole after the last one: the file is read once. */
export class PartReader {
  readonly #worker: Worker;
  /** Shared, not moved to and fro: a buffer that comes anew each time would be garbage to collect. */
  readonly #buffers: SharedArrayBuffer[];
  readonly #came: z.infer<typeof messageSchema>[] = [];
  #failed: unknown = null;
  #wake: () => void = () => {};

  constructor(options: ReadOptions) {
    const { size, partSize } = options;
    const count = Math.min(partsTogether(partSize), Math.ceil(size / partSize));
    this.#buffers = Array.from({ length: count }, () => new SharedArrayBuffer(Math.min(partSize, size)));
    const workerData: ThreadOptions = { ...options, buffers: this.#buffers };
    this.#worker = new Worker(`(${readParts.toString()})()`, { eval: true, workerData });
    this.#worker.on("message", (message: unknown) => {
      this.#came.push(messageSchema.parse(message));
      this.#wake();
    });
    this.#worker.on("error", (error) => {
      this.#failed = error;
      this.#wake();
    });
    for (const slot of this.#buffers.keys()) this.#fill(slot);
  }

  /** The next part, or, after the last one, the digest of the whole. @throws LengthChanged; what the file system throws. */
  async next(): Promise<FilePart | { digest: Digest }> {
    while (this.#came.length === 0 && this.#failed === null) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const message = this.#came.shift();
    if (message === undefined) throw this.#failed;
    if ("lengthChanged" in message) throw new LengthChanged();
    if ("digest" in message) return message;
    const { length, ...part } = message;
    const buffer = this.#buffers[part.slot];
    if (buffer === undefined) throw new TypeError(`there is no buffer ${part.slot}`);
    return { ...part, bytes: new Uint8Array(buffer, 0, length) };
  }

  /** The part was sent, or need not be: its memory is used for another one. */
  release({ slot }: FilePart): void {
    this.#fill(slot);
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #fill(slot: number): void {
    this.#worker.postMessage(slot, []);
  }
}

/**
 * The whole program of the thread: it is handed over as text, so nothing of this module is within
 * its reach. It fills each buffer whose number it is told with the next part.
 */
function readParts(): void {
  const { parentPort, workerData } = process.getBuiltinModule("node:worker_threads");
  const { createHash } = process.getBuiltinModule("node:crypto");
  const { fstatSync, openSync, readSync } = process.getBuiltinModule("node:fs");
  const { crc32 } = process.getBuiltinModule("node:zlib");
  const { file, size, partSize, digests, buffers }: ThreadOptions = workerData;
  const descriptor = openSync(file, "r");
  const whole = createHash("sha256");
  let position = 0;
  let number = 0;
  const say = (message: object) => parentPort?.postMessage(message, []);
  parentPort?.on("message", (slot: number) => {
    const buffer = buffers[slot];
    if (position === size || buffer === undefined) return;
    const length = Math.min(partSize, size - position);
    const bytes = new Uint8Array(buffer, 0, length);
    for (let filled = 0; filled < length;) {
      const read = readSync(descriptor, bytes, filled, length - filled, position + filled);
      if (read === 0) return say({ lengthChanged: true });
      filled += read;
    }
    position += length;
    number += 1;
    whole.update(bytes);
    const md5 = digests.includes("md5") ? createHash("md5").update(bytes).digest("base64") : null;
    const sha256 = digests.includes("sha256") ? createHash("sha256").update(bytes).digest("hex") : null;
    say({ slot, number, length, crc32: crc32(bytes), md5, sha256 });
    if (position < size) return;
    if (fstatSync(descriptor).size !== size) say({ lengthChanged: true });
    else say({ digest: `sha256:${whole.digest("hex")}` });
  });
}
