// Reads files that are sent whole: the first ones here, many more in a thread of their own, which digests while requests are made.
import { readFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { crc32 } from "node:zlib";
import { z } from "zod";
import { digestBytes, type Digest } from "../../digest.ts";

/** A file as it was read. */
export interface SmallFile {
  bytes: Uint8Array;
  digest: Digest;
  crc32: number;
}

/** A file that is wanted, and what its answer is known by. */
interface Asked {
  place: number;
  file: string;
}

/** For fewer files, starting a thread costs more than it saves. */
const fewFiles = 64;

const readSchema = z.strictObject({
  place: z.int().nonnegative(),
  read: z
    .strictObject({
      bytes: z.instanceof(Uint8Array<ArrayBuffer>),
      digest: z.templateLiteral(["sha256:", z.string()]),
      crc32: z.int(),
    })
    .nullable(),
});

/** Reads one file after the other; its thread ends with the process. */
export class SmallFiles {
  #begun = 0;
  #thread: Worker | null = null;
  readonly #waiting = new Map<number, (read: SmallFile | null) => void>();
  /** Told together: waking the thread costs more than a request. */
  #asked: Asked[] = [];

  /** @throws what the file system throws */
  async read(file: string): Promise<SmallFile> {
    this.#begun += 1;
    const read = this.#begun > fewFiles ? await this.#readBeside(file) : null;
    // What the thread could not read is read here, for the error of the file system.
    return read ?? (await readHere(file));
  }

  #readBeside(file: string): Promise<SmallFile | null> {
    if (this.#asked.length === 0) setImmediate(() => this.#tell());
    const place = this.#begun;
    this.#asked.push({ place, file });
    return new Promise((resolve) => void this.#waiting.set(place, resolve));
  }

  #tell(): void {
    const thread = (this.#thread ??= this.#start());
    // An idle thread does not keep the process alive.
    thread.ref();
    thread.postMessage(this.#asked.splice(0), []);
  }

  #start(): Worker {
    const thread = new Worker(`(${readFiles.toString()})()`, { eval: true });
    thread.on("message", (message: unknown) => {
      const { place, read } = readSchema.parse(message);
      this.#waiting.get(place)?.(read);
      this.#waiting.delete(place);
      if (this.#waiting.size === 0) thread.unref();
    });
    thread.on("error", () => {
      this.#thread = null;
      for (const resolve of this.#waiting.values()) resolve(null);
      this.#waiting.clear();
    });
    return thread;
  }
}

async function readHere(file: string): Promise<SmallFile> {
  const bytes = await readFile(file);
  return { bytes, digest: digestBytes(bytes), crc32: crc32(bytes) };
}

/**
 * The whole program of the thread: it is handed over as text, so nothing of this module is within its
 * reach. The bytes move, they are not copied.
 */
function readFiles(): void {
  const { parentPort } = process.getBuiltinModule("node:worker_threads");
  const { hash } = process.getBuiltinModule("node:crypto");
  const { closeSync, fstatSync, openSync, readSync } = process.getBuiltinModule("node:fs");
  const zlib = process.getBuiltinModule("node:zlib");
  const readWhole = (file: string): Uint8Array<ArrayBuffer> => {
    const descriptor = openSync(file, "r");
    try {
      const bytes = new Uint8Array(fstatSync(descriptor).size);
      let filled = 0;
      for (let read = 1; read > 0 && filled < bytes.length; filled += read)
        read = readSync(descriptor, bytes, filled, bytes.length - filled, null);
      // Of a file that grew or shrank meanwhile, the digest tells.
      return filled === bytes.length ? bytes : bytes.slice(0, filled);
    } finally {
      closeSync(descriptor);
    }
  };
  parentPort?.on("message", (asked: Asked[]) => {
    for (const { place, file } of asked) {
      try {
        const bytes = readWhole(file);
        const read = { bytes, digest: `sha256:${hash("sha256", bytes, "hex")}`, crc32: zlib.crc32(bytes) };
        parentPort.postMessage({ place, read }, [bytes.buffer]);
      } catch {
        parentPort.postMessage({ place, read: null }, []);
      }
    }
  });
}
