// A zip's directory and the headers of its members, read so that every unzipper would see the same.
// Source: PKWARE's APPNOTE 6.3, sections 4.3 and 4.4.
import { quote } from "./reading.ts";
import { Unreadable } from "./unreadable.ts";
import type { ByteSource } from "./bytes.ts";

/** Where a member lies and what its directory entry promises. Sizes in bytes. */
export interface Member {
  name: string;
  /** Offset of its own header, and of its data. */
  header: number;
  offset: number;
  stored: number;
  size: number;
  crc: number;
  deflated: boolean;
}

const centralSize = 46;
const localSize = 30;
const unknown32 = 0xff_ff_ff_ff;
/** How hard it was compressed (two bits), sizes behind the data, names in UTF-8. Any other is refused. */
const knownFlags = 0x0006 | 0x0008 | 0x0800;
const sizesBehind = 0x0008;
/** Zip64 sizes, times, owners, PyTorch's padding: none of them changes what a member is or is called. */
const harmlessFields = new Set([0x0001, 0x000a, 0x4246, 0x5455, 0x5855, 0x7855, 0x7875, 0xcafe]);
const mostMembers = 100_000;

/** The entry of one member and where the next begins. */
export function readCentral(source: ByteSource, at: number): { member: Member; next: number } {
  const header = source.read(at, centralSize);
  if (header.readUInt32LE() !== 0x02_01_4b_50) throw new Unreadable(at, "its directory is damaged");
  const central = Buffer.from(header);
  const [nameLength, extraLength, commentLength] = [28, 30, 32].map((from) => central.readUInt16LE(from));
  const name = Buffer.from(source.read(at + centralSize, nameLength ?? 0));
  const extra = fieldsOf(source, at + centralSize + name.length, extraLength ?? 0);
  if (commentLength !== 0 || central.readUInt16LE(34) !== 0) {
    throw new Unreadable(at, "a member has a comment or lies in another file");
  }
  const text = nameOf(name, central.readUInt16LE(8), at);
  const wide = new Wide(extra.get(0x0001) ?? null, at);
  const size = wide.or32(central.readUInt32LE(24));
  const stored = wide.or32(central.readUInt32LE(20));
  const local = wide.or32(central.readUInt32LE(42));
  const method = central.readUInt16LE(10);
  if (method !== 0 && method !== 8) throw new Unreadable(at, "a member is compressed in an unusual way");
  if (method === 0 && stored !== size) throw new Unreadable(at, "a stored member has two different sizes");
  const crc = central.readUInt32LE(16);
  const promised = { name: text, header: local, stored, size, crc, deflated: method === 8 };
  const member = { ...promised, offset: readLocal(source, central, name, promised) };
  return { member, next: at + centralSize + name.length + (extraLength ?? 0) };
}

/** @throws Unreadable for more members than any model has. */
export function checkCount(count: number, at: number): void {
  if (count > mostMembers) throw new Unreadable(at, `it has more than ${mostMembers} members`);
}

/**
 * Where the bytes of a member end, with the sizes that may follow its data.
 * @throws Unreadable unless that is exactly where the next one begins.
 */
export function checkEnd(source: ByteSource, member: Member, next: number): void {
  const end = member.offset + member.stored;
  const behind = (source.read(member.header + 6, 2).readUInt16LE() & sizesBehind) !== 0;
  if (!behind && end === next) return;
  const gap = next - end;
  const told = behind && (gap === 16 || gap === 24) ? source.read(end, gap) : null;
  const wide = gap === 24;
  const agrees =
    told !== null &&
    told.readUInt32LE() === 0x08_07_4b_50 &&
    told.readUInt32LE(4) === member.crc &&
    (wide ? Number(told.readBigUInt64LE(8)) : told.readUInt32LE(8)) === member.stored &&
    (wide ? Number(told.readBigUInt64LE(16)) : told.readUInt32LE(12)) === member.size;
  if (!agrees) throw new Unreadable(end, "its members do not follow each other");
}

