// The arguments that protocol 0 writes as lines of text, read more strictly than Python does.
import { Opaque, type Value } from "./values.ts";
import { Unreadable } from "../unreadable.ts";

/** `I` and `L`: decimal, with `00` and `01` for truth values and an `L` at the end of long ones. */
export function parseIntLine(line: string, offset: number): Value {
  if (line === "00" || line === "01") return line === "01";
  const [, digits] = /^([+-]?\d{1,4000})L?$/.exec(line) ?? [];
  if (digits === undefined) throw new Unreadable(offset, "a line is not an integer");
  const value = Number(digits);
  return Number.isSafeInteger(value) ? value : BigInt(digits);
}

/** `F`: what Python's repr of a float gives. */
export function parseFloatLine(line: string, offset: number): number {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(line)) return Number(line);
  const special = new Map([
    ["inf", Infinity],
    ["-inf", -Infinity],
    ["nan", Number.NaN],
  ]).get(line);
  if (special === undefined) throw new Unreadable(offset, "a line is not a number");
  return special;
}

/** `S`: a quoted Python 2 text. One with escapes is not known here, and so cannot name a global. */
export function parseQuotedLine(line: string, offset: number): Value {
  const quoted = /^(['"])([\u0020-\u007E]*)\1$/.exec(line);
  const inner = quoted?.[2];
  if (inner === undefined) throw new Unreadable(offset, "a text lacks its quotes");
  return inner.includes("\\") ? new Opaque(false) : inner;
}

/** `V`: text in Python's raw-unicode-escape, where only `\\u` and `\\U` escape anything. */
export function parseUnicodeLine(line: string, offset: number): Value {
  // A backslash that another one precedes begins nothing.
  return line.replaceAll(
    /\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|[^])/g,
    (all, short?: string, long?: string) => {
      const digits = short ?? long;
      if (digits === undefined) return all;
      const point = Number.parseInt(digits, 16);
      if (!(point <= 0x10_ff_ff)) throw new Unreadable(offset, "a text has an escape for no character");
      return String.fromCodePoint(point);
    },
  );
}

/** `p` and `g`: a memo key. */
export function parseKeyLine(line: string, offset: number): number {
  if (!/^\d{1,15}$/.test(line)) throw new Unreadable(offset, "a memo key is not a number");
  return Number(line);
}
