// Protocol Buffers on the wire: fields one after the other, without a schema.
import { Unreadable } from "../unreadable.ts";
import type { ByteSource } from "../bytes.ts";

/** A range of bytes that holds a message, a text or packed numbers. */
export interface Range {
  start: number;
  end: number;
}

/** One field. `range` is where a length-delimited value lies; `value` is a varint or the raw fixed bits. */
export interface Field {
  number: number;
  offset: number;
  value: bigint;
  range: Range | null;
}

const longestText = 1 << 20;

/** The fields of a message. @throws Unreadable when the bytes are not one, or end too early. */
export function* fieldsOf(source: ByteSource, { start, end }: Range): Generator<Field> {
  let at = start;
  while (at < end) {
    const offset = at;
    const tag = readVarint(source, at, end);
    at = tag.next;
    const own = Number(tag.value);
    const number = Math.floor(own / 8);
    const wire = own % 8;
    if (number < 1 || number > 0x1f_ff_ff_ff) throw new Unreadable(offset, "a field has no number");
    if (wire === 2) {
      const length = readVarint(source, at, end);
      at = length.next;
      if (length.value > BigInt(end - at))
        throw new Unreadable(offset, "a field is longer than what is left");
      const range = { start: at, end: at + Number(length.value) };
      at = range.end;
      yield { number, offset, value: length.value, range };
    } else if (wire === 0) {
      const varint = readVarint(source, at, end);
      at = varint.next;
      yield { number, offset, value: varint.value, range: null };
    } else if (wire === 1 || wire === 5) {
      const size = wire === 1 ? 8 : 4;
      if (at + size > end) throw new Unreadable(offset, "a number is cut short");
      const bytes = source.read(at, size);
      at += size;
      yield {
        number,
        offset,
        value: size === 8 ? bytes.readBigUInt64LE() : BigInt(bytes.readUInt32LE()),
        range: null,
      };
    } else {
      throw new Unreadable(offset, "a field has an unknown wire type");
    }
  }
}

/** The text of a field. */
export function textOf(source: ByteSource, field: Field): string {
  if (field.range === null) throw new Unreadable(field.offset, "a field should be a text");
  const { start, end } = field.range;
  if (end - start > longestText) throw new Unreadable(field.offset, "a text is longer than 1 MiB");
  return source.read(start, end - start).toString("utf8");
}

/** The message of a field. */
export function messageOf(field: Field): Range {
  if (field.range === null) throw new Unreadable(field.offset, "a field should be a message");
  return field.range;
}

/** The whole numbers of a repeated field, packed or not. */
export function integersOf(source: ByteSource, field: Field): number[] {
  if (field.range === null) return [signed(field.value)];
  const numbers: number[] = [];
  for (let at = field.range.start; at < field.range.end;) {
    const varint = readVarint(source, at, field.range.end);
    numbers.push(signed(varint.value));
    at = varint.next;
    if (numbers.length > longestText) throw new Unreadable(field.offset, "a list of numbers is too long");
  }
  return numbers;
}

function signed(value: bigint): number {
  return Number(BigInt.asIntN(64, value));
}

/** What one byte can say. */
const smallNumbers = Array.from({ length: 0x80 }, (_none, value) => BigInt(value));

function readVarint(source: ByteSource, from: number, end: number): { value: bigint; next: number } {
  const bytes = source.read(from, Math.min(10, end - from));
  const first = bytes[0] ?? 0x80;
  // Most numbers of a model are small: trees have hundreds of thousands of them.
  const small = smallNumbers[first];
  if (small !== undefined) return { value: small, next: from + 1 };
  let value = 0n;
  for (const [index, byte] of bytes.entries()) {
    value |= BigInt(byte & 0x7f) << BigInt(index * 7);
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), next: from + index + 1 };
  }
  throw new Unreadable(from, "a number is cut short or too long");
}
