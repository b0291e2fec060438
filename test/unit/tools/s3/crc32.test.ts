// The CRC32 of a whole from those of its parts.
import { crc32 } from "node:zlib";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { encodeCrc32 } from "../../../../src/tools/s3/checksum.ts";
import { combineCrc32 } from "../../../../src/tools/s3/crc32.ts";

test("is that of the bytes, however they were cut", () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 2000 }), { maxLength: 8 });
  fc.assert(
    fc.property(pieces, (parts) => {
      const combined = parts.reduce((crc, part) => combineCrc32(crc, crc32(part), part.length), 0);
      expect(combined).toBe(crc32(Buffer.concat(parts)));
    }),
  );
});

test("is right behind lengths of many GiB", () => {
  // Bytes that are 0 behind a CRC: the same as shifting by parts of them, however many there are.
  const zeros = (length: number) => {
    let crc = 0;
    for (let left = length; left > 0; left -= Math.min(left, 1 << 20)) {
      crc = crc32(Buffer.alloc(Math.min(left, 1 << 20)), crc);
    }
    return crc;
  };
  const mebi = zeros(1 << 20);
  let large = 0;
  for (let count = 0; count < 4100; count += 1) large = combineCrc32(large, mebi, 1 << 20);
  const [half, doubled] = [
    combineCrc32(0, large, 4100 * 2 ** 20),
    combineCrc32(large, large, 4100 * 2 ** 20),
  ];
  expect(half).toBe(large);
  let again = large;
  for (let count = 0; count < 4100; count += 1) again = combineCrc32(again, mebi, 1 << 20);
  expect(doubled).toBe(again);
});

test("is written as S3 writes it", () => {
  expect(encodeCrc32(crc32("123456789"))).toBe("y/Q5Jg==");
  expect(encodeCrc32(0)).toBe("AAAAAA==");
});
