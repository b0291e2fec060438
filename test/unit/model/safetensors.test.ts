// safetensors: what is read from a header, and every way in which it may contradict itself.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesOf } from "../../../src/model/bytes.ts";
import { looksLikeSafetensors, readSafetensors } from "../../../src/model/formats/safetensors.ts";
import { Unreadable } from "../../../src/model/unreadable.ts";

const file = (header: string, data: number, size?: bigint): Buffer => {
  const text = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(size ?? BigInt(text.length));
  return Buffer.concat([length, text, Buffer.alloc(data)]);
};
const read = (bytes: Buffer) => readSafetensors(bytesOf(bytes));
const tensor = (dtype: string, shape: number[], from: number, to: number) =>
  JSON.stringify({ dtype, shape, data_offsets: [from, to] });

test("tensors are told in the order in which they lie, with the metadata", () => {
  const header = `{"__metadata__":{"format":"pt"},"b":${tensor("F32", [2], 8, 16)},"a":${tensor("BF16", [2, 2], 0, 8)},"e":${tensor("I64", [0], 8, 8)}}   `;
  const found = read(file(header, 16));
  expect(found.tensors.map(({ name, size }) => [name, size])).toEqual([
    ["a", 8],
    ["e", 0],
    ["b", 8],
  ]);
  expect(found.metadata).toEqual(new Map([["format", "pt"]]));
  expect(looksLikeSafetensors(bytesOf(file(header, 16)))).toBe(true);
  expect(read(file(`{"__proto__":${tensor("U8", [1], 0, 1)}}`, 1)).tensors[0]?.name).toBe("__proto__");
  expect(read(file("{}", 0)).tensors).toEqual([]);
});

describe("refused", () => {
  const a = tensor("F32", [1], 0, 4);
  test.each<[string, Buffer, RegExp]>([
    ["a header of 2^63 bytes", file("{}", 0, 2n ** 63n), /impossible size/],
    ["a header of more than 100 MB", file("{}", 0, 100_000_001n), /impossible size/],
    ["a header longer than the file", file("{}", 0, 90n), /promised/],
    ["no header", Buffer.alloc(8), /impossible size/],
    ["nothing", Buffer.alloc(0), /promised/],
    ["a header that is a list", file("[]", 0), /begin with an object/],
    ["a header that is cut", file(`{"a":${a}`, 4), /not JSON/],
    ["a header that is not UTF-8", Buffer.concat([file("{}", 0, 4n), Buffer.from([0xff, 0x7d])]), /UTF-8/],
    ["one tensor twice", file(`{"a":${a},"a":${tensor("U8", [4], 0, 4)}}`, 4), /two members/],
    ["one tensor twice, spelt in two ways", file(`{"a":${a},"\\u0061":${a}}`, 4), /two members/],
    [
      "offsets twice",
      file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,9],"data_offsets":[0,1]}}`, 1),
      /two members/,
    ],
    [
      "an unknown member",
      file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"file":"/x"}}`, 1),
      /odd/,
    ],
    ["an unknown dtype", file(`{"a":${tensor("OBJECT", [1], 0, 8)}}`, 8), /unknown dtype/],
    ["a length that does not fit", file(`{"a":${tensor("F32", [2], 0, 4)}}`, 4), /does not follow/],
    [
      "a shape that overflows",
      file(`{"a":${tensor("F32", [2 ** 40, 2 ** 40], 0, 4)}}`, 4),
      /does not follow/,
    ],
    ["half a byte", file(`{"a":${tensor("F4", [3], 0, 1)}}`, 1), /does not follow/],
    ["a negative size", file(`{"a":${tensor("F32", [-1], 0, 4)}}`, 4), /odd/],
    ["offsets backwards", file(`{"a":${tensor("U8", [1], 1, 0)}}`, 1), /does not follow/],
    ["tensors that overlap", file(`{"a":${a},"b":${tensor("F32", [1], 2, 6)}}`, 6), /overlaps/],
    ["a hole", file(`{"a":${a},"b":${tensor("F32", [1], 5, 9)}}`, 9), /hole/],
    ["a hole at the start", file(`{"a":${tensor("F32", [1], 1, 5)}}`, 5), /hole/],
    ["a tensor past the end", file(`{"a":${a}}`, 3), /cut short/],
    ["bytes behind the tensors", file(`{"a":${a}}`, 5), /follows/],
    ["metadata of numbers", file(`{"__metadata__":{"a":1}}`, 0), /more than texts/],
    ["metadata that is a list", file(`{"__metadata__":[]}`, 0), /no object/],
    [
      "a header nested without end",
      file(`{"a":${"[".repeat(9999)}${"]".repeat(9999)}}`, 0),
      /nested too deeply/,
    ],
  ])("%s", (_name, bytes, why) => {
    expect(() => read(bytes)).toThrow(Unreadable);
    expect(() => read(bytes)).toThrow(why);
  });
});

test("any edit of a file gives tensors that lie inside it, or one clear error", () => {
  const whole = file(`{"a":${tensor("F32", [1, 2], 0, 8)},"b":${tensor("U8", [3], 8, 11)}}`, 11);
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, to) => {
      const bytes = Buffer.from(whole);
      bytes[at] = to;
      try {
        const { tensors } = read(bytes);
        expect(tensors.every(({ offset, size }) => offset + size <= bytes.length)).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(Unreadable);
      }
    }),
    { numRuns: 500 },
  );
});
