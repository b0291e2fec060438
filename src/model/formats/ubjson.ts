// Universal Binary JSON as XGBoost writes it, with arrays of numbers stepped over.
import { Unreadable } from "../unreadable.ts";
import type { ByteSource } from "../bytes.ts";

const deepest = 64;
const longestText = 1 << 20;
const mostValues = 10_000_000;
const sizes = new Map([
  ["i", 1],
  ["U", 1],
  ["I", 2],
  ["l", 4],
  ["L", 8],
  ["d", 4],
  ["D", 8],
]);

/**
 * The document in the bytes. Arrays of one type become empty arrays: they are weights.
 * @throws Unreadable when the bytes are no UBJSON, are cut short or are nested too deep.
 */
export function parseUbjson(source: ByteSource): unknown {
  const reader = new UbjsonReader(source);
  const value = reader.value(reader.marker(), 0);
  if (reader.position !== source.size) throw new Unreadable(reader.position, "something follows its end");
  return value;
}

class UbjsonReader {
  position = 0;
  readonly #source: ByteSource;
  #values = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  marker(): string {
    return this.#take(1).toString("latin1");
  }

  value(marker: string, depth: number): unknown {
    this.#values += 1;
    if (depth > deepest || this.#values > mostValues) {
      throw new Unreadable(this.position, "its values are nested too deep or too many");
    }
    if (marker === "{") return this.#object(depth);
    if (marker === "[") return this.#array(depth);
    if (marker === "Z" || marker === "N") return null;
    if (marker === "T" || marker === "F") return marker === "T";
    if (marker === "S") return this.#text(this.#length());
    if (marker === "C") return this.#text(1);
    return this.#number(marker);
  }

  #object(depth: number): unknown {
    const entries: [string, unknown][] = [];
    let marker = this.marker();
    const count = marker === "#" ? this.#length() : null;
    if (count !== null && count > 0) marker = this.marker();
    while (count === null ? marker !== "}" : entries.length < count) {
      const key = this.#text(this.#integer(marker));
      entries.push([key, this.value(this.marker(), depth + 1)]);
      if (count === null || entries.length < count) marker = this.marker();
    }
    // fromEntries makes `__proto__` a plain member, too.
    return Object.fromEntries(entries);
  }

  #array(depth: number): unknown {
    let marker = this.marker();
    if (marker === "$") {
      this.#skipTyped();
      return [];
    }
    const count = marker === "#" ? this.#length() : null;
    const items: unknown[] = [];
    if (count === null) {
      for (; marker !== "]"; marker = this.marker()) items.push(this.value(marker, depth + 1));
    } else {
      while (items.length < count) items.push(this.value(this.marker(), depth + 1));
    }
    return items;
  }

  #skipTyped(): void {
    const at = this.position;
    const size = sizes.get(this.marker());
    if (size === undefined || this.marker() !== "#") throw new Unreadable(at, "an array has an unknown type");
    const bytes = this.#length() * size;
    if (this.position + bytes > this.#source.size)
      throw new Unreadable(at, "an array is longer than what is left");
    this.position += bytes;
  }

  #length(): number {
    return this.#integer(this.marker());
  }

  #integer(marker: string): number {
    const value = marker === "d" || marker === "D" ? Number.NaN : this.#number(marker);
    if (!Number.isSafeInteger(value) || value < 0)
      throw new Unreadable(this.position, "a length is no whole number");
    return value;
  }

  #number(marker: string): number {
    const size = sizes.get(marker);
    if (size === undefined) throw new Unreadable(this.position - 1, "it has a value of unknown type");
    const bytes = this.#take(size);
    if (marker === "d") return bytes.readFloatBE();
    if (marker === "D") return bytes.readDoubleBE();
    if (marker === "U") return bytes.readUInt8();
    return size === 8 ? Number(bytes.readBigInt64BE()) : bytes.readIntBE(0, size);
  }

  #text(length: number): string {
    if (length > longestText) throw new Unreadable(this.position, "a text is longer than 1 MiB");
    return this.#take(length).toString("utf8");
  }

  #take(length: number): Buffer {
    const bytes = this.#source.read(this.position, length);
    this.position += length;
    return bytes;
  }
}
