// Reads a file part by part in a thread of its own, which digests while the network is busy.
import { Worker } from "node:worker_threads";
import { z } from "zod";
import type { Digest } from "../../digest.ts";
import { partsTogether } from "./part-plan.ts";

/** A part of the file. Its bytes are lent: they are given back with {@link PartReader.release}. */
export interface FilePart {
  /** From 1. */
  number: number;
  bytes: Uint8Array<ArrayBuffer>;
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

/** The file is not as long as it was. */
export class LengthChanged extends Error {}

const partSchema = z.strictObject({
  buffer: z.instanceof(ArrayBuffer),
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
  readonly #came: z.infer<typeof messageSchema>[] = [];
  #failed: unknown = null;
  #wake: () => void = () => {};

  constructor(options: ReadOptions) {
    this.#worker = new Worker(`(${readParts.toString()})()`, { eval: true, workerData: options });
    this.#worker.on("message", (message: unknown) => {
      this.#came.push(messageSchema.parse(message));
      this.#wake();
    });
    this.#worker.on("error", (error) => {
      this.#failed = error;
      this.#wake();
    });
    const buffers = Math.min(partsTogether(options.partSize), Math.ceil(options.size / options.partSize));
    for (let count = 0; count < buffers; count += 1) {
      this.#give(new ArrayBuffer(Math.min(options.partSize, options.size)));
    }
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
    const { buffer, length, ...part } = message;
    return { ...part, bytes: new Uint8Array(buffer, 0, length) };
  }

  /** The part was sent, or need not be: its memory is used for another one. */
  release(part: FilePart): void {
    this.#give(part.bytes.buffer);
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #give(buffer: ArrayBuffer): void {
    this.#worker.postMessage(buffer, [buffer]);
  }
}

/**
 * The whole program of the thread: it is handed over as text, so nothing of this module is within
 * its reach. For each buffer that it is given, it fills it with the next part and gives it back.
 */
function readParts(): void {
  const { parentPort, workerData } = process.getBuiltinModule("node:worker_threads");
  const { createHash } = process.getBuiltinModule("node:crypto");
  const { fstatSync, openSync, readSync } = process.getBuiltinModule("node:fs");
  const { crc32 } = process.getBuiltinModule("node:zlib");
  const { file, size, partSize, digests }: ReadOptions = workerData;
  const descriptor = openSync(file, "r");
  const whole = createHash("sha256");
  let position = 0;
  let number = 0;
  const say = (message: object, moved: ArrayBuffer[] = []) => parentPort?.postMessage(message, moved);
  parentPort?.on("message", (buffer: ArrayBuffer) => {
    if (position === size) return;
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
    say({ buffer, number, length, crc32: crc32(bytes), md5, sha256 }, [buffer]);
    if (position < size) return;
    if (fstatSync(descriptor).size !== size) say({ lengthChanged: true });
    else say({ digest: `sha256:${whole.digest("hex")}` });
  });
}
