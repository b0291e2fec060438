// Sealed bytes: they come back whole or not at all, whatever is done to them.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  OtherKey,
  Tampered,
  frameSize,
  headerSize,
  isSealed,
  plainSize,
  sealedFrameSize,
  sealedSize,
} from "../../../../src/tools/sealing/format.ts";
import { openBytes, sealBytes } from "../../../../src/tools/sealing/seal.ts";

const key = Buffer.alloc(32, 7);
const name = "blobs/sha256/ab/abcd";
const frames = (sealed: Buffer): Buffer[] => {
  const found: Buffer[] = [];
  for (let at = headerSize; at < sealed.length; at += sealedFrameSize)
    found.push(sealed.subarray(at, at + sealedFrameSize));
  return found;
};
/** Three frames, all different, the last one short. */
const large = Buffer.concat([Buffer.alloc(frameSize, 1), Buffer.alloc(frameSize, 2), Buffer.from("end")]);
const sealedLarge = sealBytes(key, name, large);
const header = sealedLarge.subarray(0, headerSize);
const [first, second, last] = frames(sealedLarge) as [Buffer, Buffer, Buffer];

/** Whether opening says that something is wrong. */
const isFound = (sealed: Buffer): boolean => {
  try {
    openBytes(key, name, sealed);
    return false;
  } catch (error) {
    return error instanceof Tampered || error instanceof OtherKey;
  }
};

test("any bytes come back, the same ones each time they are sealed", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => {
      const sealed = sealBytes(key, name, bytes);
      expect(openBytes(key, name, sealed)).toEqual(Buffer.from(bytes));
      expect(sealBytes(key, name, bytes)).toEqual(sealed);
      expect(sealed.length).toBe(sealedSize(bytes.length));
      expect(isSealed(sealed)).toBe(true);
    }),
  );
});

test.each([0, 1, frameSize - 1, frameSize, frameSize + 1, 2 * frameSize, 2 * frameSize + 3])(
  "%i bytes come back",
  (size) => {
    const bytes = Buffer.alloc(size, 3);
    const sealed = sealBytes(key, name, bytes);
    expect(plainSize(sealed.length)).toBe(size);
    expect(openBytes(key, name, sealed).equals(bytes)).toBe(true);
  },
);

test("the plain size follows from the stored one, and no other size has one", () => {
  const sizes = fc.oneof(
    fc.nat(4 * frameSize),
    fc.maxSafeNat().map((size) => size % 2 ** 45),
  );
  fc.assert(
    fc.property(sizes, (size) => {
      expect(plainSize(sealedSize(size))).toBe(size);
    }),
  );
  fc.assert(
    fc.property(fc.nat(4 * sealedFrameSize), (stored) => {
      const size = plainSize(stored);
      if (size !== null) expect(sealedSize(size)).toBe(stored);
    }),
  );
  expect(plainSize(headerSize)).toBe(null);
  expect(plainSize(headerSize + sealedFrameSize + 1)).toBe(null);
});

test("every changed bit is found", () => {
  const sealed = sealBytes(key, name, Buffer.from("the weights"));
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const changed = Buffer.from(sealed);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    expect(isFound(changed), `bit ${bit}`).toBe(true);
  }
});

test("any changed byte of several frames is found", () => {
  fc.assert(
    fc.property(fc.nat(sealedLarge.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const changed = Buffer.from(sealedLarge);
      changed[at]! ^= change;
      expect(isFound(changed)).toBe(true);
    }),
    { numRuns: 30 },
  );
});

test("every cut is found", () => {
  const sealed = sealBytes(key, name, Buffer.from("the weights"));
  for (let length = 0; length < sealed.length; length++)
    expect(() => openBytes(key, name, sealed.subarray(0, length))).toThrow(Tampered);
});

describe("frames are each at their own place", () => {
  const other = frames(sealBytes(key, "blobs/sha256/ab/other", large)) as [Buffer, Buffer, Buffer];
  test.each([
    ["swapped", [second, first, last]],
    ["left out at the front", [second, last]],
    ["left out in the middle", [first, last]],
    ["cut at a frame's end", [first, second]],
    ["repeated", [first, first, last]],
    ["put behind the last", [first, second, last, last]],
    ["of another object", [first, other[1], last]],
  ])("%s", (_what, parts) => {
    expect(() => openBytes(key, name, Buffer.concat([header, ...parts]))).toThrow(Tampered);
  });
  test("as they were", () => {
    expect(openBytes(key, name, Buffer.concat([header, first, second, last])).equals(large)).toBe(true);
  });
});

test("an object moved to another name is found, and another key is told from damage", () => {
  const sealed = sealBytes(key, name, Buffer.from("the weights"));
  expect(() => openBytes(key, "blobs/sha256/ab/other", sealed)).toThrow(Tampered);
  expect(() => openBytes(Buffer.alloc(32, 8), name, sealed)).toThrow(OtherKey);
  expect(() =>
    openBytes(key, name, Buffer.from("never sealed, and long enough to be looked at as if it were")),
  ).toThrow(Tampered);
});

test("two objects, two contents and two keys share no frame", () => {
  const bytes = Buffer.from("the weights");
  const sealed = [
    sealBytes(key, name, bytes),
    sealBytes(key, `${name}0`, bytes),
    sealBytes(key, name, Buffer.from("the weightS")),
    sealBytes(Buffer.alloc(32, 8), name, bytes),
  ].map((one) => one.subarray(headerSize, headerSize + 8).toString("hex"));
  expect(new Set(sealed).size).toBe(sealed.length);
});
