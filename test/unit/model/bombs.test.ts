// Files that are small and ask for much: reading them ends, and says why.
// Every stream is inert: it is built here, opcode by opcode, and never loaded.
import { deflateSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { MlshipError } from "../../../src/errors.ts";
import { bytesOf } from "../../../src/model/bytes.ts";
import { compressionOf, decompress } from "../../../src/model/decompress.ts";
import { found, longBytes } from "./bypass.ts";
import { int, pickle, proto, stackGlobal, text, wrapped } from "./pickles.ts";

describe("12: bombs end in time", { timeout: 60_000 }, () => {
  const within = (stream: Buffer): string[] => {
    const before = process.memoryUsage().rss;
    const rules = found(stream);
    expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(1_500);
    return rules;
  };
  const repeat = (part: string | Buffer, times: number): Buffer => {
    const bytes = pickle(part);
    return Buffer.alloc(bytes.length * times, bytes);
  };

  test("lists that hold each other twice, fifty deep", () => {
    expect(within(pickle(proto(4), "]", repeat("]2\x94(h\0h\0e", 50), ".")).length).toBeGreaterThan(0);
  });

  test("marks without end, containers without end", () => {
    expect(within(pickle(proto(4), repeat("(", 5_500_000), ".")).length).toBeGreaterThan(0);
    expect(within(pickle(proto(4), repeat("}\x940", 3_000_000), "N."))).toEqual(["bomb"]);
  });

  test("one long list copied again and again", () => {
    const long = pickle("(", repeat("N", 200_000), "l\x94");
    const copy = pickle(stackGlobal("builtins", "set"), "h\0\x85R0");
    expect(within(pickle(proto(4), long, repeat(copy, 20_000), "."))).toEqual(["bomb"]);
  });

  test("one long dict copied, and given as a state again and again", () => {
    const long = pickle("}(", ...Array.from({ length: 50_000 }, (_, at) => pickle(int(at), "N")), "u\x94");
    const copy = pickle(stackGlobal("collections", "OrderedDict"), "h\0\x85R0");
    expect(within(pickle(proto(4), long, repeat(copy, 20_000), "."))).toEqual(["bomb"]);
  });

  test("one long text as a module again and again", () => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(8_000_000);
    const long = pickle("X", length, Buffer.alloc(8_000_000, "a"), "\x94");
    expect(
      within(pickle(proto(4), long, repeat(pickle("h\0", text("b"), "\x930"), 50_000), ".")).length,
    ).toBeGreaterThan(0);
  });

  test("tuples of tuples of tuples as keys", () => {
    const wide = pickle(
      "(",
      repeat("N", 60),
      "t\x94",
      "(",
      repeat("h\0", 60),
      "t\x94",
      "(",
      repeat("h\x01", 60),
      "t\x94",
    );
    expect(within(pickle(proto(4), wide, "}", repeat("h\x02Ns", 100_000), ".")).length).toBeGreaterThan(0);
  });

  test.each<[string, Buffer]>([
    ["a text of 4 GB", pickle(proto(4), "X\xff\xff\xff\xffa.")],
    ["bytes of 2^64", pickle(proto(4), "\x8e", Buffer.alloc(8, 0xff), "a.")],
    ["an integer of 2 GB", pickle(proto(4), "\x8b\xff\xff\xff\x7f\x01.")],
    ["an integer of 4 GB in the negative", pickle(proto(4), "\x8b\xff\xff\xff\xff\x01.")],
    ["an integer line of a million digits", pickle("I", Buffer.alloc(1_000_000, "9"), "\n.")],
    ["an array of 2^60 zeros", pickle(proto(4), wrapped("f8", 2 ** 31 - 1, 0, Buffer.alloc(8)), ".")],
    [
      "a bytearray by its length",
      pickle(proto(4), stackGlobal("builtins", "bytearray"), int(2 ** 31 - 1), "\x85R."),
    ],
  ])("%s", (_name, stream) => {
    expect(within(stream).length).toBeGreaterThan(0);
  });

  test("compressed zeros, in a file and in a byte string", () => {
    const bomb = gzipSync(Buffer.alloc(3_000_000));
    const head = bomb.subarray(0, 16);
    expect(() => decompress(bytesOf(bomb), compressionOf(head) ?? "gzip", "m", 1_000_000)).toThrow(
      MlshipError,
    );
    const nested = deflateSync(deflateSync(Buffer.alloc(50_000_000)));
    expect(
      within(pickle(proto(4), ...Array.from({ length: 100 }, () => pickle(longBytes(nested), "0")), "N.")),
    ).toEqual(expect.arrayContaining(["archive"]));
  });
});