/** Compares a member's own header with its directory entry; returns where its data begin. */
function readLocal(
  source: ByteSource,
  central: Buffer,
  name: Buffer,
  member: Omit<Member, "offset">,
): number {
  const at = member.header;
  const local = Buffer.from(source.read(at, localSize));
  if (local.readUInt32LE() !== 0x04_03_4b_50) throw new Unreadable(at, "a member has no header");
  // Flags, method, time and date.
  const flags = local.readUInt16LE(6);
  if (!local.subarray(6, 14).equals(central.subarray(8, 16)) || local.readUInt16LE(26) !== name.length) {
    throw new Unreadable(at, "a member's header differs from the directory");
  }
  if ((flags & ~knownFlags) !== 0) throw new Unreadable(at, "a member is encrypted or patched");
  if (!Buffer.from(source.read(at + localSize, name.length)).equals(name)) {
    throw new Unreadable(at, "a member is called differently in its header and in the directory");
  }
  const extraLength = local.readUInt16LE(28);
  const extra = fieldsOf(source, at + localSize + name.length, extraLength);
  const wide = new Wide(extra.get(0x0001) ?? null, at);
  const told = [local.readUInt32LE(14), wide.or32(local.readUInt32LE(22)), wide.or32(local.readUInt32LE(18))];
  const same = told[0] === member.crc && told[1] === member.size && told[2] === member.stored;
  const later = (flags & sizesBehind) !== 0 && told.every((value) => value === 0);
  if (!same && !later) throw new Unreadable(at, "a member's header differs from the directory");
  return at + localSize + name.length + extraLength;
}

/** Sizes of 64 bits, which stand in an extra field in the order in which the short ones give way. */
class Wide {
  readonly #field: Buffer | null;
  readonly #at: number;
  #used = 0;

  constructor(field: Buffer | null, at: number) {
    this.#field = field;
    this.#at = at;
  }

  or32(short: number): number {
    if (short !== unknown32) return short;
    const field = this.#field;
    if (field === null || field.length < this.#used + 8) throw new Unreadable(this.#at, "a size is missing");
    const value = field.readBigUInt64LE(this.#used);
    this.#used += 8;
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new Unreadable(this.#at, "a size is impossible");
    return Number(value);
  }
}

/** Extra fields by their number. Some would give the member another name: only harmless ones pass. */
function fieldsOf(source: ByteSource, at: number, length: number): Map<number, Buffer> {
  const bytes = Buffer.from(source.read(at, length));
  const fields = new Map<number, Buffer>();
  let position = 0;
  while (position + 4 <= length) {
    const id = bytes.readUInt16LE(position);
    const end = position + 4 + bytes.readUInt16LE(position + 2);
    if (!harmlessFields.has(id) || fields.has(id) || end > length) {
      throw new Unreadable(at + position, "a member has an extra field that is not known to be harmless");
    }
    fields.set(id, bytes.subarray(position + 4, end));
    position = end;
  }
  if (position !== length) throw new Unreadable(at + position, "a member's extra fields are cut short");
  return fields;
}

/** The name as all readers decode it. @throws Unreadable for one that leaves the archive or hides. */
function nameOf(bytes: Buffer, flags: number, at: number): string {
  const name = bytes.toString("utf8");
  const plain = bytes.every((byte) => byte < 128);
  if (!plain && ((flags & 0x0800) === 0 || !Buffer.from(name, "utf8").equals(bytes))) {
    throw new Unreadable(at, "a member's name is not in UTF-8, or does not say so");
  }
  const parts = name.replace(/\/$/, "").split("/");
  const odd = parts.some((part) => part === "" || part === "." || part === "..");
  if (odd || bytes.some((byte) => byte < 32 || byte === 127 || byte === 0x5c)) {
    throw new Unreadable(at, `a member is called ${quote(name)}, which no path inside an archive is`);
  }
  return name;
}
