// Object headers of HDF5: the list of messages that say what a group or data set is.
import { Unreadable } from "../unreadable.ts";
import type { ByteSource } from "../bytes.ts";

/** One message. `data` is its body; `offset` where that begins in the file. */
export interface Message {
  type: number;
  offset: number;
  data: Buffer;
}

/** What HDF5 writes for an address that leads nowhere. */
export const nowhere = 0xffff_ffff_ffff_ffffn;

const mostMessages = 100_000;
/** Bytes of one block of messages. */
const largestBlock = 1 << 26;

/** An address or a size of 8 bytes. @throws Unreadable when it lies beyond the file. */
export function placeAt(source: ByteSource, data: Buffer, at: number, offset: number): number {
  if (at + 8 > data.length) throw new Unreadable(offset, "a message is cut short");
  const place = data.readBigUInt64LE(at);
  if (place > BigInt(source.size)) throw new Unreadable(offset, "an address lies beyond the end of the file");
  return Number(place);
}

/** The messages of the object whose header is at `address`, in both versions of headers. */
export function messagesOf(source: ByteSource, address: number): Message[] {
  const start = source.read(address, 16);
  return start.toString("latin1", 0, 4) === "OHDR" ? second(source, address) : first(source, address, start);
}

function first(source: ByteSource, address: number, start: Buffer): Message[] {
  if (start[0] !== 1 || start[1] !== 0) throw new Unreadable(address, "an object has no header");
  const open = [{ offset: address + 16, length: start.readUInt32LE(8) }];
  const messages: Message[] = [];
  for (let block = open.shift(); block !== undefined; block = open.shift()) {
    const bytes = readBlock(source, block.offset, block.length);
    for (let at = 0; at + 8 <= bytes.length;) {
      const [type, length] = [bytes.readUInt16LE(at), bytes.readUInt16LE(at + 2)];
      const message = cut(bytes, block.offset, { type, at: at + 8, length, flags: bytes[at + 4] ?? 0 });
      keep(source, messages, open, message);
      at += 8 + length;
    }
  }
  return messages;
}

function second(source: ByteSource, address: number): Message[] {
  const head = source.read(address, 6);
  const flags = head[5] ?? 0;
  if (head[4] !== 2) throw new Unreadable(address, "an object's header is of an unknown version");
  const widths = 6 + ((flags & 0x20) === 0 ? 0 : 16) + ((flags & 0x10) === 0 ? 0 : 4);
  const sizeBytes = 1 << (flags & 3);
  if (sizeBytes === 8) throw new Unreadable(address, "an object's header is too large");
  const size = source.read(address + widths, sizeBytes).readUIntLE(0, sizeBytes);
  const open = [{ offset: address + widths + sizeBytes, length: size }];
  const messages: Message[] = [];
  const headSize = (flags & 4) === 0 ? 4 : 6;
  let inside = false;
  for (let block = open.shift(); block !== undefined; block = open.shift()) {
    // A continued block begins with OCHK and ends with a checksum, both counted in its length.
    const offset = inside ? block.offset + 4 : block.offset;
    if (inside && source.read(block.offset, 4).toString("latin1") !== "OCHK")
      throw new Unreadable(block.offset, "a header is not continued where it says");
    const bytes = readBlock(source, offset, inside ? block.length - 8 : block.length);
    for (let at = 0; at + headSize <= bytes.length;) {
      const [type, length] = [bytes[at] ?? 0, bytes.readUInt16LE(at + 1)];
      const message = cut(bytes, offset, { type, at: at + headSize, length, flags: bytes[at + 3] ?? 0 });
      keep(source, messages, open, message);
      at += headSize + length;
    }
    inside = true;
  }
  return messages;
}

function readBlock(source: ByteSource, offset: number, length: number): Buffer {
  if (length < 0 || length > largestBlock) throw new Unreadable(offset, "a header has an impossible length");
  // A copy: the window of the source moves on when the messages are followed.
  return Buffer.from(source.read(offset, length));
}

function cut(
  bytes: Buffer,
  base: number,
  { type, at, length, flags }: { type: number; at: number; length: number; flags: number },
): Message {
  const offset = base + at;
  if (at + length > bytes.length) throw new Unreadable(offset, "a message is longer than its header");
  // Bit 1: the message lies elsewhere, and only its place is here.
  if ((flags & 2) !== 0) throw new Unreadable(offset, "it shares messages between objects");
  return { type, offset, data: bytes.subarray(at, at + length) };
}

const continuation = 0x10;

function keep(
  source: ByteSource,
  messages: Message[],
  open: { offset: number; length: number }[],
  message: Message,
): void {
  if (messages.length + open.length > mostMessages)
    throw new Unreadable(message.offset, "an object's header has no end");
  if (message.type !== continuation) {
    messages.push(message);
    return;
  }
  const { data, offset } = message;
  open.push({ offset: placeAt(source, data, 0, offset), length: placeAt(source, data, 8, offset) });
  if (open.length > 1000) throw new Unreadable(offset, "an object's header has no end");
  // It counts as a message, so that a block that continues itself comes to an end.
  messages.push({ type: 0, offset, data: Buffer.alloc(0) });
}
