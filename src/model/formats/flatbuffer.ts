// FlatBuffers as they lie in a file: tables of fields by number, read without a schema, every offset checked.
// Source: flatbuffers.dev/internals.
import { Unreadable } from "../unreadable.ts";

/** A table: its fields are numbers, texts, tables or vectors of these. */
export class FlatTable {
  readonly #bytes: Buffer;
  readonly #at: number;
  readonly #fields: number;
  readonly #size: number;

  private constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
    const fields = at - signed(bytes, at);
    this.#size = short(bytes, fields);
    this.#fields = fields;
    checkRange(bytes, fields, this.#size);
  }

  /** The root of a buffer. @throws Unreadable when it is none. */
  static root(bytes: Buffer): FlatTable {
    return new FlatTable(bytes, long(bytes, 0));
  }

  /** A whole number of 32 bits; 0 where the writer left it out. */
  int(field: number): number {
    const at = this.#place(field);
    return at === null ? 0 : signed(this.#bytes, at);
  }

  /** A text; null where there is none. */
  text(field: number): string | null {
    const vector = this.#vector(field, 1);
    return vector === null ? null : this.#bytes.toString("utf8", vector.start, vector.start + vector.count);
  }

  /** How many elements of so many bytes each a vector has. */
  count(field: number, size: number): number {
    return this.#vector(field, size)?.count ?? 0;
  }

  table(field: number): FlatTable | null {
    const at = this.#place(field);
    return at === null ? null : new FlatTable(this.#bytes, at + long(this.#bytes, at));
  }

  /** A vector of tables. */
  tables(field: number): FlatTable[] {
    const { start, count } = this.#vector(field, 4) ?? { start: 0, count: 0 };
    return Array.from({ length: count }, (_none, index) => {
      const at = start + 4 * index;
      return new FlatTable(this.#bytes, at + long(this.#bytes, at));
    });
  }

  #place(field: number): number | null {
    const entry = 4 + 2 * field;
    if (entry + 2 > this.#size) return null;
    const offset = short(this.#bytes, this.#fields + entry);
    return offset === 0 ? null : this.#at + offset;
  }

  #vector(field: number, size: number): { start: number; count: number } | null {
    const at = this.#place(field);
    if (at === null) return null;
    const vector = at + long(this.#bytes, at);
    const count = long(this.#bytes, vector);
    checkRange(this.#bytes, vector + 4, count * size);
    return { start: vector + 4, count };
  }
}

function checkRange(bytes: Buffer, at: number, length: number): void {
  if (at < 0 || at + length > bytes.length)
    throw new Unreadable(Math.max(at, 0), "an offset leads out of it");
}

function short(bytes: Buffer, at: number): number {
  checkRange(bytes, at, 2);
  return bytes.readUInt16LE(at);
}

function long(bytes: Buffer, at: number): number {
  checkRange(bytes, at, 4);
  return bytes.readUInt32LE(at);
}

function signed(bytes: Buffer, at: number): number {
  checkRange(bytes, at, 4);
  return bytes.readInt32LE(at);
}
