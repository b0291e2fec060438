// Attributes of HDF5 that hold one text, and the heap in which texts lie.
import { quote } from "../reading.ts";
import { Unreadable } from "../unreadable.ts";
import { placeAt, type Message } from "./messages.ts";
import type { ByteSource } from "../bytes.ts";

const longestText = 1 << 28;

/** An attribute; `text` is null for one that holds something else. */
export interface Attribute {
  name: string;
  text: string | null;
}

/** Reads an attribute message of any version. */
export function attributeOf(source: ByteSource, { data, offset }: Message): Attribute {
  const version = data[0] ?? 0;
  if (data.length < 9 || version < 1 || version > 3) throw new Unreadable(offset, "an attribute is damaged");
  if (version > 1 && ((data[1] ?? 0) & 3) !== 0) throw new Unreadable(offset, "an attribute shares its type");
  const sizes = [data.readUInt16LE(2), data.readUInt16LE(4), data.readUInt16LE(6)] as const;
  const padded = version === 1 ? sizes.map((size) => Math.ceil(size / 8) * 8) : sizes;
  const start = version === 3 ? 9 : 8;
  const [nameSize = 0, typeSize = 0, spaceSize = 0] = padded;
  const value = start + nameSize + typeSize + spaceSize;
  if (value > data.length) throw new Unreadable(offset, "an attribute is cut short");
  const name = untilZero(data.subarray(start, start + sizes[0]));
  const type = data.subarray(start + nameSize, start + nameSize + sizes[1]);
  const space = data.subarray(start + nameSize + typeSize, value);
  // The second byte of a dataspace is its number of dimensions: none for one value.
  const single = space.length >= 2 && space[1] === 0;
  return { name, text: single ? readText(source, type, data.subarray(value), offset) : null };
}

/** Class 3 is a text of fixed size, class 9 one in the heap. */
function readText(source: ByteSource, type: Buffer, value: Buffer, offset: number): string | null {
  if (type.length < 8) throw new Unreadable(offset, "an attribute has no type");
  const kind = (type[0] ?? 0) & 15;
  const size = type.readUInt32LE(4);
  if (kind === 3) {
    if (size > value.length) throw new Unreadable(offset, "an attribute is cut short");
    return untilZero(value.subarray(0, size));
  }
  if (kind !== 9 || ((type[1] ?? 0) & 15) !== 1) return null;
  if (value.length < 16) throw new Unreadable(offset, "an attribute is cut short");
  const length = value.readUInt32LE(0);
  if (length > longestText) throw new Unreadable(offset, "a text is too long");
  const bytes = heapObject(source, placeAt(source, value, 4, offset), value.readUInt32LE(12));
  if (length > bytes.length) throw new Unreadable(offset, "a text is longer than its place in the heap");
  return untilZero(bytes.subarray(0, length));
}

/** An object of a global heap, found by its number. */
function heapObject(source: ByteSource, address: number, index: number): Buffer {
  const head = source.read(address, 16);
  if (head.toString("latin1", 0, 4) !== "GCOL") throw new Unreadable(address, "a text has no heap");
  const end = address + placeAt(source, head, 8, address);
  for (let at = address + 16; at + 16 <= end;) {
    const entry = source.read(at, 16);
    const [number, size] = [entry.readUInt16LE(0), placeAt(source, entry, 8, at)];
    if (number === 0) break;
    if (number === index) return Buffer.from(source.read(at + 16, size));
    at += 16 + Math.ceil(size / 8) * 8;
  }
  throw new Unreadable(address, `a heap holds no text number ${quote(String(index))}`);
}

function untilZero(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString("utf8", 0, end < 0 ? bytes.length : end);
}
