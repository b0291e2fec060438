// What a program writes to its standard output, taken as lines and as blocks of bytes in turn.
import type { Readable } from "node:stream";

const lineFeed = 10;

/** The unread output of a program. One caller at a time. */
export class Incoming {
  readonly #chunks: AsyncIterator<unknown>;
  /** Read from the program, but not yet taken. */
  #rest: Uint8Array = new Uint8Array(0);

  constructor(stream: Readable) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /**
   * The next line without its end; null after the last one. Lines end in \n alone: JSON may hold the
   * other characters that end a line for readline.
   */
  async line(): Promise<string | null> {
    const parts: Uint8Array[] = [];
    for (;;) {
      const end = this.#rest.indexOf(lineFeed);
      if (end !== -1) {
        parts.push(this.#rest.subarray(0, end));
        this.#rest = this.#rest.subarray(end + 1);
        return Buffer.concat(parts).toString("utf8");
      }
      if (this.#rest.length > 0) parts.push(this.#rest);
      if (await this.#more()) continue;
      return parts.length === 0 ? null : Buffer.concat(parts).toString("utf8");
    }
  }

  /** The next `count` bytes, at the start of a buffer of their own; null when the output ends before them. */
  async bytes(count: number): Promise<Uint8Array<ArrayBuffer> | null> {
    const bytes = new Uint8Array(count);
    for (let filled = 0; ;) {
      const part = this.#rest.subarray(0, count - filled);
      bytes.set(part, filled);
      filled += part.length;
      this.#rest = this.#rest.subarray(part.length);
      if (filled === count) return bytes;
      if (!(await this.#more())) return null;
    }
  }

  async #more(): Promise<boolean> {
    this.#rest = new Uint8Array(0);
    const next = await this.#chunks.next();
    if (next.done === true) return false;
    if (!(next.value instanceof Uint8Array)) throw new TypeError("an output without encoding gives bytes");
    this.#rest = next.value;
    return true;
  }
}
