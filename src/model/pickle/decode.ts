// Cuts a pickle into instructions, as strictly as the strictest unpickler would.
import { opcodes, type ArgumentKind, type Opcode } from "./opcodes.ts";
import { PyBytes } from "./values.ts";
import { Unreadable } from "../unreadable.ts";
import type { ByteSource } from "../bytes.ts";

/** One opcode with its argument; `offset` is the byte of the opcode in the file. */
export interface Instruction {
  op: Opcode;
  offset: number;
  argument: Argument;
}

export type Argument = null | number | bigint | string | PyBytes | readonly [string, string];

const longestInteger = 1 << 12;
const longestText = 1 << 26;

/** Reads instructions from `position` on. */
export class Decoder {
  readonly source: ByteSource;
  position: number;
  /** End of the frame that is open. Opcodes must not straddle it: unpicklers differ there. */
  #frameEnd: number | null = null;
  #opcode = 0;

  constructor(source: ByteSource, position: number) {
    this.source = source;
    this.position = position;
  }

  /** @throws Unreadable for an unknown opcode, a cut argument or an opcode that straddles its frame. */
  next(): Instruction {
    this.#opcode = this.position;
    const byte = this.#take(1)[0] ?? 0;
    const known = opcodes.get(byte);
    if (known === undefined) {
      throw new Unreadable(this.#opcode, `0x${byte.toString(16).padStart(2, "0")} is no pickle opcode`);
    }
    const argument = this.#argument(known.argument);
    if (this.#frameEnd !== null && known.argument !== "frame") {
      if (this.position > this.#frameEnd) throw new Unreadable(this.#opcode, "an opcode straddles its frame");
      if (this.position === this.#frameEnd) this.#frameEnd = null;
    }
    return { op: known.name, offset: this.#opcode, argument };
  }

  /** @throws Unreadable unless the position is at the end of a frame or outside of any. */
  leaveFrame(): void {
    if (this.#frameEnd !== null)
      throw new Unreadable(this.#opcode, "a frame goes on where it must have ended");
  }

  /** Steps over bytes that are no instructions. */
  skip(length: number): PyBytes {
    if (this.position + length > this.source.size) {
      throw new Unreadable(
        this.position,
        `${length} bytes of array data are promised, but the file is shorter`,
      );
    }
    const bytes = new PyBytes(this.source, this.position, length);
    this.position += length;
    return bytes;
  }

  #take(length: number): Buffer {
    const bytes = this.source.read(this.position, length);
    this.position += length;
    return bytes;
  }

  #argument(kind: ArgumentKind): Argument {
    switch (kind) {
      case "none":
        return null;
      case "line":
        return this.#line().toString("utf8");
      case "latin1":
        return this.#line().toString("latin1");
      case "lines":
        return [this.#line().toString("utf8"), this.#line().toString("utf8")];
      case "byte":
        return this.#take(1).readUInt8();
      case "uint16":
        return this.#take(2).readUInt16LE();
      case "int32":
        return this.#take(4).readInt32LE();
      case "uint32":
        return this.#take(4).readUInt32LE();
      case "float64":
        return this.#take(8).readDoubleBE();
      case "frame":
        return this.#frame();
      case "long8":
      case "long32":
        return this.#integer(this.#length(kind));
      case "bytes8":
      case "bytes32":
      case "bytes64":
        return this.skip(this.#length(kind));
      case "text8":
      case "text32":
      case "text64":
        return this.#text(this.#length(kind)).toString("utf8");
      default:
        return this.#ascii(this.#length(kind));
    }
  }

  #length(kind: ArgumentKind): number {
    if (kind.endsWith("8")) return this.#take(1).readUInt8();
    if (kind.endsWith("32")) return this.#take(4).readUInt32LE();
    const length = this.#take(8).readBigUInt64LE();
    if (length > BigInt(this.source.size)) throw new Unreadable(this.#opcode, "a length exceeds the file");
    return Number(length);
  }

  #frame(): number {
    if (this.#frameEnd !== null) throw new Unreadable(this.#opcode, "a frame begins inside another");
    const length = this.#take(8).readBigUInt64LE();
    if (length === 0n || length > BigInt(this.source.size - this.position)) {
      throw new Unreadable(this.#opcode, "a frame is empty or longer than the file");
    }
    this.#frameEnd = this.position + Number(length);
    return Number(length);
  }

  #line(): Buffer {
    const start = this.position;
    for (let chunk = 256; chunk <= longestText; chunk *= 4) {
      const bytes = this.source.read(start, Math.min(chunk, this.source.size - start));
      const end = bytes.indexOf(0x0a);
      if (end >= 0) {
        this.position = start + end + 1;
        return bytes.subarray(0, end);
      }
      if (bytes.length < chunk) break;
    }
    throw new Unreadable(this.#opcode, "a line of text has no end");
  }

  #text(length: number): Buffer {
    if (length > longestText) throw new Unreadable(this.#opcode, "a text is longer than 64 MiB");
    return this.#take(length);
  }

  #ascii(length: number): string {
    const bytes = this.#text(length);
    if (bytes.some((byte) => byte > 127)) throw new Unreadable(this.#opcode, "a Python 2 text is not ASCII");
    return bytes.toString("latin1");
  }

  #integer(length: number): number | bigint {
    if (length > longestInteger) throw new Unreadable(this.#opcode, "an integer is longer than 4096 bytes");
    const bytes = Buffer.from(this.#take(length).toReversed());
    if (bytes.length === 0) return 0;
    const value = BigInt.asIntN(length * 8, BigInt(`0x${bytes.toString("hex")}`));
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }
}
