// Reads a zip archive that every unzipper would read alike: its two directories must agree byte for byte.
import { crc32, inflateRawSync } from "node:zlib";
import { z } from "zod";
import { bytesOf, windowOf, type ByteSource } from "./bytes.ts";
import { inflated } from "./decompress.ts";
import { quote } from "./reading.ts";
import { Unreadable } from "./unreadable.ts";
import { checkCount, checkEnd, readCentral, type Member } from "./zip-directory.ts";

/** An archive whose members can be read by name. */
export interface Zip {
  names: string[];
  /** Bytes of a member when unpacked. @throws Unreadable when it is missing. */
  sizeOf(name: string): number;
  /** @throws Unreadable when the member is missing, larger than `limit` bytes or damaged. */
  read(name: string, limit: number): Buffer;
  /**
   * A member that can be read at any offset: a stored one where it lies, of any size; a compressed one
   * unpacked into memory. Its checksum is compared first.
   * @throws Unreadable when the member is missing, compressed and larger than `limit` bytes, or damaged.
   */
  open(name: string, limit: number): ByteSource;
}

const endSize = 22;
const locatorSize = 20;
const end64Size = 56;
const chunkSize = 1 << 20;

/**
 * Opens a zip, with 64-bit sizes or without. @throws Unreadable for anything that two readers could see
 * differently: bytes before, between or behind the members, a comment, two members of one name, names
 * that leave the archive, encryption, or local headers that differ from the central directory.
 */
export function openZip(source: ByteSource): Zip {
  const end = readEnd(source);
  checkCount(end.count, end.offset);
  const members = new Map<string, Member>();
  const spoken = new Set<string>();
  let central = end.offset;
  let last: Member | null = null;
  for (let index = 0; index < end.count; index += 1) {
    const { member, next } = readCentral(source, central);
    const { name, header } = member;
    // Where upper and lower case are one, two such members would be one file.
    const folded = name.replace(/\/$/, "").toLowerCase().normalize("NFC");
    if (spoken.has(folded)) throw new Unreadable(central, `it has two members called ${quote(name)}`);
    if (last === null && header !== 0) throw new Unreadable(0, "it does not begin with its first member");
    if (last !== null) checkEnd(source, last, header);
    if (name.endsWith("/") && member.size > 0) throw new Unreadable(central, "a folder in it holds data");
    spoken.add(folded);
    members.set(name, member);
    last = member;
    central = next;
  }
  if (last !== null) checkEnd(source, last, end.offset);
  if (central !== end.offset + end.size || (last === null && end.offset !== 0)) {
    throw new Unreadable(central, "it holds bytes that belong to no member");
  }
  const find = (name: string): Member => {
    const member = members.get(name);
    if (member === undefined) throw new Unreadable(0, `it has no member called ${quote(name)}`);
    return member;
  };
  return {
    names: [...members.keys()],
    sizeOf: (name) => find(name).size,
    read(name, limit) {
      const member = find(name);
      checkSize(member, limit);
      const raw = source.read(member.offset, member.stored);
      const data = member.deflated ? inflate(raw, member) : Buffer.from(raw);
      checkSum(member, bytesOf(data));
      return data;
    },
    open(name, limit) {
      const member = find(name);
      if (member.deflated) checkSize(member, limit);
      const data = member.deflated
        ? bytesOf(inflate(source.read(member.offset, member.stored), member))
        : windowOf(source, member.offset, member.size);
      checkSum(member, data);
      return data;
    },
  };
}

interface End {
  count: number;
  offset: number;
  size: number;
}

function readEnd(source: ByteSource): End {
  const at = source.size - endSize;
  const end = Buffer.from(at < 0 ? Buffer.alloc(endSize) : source.read(at, endSize));
  if (end.readUInt32LE() !== 0x06_05_4b_50 || end.readUInt16LE(20) !== 0) {
    throw new Unreadable(
      Math.max(at, 0),
      "its directory is not at its end: it is cut short, or something follows it",
    );
  }
  const short = { count: end.readUInt16LE(10), offset: end.readUInt32LE(16), size: end.readUInt32LE(12) };
  if (end.readUInt32LE(4) !== 0 || end.readUInt16LE(8) !== short.count) {
    throw new Unreadable(at, "it is split over several files");
  }
  const long = readEnd64(source, at);
  if (long !== null) {
    const agree = (wide: number, narrow: number, most: number): boolean => narrow === most || wide === narrow;
    const same =
      agree(long.count, short.count, 0xffff) &&
      agree(long.offset, short.offset, 0xff_ff_ff_ff) &&
      agree(long.size, short.size, 0xff_ff_ff_ff);
    if (!same) throw new Unreadable(at, "it ends in two directories that differ");
    return long;
  }
  if (short.offset + short.size !== at) throw new Unreadable(at, "its directory is not where it says");
  return short;
}

/** The end in 64 bits, which stands before the short one; null where there is none. */
function readEnd64(source: ByteSource, shortAt: number): End | null {
  const at = shortAt - locatorSize - end64Size;
  if (shortAt < locatorSize) return null;
  const locator = Buffer.from(source.read(shortAt - locatorSize, locatorSize));
  if (locator.readUInt32LE() !== 0x07_06_4b_50) return null;
  const end = Buffer.from(at < 0 ? Buffer.alloc(end64Size) : source.read(at, end64Size));
  const [count, size, offset] = [32, 40, 48].map((from) => Number(end.readBigUInt64LE(from)));
  const plain =
    end.readUInt32LE() === 0x06_06_4b_50 &&
    end.readBigUInt64LE(4) === BigInt(end64Size - 12) &&
    end.readBigUInt64LE(16) === 0n &&
    Number(end.readBigUInt64LE(24)) === count &&
    locator.readUInt32LE(4) === 0 &&
    Number(locator.readBigUInt64LE(8)) === at &&
    locator.readUInt32LE(16) === 1;
  if (!plain || count === undefined || size === undefined || offset === undefined || offset + size !== at) {
    throw new Unreadable(Math.max(at, 0), "its directory is not where it says");
  }
  return { count, size, offset };
}

function checkSize({ name, size, offset }: Member, limit: number): void {
  if (size > limit) throw new Unreadable(offset, `its member ${quote(name)} is too large`);
}

function checkSum({ name, size, crc, offset }: Member, data: ByteSource): void {
  let sum = 0;
  for (let at = 0; at < data.size; at += chunkSize) {
    sum = crc32(data.read(at, Math.min(chunkSize, data.size - at)), sum);
  }
  if (data.size !== size || sum !== crc) throw new Unreadable(offset, `its member ${quote(name)} is damaged`);
}

function inflate(raw: Buffer, member: Member): Buffer {
  try {
    const { buffer, engine } = inflated.parse(
      inflateRawSync(raw, { maxOutputLength: Math.max(member.size, 1), info: true }),
    );
    // Readers differ on what to do with bytes that the stream itself does not need.
    if (engine.bytesWritten === raw.length) return buffer;
  } catch (error) {
    if (error instanceof z.ZodError) throw error;
  }
  throw new Unreadable(member.offset, "a member's compressed data are damaged");
}
