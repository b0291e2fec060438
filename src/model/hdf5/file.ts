// Walks an HDF5 file as far as is needed to know that it reads nothing but itself. Fails closed: what
// Keras does not write is refused, whatever HDF5 allows. Layout: the HDF5 File Format Specification 3.0.
import { quote } from "../reading.ts";
import { Unreadable } from "../unreadable.ts";
import { attributeOf } from "./attributes.ts";
import { checkLinkInfo, linkOf, symbolTable, type Member } from "./groups.ts";
import { messagesOf, nowhere, placeAt, type Message } from "./messages.ts";
import type { ByteSource } from "../bytes.ts";

/** Why a file is not to be opened. */
interface Escape {
  offset: number;
  rule: "external-data" | "filter";
  message: string;
}

/** What a walk over a file gives. */
export interface Hdf5 {
  /** Attributes of the root group that hold one text. */
  attributes: Map<string, string>;
  escapes: Escape[];
}

const hdf5Mark = "\x89HDF\r\n\x1A\n";

const mostObjects = 1_000_000;
/** Deflate, shuffle and Fletcher's checksum; HDF5 looks for the code of others on the disk. */
const ownFilters = new Set([1, 2, 3]);

const kinds = {
  nothing: 0,
  space: 1,
  linkInfo: 2,
  type: 3,
  oldFill: 4,
  fill: 5,
  link: 6,
  external: 7,
  layout: 8,
  groupInfo: 10,
  filters: 11,
  attribute: 12,
  comment: 13,
  oldTime: 14,
  symbols: 17,
  time: 18,
  attributeInfo: 21,
  references: 22,
} as const;
const known: ReadonlySet<number> = new Set(Object.values(kinds));

/** Reads every group and every data set's header. @throws Unreadable for what Keras does not write. */
export function readHdf5(source: ByteSource): Hdf5 {
  const found: Hdf5 = { attributes: new Map(), escapes: [] };
  const root = rootOf(source);
  const open = [{ address: root, path: "" }];
  const seen = new Set<number>();
  for (let object = open.pop(); object !== undefined; object = open.pop()) {
    if (seen.has(object.address)) continue;
    seen.add(object.address);
    if (seen.size > mostObjects) throw new Unreadable(object.address, "it holds too many objects");
    for (const message of messagesOf(source, object.address)) {
      for (const member of read(source, message, found, object)) {
        const path = `${object.path}/${member.name}`;
        if ("address" in member) open.push({ address: member.address, path });
        else escape(found, message, "external-data", `its member ${quote(path)} ${member.elsewhere}`);
      }
      if (object.address === root && message.type === kinds.attribute) keepText(source, message, found);
    }
  }
  return found;
}

function rootOf(source: ByteSource): number {
  const head = Buffer.from(source.read(0, Math.min(source.size, 96)));
  if (head.toString("latin1", 0, 8) !== hdf5Mark) throw new Unreadable(0, "it is no HDF5 file");
  const version = head[8] ?? 255;
  const [sizes, base] = version < 2 ? [head.subarray(13, 15), 24 + 4 * version] : [head.subarray(9, 11), 12];
  if (version > 3 || sizes[0] !== 8 || sizes[1] !== 8 || head.length < base + 40)
    throw new Unreadable(8, "its HDF5 version is not one that Keras writes");
  if (head.readBigUInt64LE(base) !== 0n) throw new Unreadable(base, "it does not begin where it says");
  if (placeAt(source, head, base + 16, base) > source.size) throw new Unreadable(base, "it is cut short");
  // Version 0 and 1: free space, end, driver, then the root's entry; 2 and 3: extension, end, root.
  const foreign = head.readBigUInt64LE(base + (version < 2 ? 24 : 8));
  if (foreign !== nowhere) throw new Unreadable(base, "it needs a driver or an extension of HDF5");
  return placeAt(source, head, base + (version < 2 ? 40 : 24), base);
}

function read(source: ByteSource, message: Message, found: Hdf5, { path }: { path: string }): Member[] {
  const { type, data, offset } = message;
  if (!known.has(type)) throw new Unreadable(offset, `it holds a message of kind ${type}`);
  const where = quote(path === "" ? "/" : path);
  if (type === kinds.external)
    escape(found, message, "external-data", `the data of ${where} lie in another file`);
  if (type === kinds.layout) checkLayout(message, found, where);
  if (type === kinds.filters) checkFilters(message, found, where);
  if (type === kinds.attributeInfo) checkAttributeInfo(data, offset);
  if (type === kinds.linkInfo) checkLinkInfo(message);
  if (type === kinds.symbols) return symbolTable(source, message);
  return type === kinds.link ? [linkOf(source, message)] : [];
}

/** Versions 1 and 2 have the class in their third byte, 3 and later in their second. */
function checkLayout(message: Message, found: Hdf5, where: string): void {
  const [version = 0, second = 255, third = 255] = message.data;
  const kind = version < 3 ? third : second;
  if (version < 1 || version > 5 || kind > 3) throw new Unreadable(message.offset, "data are laid out oddly");
  if (kind === 3)
    escape(found, message, "external-data", `the data of ${where} are put together from others`);
}

function checkFilters(message: Message, found: Hdf5, where: string): void {
  const { data, offset } = message;
  const [version = 0, count = 0] = data;
  let at = version === 1 ? 8 : 2;
  for (let index = 0; index < count; index += 1) {
    if (at + (version === 1 ? 8 : 6) > data.length) throw new Unreadable(offset, "a message is cut short");
    const filter = data.readUInt16LE(at);
    if (!ownFilters.has(filter)) {
      escape(found, message, "filter", `${where} is packed with filter ${filter}, which may load code`);
      return;
    }
    // Known filters of version 2 have no name; those of version 1 may have one, filled up to 8 bytes.
    const named = version === 1 ? data.readUInt16LE(at + 2) : 0;
    const values = data.readUInt16LE(at + (version === 1 ? 6 : 4));
    at += (version === 1 ? 8 : 6) + Math.ceil(named / 8) * 8 + values * 4;
    if (version === 1 && values % 2 === 1) at += 4;
  }
}

function checkAttributeInfo(data: Buffer, offset: number): void {
  const at = ((data[1] ?? 0) & 1) === 0 ? 2 : 4;
  if (data.length < at + 8) throw new Unreadable(offset, "a message is cut short");
  if (data.readBigUInt64LE(at) !== nowhere)
    throw new Unreadable(offset, "an object has more attributes than its header holds");
}

function keepText(source: ByteSource, message: Message, found: Hdf5): void {
  const { name, text } = attributeOf(source, message);
  if (found.attributes.has(name)) throw new Unreadable(message.offset, "an attribute is there twice");
  if (text !== null) found.attributes.set(name, text);
}

function escape(found: Hdf5, { offset }: Message, rule: Escape["rule"], message: string): void {
  if (found.escapes.length < 200) found.escapes.push({ offset, rule, message });
}
