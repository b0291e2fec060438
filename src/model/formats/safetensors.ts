// safetensors: a JSON header that says where each tensor lies, and nothing but tensors behind it.
// Source: the format's description, and the checks of its reference reader: no holes, no overlaps, no rest.
import { z } from "zod";
import { parseJson } from "../json.ts";
import { quote } from "../reading.ts";
import { Unreadable } from "../unreadable.ts";
import type { ByteSource } from "../bytes.ts";

/** One tensor. `offset` counts from the file's first byte. */
export interface SafeTensor {
  name: string;
  dtype: string;
  shape: readonly number[];
  offset: number;
  /** Bytes. */
  size: number;
}

/** What a file holds; tensors in the order in which they lie. */
export interface Safetensors {
  tensors: SafeTensor[];
  metadata: ReadonlyMap<string, string>;
}

/** Bytes; what the reference reader allows. */
const largestHeader = 100_000_000;
const metadataKey = "__metadata__";

/** Bits per element. */
const bits: ReadonlyMap<string, number> = new Map([
  ["F4", 4],
  ...["F6_E2M3", "F6_E3M2"].map((name) => [name, 6] as const),
  ...["BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"].map(
    (name) => [name, 8] as const,
  ),
  ...["I16", "U16", "F16", "BF16"].map((name) => [name, 16] as const),
  ...["I32", "U32", "F32"].map((name) => [name, 32] as const),
  ...["I64", "U64", "F64", "C64"].map((name) => [name, 64] as const),
]);

const count = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const tensor = z.strictObject({
  dtype: z.string(),
  shape: z.array(count),
  data_offsets: z.tuple([count, count]),
});

/** Whether a file begins as this format does: the header's size, which fits, then an object. */
export function looksLikeSafetensors(source: ByteSource): boolean {
  if (source.size < 10) return false;
  const head = source.read(0, 9);
  return head[8] === 0x7b && head.readBigUInt64LE() <= BigInt(Math.min(source.size - 8, largestHeader));
}

/**
 * The tensors of a file, read from its header; no weight is touched.
 * @throws Unreadable when two readers could see different tensors: a header that is too large, cut or
 *   not JSON, a key given twice, members that do not belong, lengths that do not follow from dtype and
 *   shape, tensors that overlap or leave holes, bytes behind the last one.
 */
export function readSafetensors(source: ByteSource): Safetensors {
  const length = source.read(0, 8).readBigUInt64LE();
  if (length < 2n || length > BigInt(largestHeader)) {
    throw new Unreadable(0, "its header has an impossible size");
  }
  const start = 8 + Number(length);
  const bytes = source.read(8, Number(length));
  if (bytes[0] !== 0x7b) throw new Unreadable(8, "its header does not begin with an object");
  const header = parseJson(bytes, "its header");
  if (typeof header !== "object" || header === null) throw new Unreadable(8, "its header is no object");
  const tensors: SafeTensor[] = [];
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [name, value] of Object.entries(header)) {
    if (name === metadataKey) metadata = readMetadata(value);
    else tensors.push(readTensor(name, value, start));
  }
  // One that is empty lies before the one that begins at the same byte.
  tensors.sort((a, b) => a.offset - b.offset || a.size - b.size);
  checkCover(tensors, start, source.size);
  return { tensors, metadata };
}

function readTensor(name: string, value: unknown, start: number): SafeTensor {
  const { data, error } = tensor.safeParse(value);
  if (error !== undefined) throw new Unreadable(8, `its tensor ${quote(name)} has an odd description`);
  const { dtype, shape, data_offsets: range } = data;
  const width = bits.get(dtype);
  if (width === undefined) throw new Unreadable(8, `its tensor ${quote(name)} is of unknown dtype`);
  const elements = shape.reduce((product, size) => product * size, 1);
  const size = (elements * width) / 8;
  if (!Number.isSafeInteger(size) || range[1] - range[0] !== size) {
    throw new Unreadable(8, `the length of its tensor ${quote(name)} does not follow from dtype and shape`);
  }
  return { name, dtype, shape, offset: start + range[0], size };
}

function readMetadata(value: unknown): ReadonlyMap<string, string> {
  const entries: [string, string][] = [];
  const members = typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
  if (members === null) throw new Unreadable(8, `its ${metadataKey} is no object`);
  for (const [key, text] of Object.entries(members)) {
    if (typeof text !== "string") throw new Unreadable(8, `its ${metadataKey} holds more than texts`);
    entries.push([key, text]);
  }
  return new Map(entries);
}

/** Tensors follow each other from the header to the end of the file. */
function checkCover(tensors: readonly SafeTensor[], start: number, end: number): void {
  let expected = start;
  for (const { name, offset, size } of tensors) {
    if (offset < expected) throw new Unreadable(offset, `its tensor ${quote(name)} overlaps another`);
    if (offset > expected) throw new Unreadable(expected, `there is a hole before its tensor ${quote(name)}`);
    expected = offset + size;
  }
  if (expected > end) throw new Unreadable(end, "its last tensor is cut short");
  if (expected < end) throw new Unreadable(expected, "something follows its last tensor");
}
