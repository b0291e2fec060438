// Groups of HDF5: the members that a symbol table or the messages of a header name.
import { Unreadable } from "../unreadable.ts";
import { nowhere, placeAt, type Message } from "./messages.ts";
import type { ByteSource } from "../bytes.ts";

/** A member of a group: where its header is, or words for why it cannot be followed. */
export type Member = { name: string; address: number } | { name: string; elsewhere: string };

const deepest = 64;
const mostMembers = 1_000_000;

/** Members that a group of the old kind names: a B-tree of nodes, with the names in a heap. */
export function symbolTable(source: ByteSource, { data, offset }: Message): Member[] {
  const tree = placeAt(source, data, 0, offset);
  const heap = placeAt(source, data, 8, offset);
  const head = source.read(heap, 32);
  if (head.toString("latin1", 0, 4) !== "HEAP") throw new Unreadable(heap, "a group has no names");
  const size = placeAt(source, head, 8, heap);
  const names = { start: placeAt(source, head, 24, heap), size };
  const members: Member[] = [];
  walkTree(source, tree, deepest, (node) => readNode(source, node, names, members));
  return members;
}

function walkTree(source: ByteSource, address: number, depth: number, leaf: (at: number) => void): void {
  const head = Buffer.from(source.read(address, 24));
  if (head.toString("latin1", 0, 4) !== "TREE" || head[4] !== 0)
    throw new Unreadable(address, "a group's tree is damaged");
  if (depth === 0) throw new Unreadable(address, "a group's tree is too deep");
  const [level, count] = [head[5] ?? 0, head.readUInt16LE(6)];
  // Keys and children take turns, a key first.
  const children = Buffer.from(source.read(address + 24, count * 16));
  for (let index = 0; index < count; index += 1) {
    const child = placeAt(source, children, index * 16 + 8, address);
    if (level === 0) leaf(child);
    else walkTree(source, child, Math.min(depth - 1, level), leaf);
  }
}

function readNode(
  source: ByteSource,
  address: number,
  names: { start: number; size: number },
  members: Member[],
): void {
  const head = source.read(address, 8);
  if (head.toString("latin1", 0, 4) !== "SNOD") throw new Unreadable(address, "a group's node is damaged");
  const count = head.readUInt16LE(6);
  const entries = Buffer.from(source.read(address + 8, count * 40));
  for (let at = 0; at < entries.length; at += 40) {
    const name = textAt(source, names, placeAt(source, entries, at, address));
    if (members.length >= mostMembers) throw new Unreadable(address, "a group has too many members");
    if (entries.readUInt32LE(at + 16) === 2) members.push({ name, elsewhere: "is a link" });
    else members.push({ name, address: placeAt(source, entries, at + 8, address) });
  }
}

function textAt(source: ByteSource, { start, size }: { start: number; size: number }, at: number): string {
  if (at >= size) throw new Unreadable(start, "a name lies outside its heap");
  const bytes = source.read(start + at, Math.min(size - at, 1 << 16));
  const end = bytes.indexOf(0);
  if (end < 0) throw new Unreadable(start + at, "a name has no end");
  return bytes.toString("utf8", 0, end);
}

/** A group of the new kind keeps its members in its header, or, when there are many, in a heap. */
export function checkLinkInfo({ data, offset }: Message): void {
  const at = ((data[1] ?? 0) & 1) === 0 ? 2 : 10;
  if (data.length < at + 8) throw new Unreadable(offset, "a message is cut short");
  if (data.readBigUInt64LE(at) !== nowhere)
    throw new Unreadable(
      offset,
      "a group has more members than its header holds, which Keras does not write",
    );
}

/** The member that a link message names. */
export function linkOf(source: ByteSource, { data, offset }: Message): Member {
  const flags = data[1] ?? 0;
  let at = 2;
  const kind = (flags & 8) === 0 ? 0 : (data[at++] ?? 0);
  if ((flags & 4) !== 0) at += 8;
  if ((flags & 0x10) !== 0) at += 1;
  const width = 1 << (flags & 3);
  if (width > 4 || data[0] !== 1 || at + width > data.length)
    throw new Unreadable(offset, "a link is damaged");
  const length = data.readUIntLE(at, width);
  at += width;
  if (at + length > data.length) throw new Unreadable(offset, "a link's name is cut short");
  const name = data.toString("utf8", at, at + length);
  if (kind === 0) return { name, address: placeAt(source, data, at + length, offset) };
  return { name, elsewhere: kind === 64 ? "lies in another file" : "is a link" };
}
