// Random access to a model's bytes, so that gigabytes of weights can be stepped over unread.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { Unreadable } from "./unreadable.ts";

/** Bytes that can be read at any offset. */
export interface ByteSource {
  /** Bytes. */
  readonly size: number;
  /** @throws Unreadable when the range leaves the source. */
  read(offset: number, length: number): Buffer;
}

const windowSize = 1 << 18;

/** The bytes of a buffer. */
export function bytesOf(buffer: Uint8Array): ByteSource {
  const bytes = Buffer.from(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  return {
    size: bytes.length,
    read(offset, length) {
      checkRange(offset, length, bytes.length);
      return bytes.subarray(offset, offset + length);
    },
  };
}

/** A part of another source, read where it lies. @throws Unreadable when it leaves the source. */
export function windowOf(source: ByteSource, start: number, size: number): ByteSource {
  checkRange(start, size, source.size);
  return {
    size,
    read(offset, length) {
      checkRange(offset, length, size);
      return source.read(start + offset, length);
    },
  };
}

/** The bytes of an open file, read through a small window. Call `close` when done. */
export class FileBytes implements ByteSource {
  readonly size: number;
  readonly #descriptor: number;
  #window: Buffer = Buffer.alloc(0);
  #start = 0;

  constructor(path: string) {
    this.#descriptor = openSync(path, "r");
    this.size = fstatSync(this.#descriptor).size;
  }

  read(offset: number, length: number): Buffer {
    checkRange(offset, length, this.size);
    if (offset < this.#start || offset + length > this.#start + this.#window.length) {
      this.#window = this.#fill(offset, Math.min(Math.max(length, windowSize), this.size - offset));
      this.#start = offset;
    }
    const from = offset - this.#start;
    return this.#window.subarray(from, from + length);
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #fill(offset: number, length: number): Buffer {
    const buffer = Buffer.alloc(length);
    let done = 0;
    while (done < length) {
      const count = readSync(this.#descriptor, buffer, done, length - done, offset + done);
      if (count === 0) throw new Unreadable(offset + done, "the file became shorter while it was read");
      done += count;
    }
    return buffer;
  }
}

function checkRange(offset: number, length: number, size: number): void {
  if (offset < 0 || length < 0 || offset + length > size) {
    throw new Unreadable(
      Math.min(offset, size),
      `${length} bytes are promised, but the file ends after ${size}`,
    );
  }
}
