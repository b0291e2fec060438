// Reads a zip archive that every unzipper would read alike: its two directories must agree byte for byte.
import { crc32, inflateRawSync } from "node:zlib";
import { quote } from "./reading.ts";
import { Unreadable } from "./unreadable.ts";
import type { ByteSource } from "./bytes.ts";

interface Member {
  /** Offset of the data and their length as stored. */
  offset: number;
  stored: number;
  size: number;
  crc: number;
  deflated: boolean;
}

/** An archive whose members can be read by name. */
export interface Zip {
  names: string[];
  /** @throws Unreadable when the member is missing, larger than `limit` bytes or damaged. */
  read(name: string, limit: number): Buffer;
}

const endSize = 22;
const localSize = 30;
const centralSize = 46;
/** Encrypted, patched, strongly encrypted, masked headers, and sizes that follow the data. */
const refusedFlags = 0x0001 | 0x0008 | 0x0020 | 0x0040 | 0x2000;

/**
 * Opens a zip. @throws Unreadable for anything that two readers could see differently: bytes before,
 * between or behind the members, a comment, two members of one name, zip64, encryption, or local
 * headers that differ from the central directory.
 */
export function openZip(source: ByteSource): Zip {
  const end = readEnd(source);
  const members = new Map<string, Member>();
  let central = end.offset;
  let expected = 0;
  for (let index = 0; index < end.count; index += 1) {
    const header = source.read(central, centralSize);
    if (header.readUInt32LE() !== 0x02_01_4b_50) throw new Unreadable(central, "its directory is damaged");
    const lengths = [header.readUInt16LE(28), header.readUInt16LE(30), header.readUInt16LE(32)] as const;
    const name = source.read(central + centralSize, lengths[0]);
    const local = header.readUInt32LE(42);
    if (local !== expected) throw new Unreadable(central, "its members do not follow each other");
    const member = readMember(source, header, name, local);
    const text = name.toString("utf8");
    if (members.has(text)) throw new Unreadable(central, `it has two members called ${quote(text)}`);
    members.set(text, member);
    expected = member.offset + member.stored;
    central += centralSize + lengths[0] + lengths[1] + lengths[2];
  }
  if (expected !== end.offset || central !== end.offset + end.size) {
    throw new Unreadable(expected, "it holds bytes that belong to no member");
  }
  return { names: [...members.keys()], read: (name, limit) => readData(source, members, name, limit) };
}

function readEnd(source: ByteSource): { count: number; offset: number; size: number } {
  const at = source.size - endSize;
  const end = at < 0 ? Buffer.alloc(endSize) : source.read(at, endSize);
  if (end.readUInt32LE() !== 0x06_05_4b_50 || end.readUInt16LE(20) !== 0) {
    throw new Unreadable(
      Math.max(at, 0),
      "its directory is not at its end: it is cut short, or something follows it",
    );
  }
  const count = end.readUInt16LE(10);
  if (end.readUInt32LE(4) !== 0 || end.readUInt16LE(8) !== count || count === 0xffff) {
    throw new Unreadable(at, "it is split over several files, or has too many members");
  }
  const size = end.readUInt32LE(12);
  const offset = end.readUInt32LE(16);
  if (offset + size !== at) throw new Unreadable(at, "its directory is not where it says");
  return { count, offset, size };
}

function readMember(source: ByteSource, central: Buffer, name: Buffer, at: number): Member {
  const local = source.read(at, localSize);
  if (local.readUInt32LE() !== 0x04_03_4b_50) throw new Unreadable(at, "a member has no header");
  // Version needed, flags, method, time, date, checksum, both sizes and the name's length.
  if (!local.subarray(6, 28).equals(central.subarray(8, 30))) {
    throw new Unreadable(at, "a member's header differs from the directory");
  }
  if (!source.read(at + localSize, name.length).equals(name)) {
    throw new Unreadable(at, "a member is called differently in its header and in the directory");
  }
  const method = local.readUInt16LE(8);
  const [stored, size] = [local.readUInt32LE(18), local.readUInt32LE(22)];
  if ((local.readUInt16LE(6) & refusedFlags) !== 0)
    throw new Unreadable(at, "a member is encrypted or patched");
  if (method !== 0 && method !== 8) throw new Unreadable(at, "a member is compressed in an unusual way");
  if (stored === 0xff_ff_ff_ff || size === 0xff_ff_ff_ff)
    throw new Unreadable(at, "a member is larger than 4 GiB");
  if (method === 0 && stored !== size) throw new Unreadable(at, "a stored member has two different sizes");
  const offset = at + localSize + name.length + local.readUInt16LE(28);
  return { offset, stored, size, crc: local.readUInt32LE(14), deflated: method === 8 };
}

function readData(source: ByteSource, members: Map<string, Member>, name: string, limit: number): Buffer {
  const member = members.get(name);
  if (member === undefined) throw new Unreadable(0, `it has no member called ${quote(name)}`);
  if (member.size > limit) throw new Unreadable(member.offset, `its member ${quote(name)} is too large`);
  const raw = source.read(member.offset, member.stored);
  const data = member.deflated ? inflate(raw, member) : Buffer.from(raw);
  if (data.length !== member.size || crc32(data) !== member.crc) {
    throw new Unreadable(member.offset, `its member ${quote(name)} is damaged`);
  }
  return data;
}

function inflate(raw: Buffer, member: Member): Buffer {
  try {
    return inflateRawSync(raw, { maxOutputLength: Math.max(member.size, 1) });
  } catch {
    throw new Unreadable(member.offset, "a member's compressed data are damaged");
  }
}
