// How files are cut into parts: within S3's limits, and the same for everybody.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isLarge, partSizeOf, partsTogether } from "../../../../src/tools/s3/part-plan.ts";

const mebi = 2 ** 20;
/** The largest object that S3 takes. */
const largest = 48.8 * 2 ** 40;

test("every file fits into 10,000 parts of 8 MiB to 5 GiB, whole MiB each", () => {
  fc.assert(
    fc.property(fc.double({ min: 1, max: largest, noNaN: true }).map(Math.floor), (size) => {
      const part = partSizeOf(size);
      expect(part % mebi).toBe(0);
      expect(part).toBeGreaterThanOrEqual(8 * mebi);
      expect(part).toBeLessThanOrEqual(5120 * mebi);
      expect(Math.ceil(size / part)).toBeLessThanOrEqual(10_000);
    }),
  );
});

test("parts stay small as long as they may", () => {
  expect(partSizeOf(1024 * mebi)).toBe(8 * mebi);
  expect(partSizeOf(9000 * 8 * mebi)).toBe(8 * mebi);
  expect(partSizeOf(9000 * 8 * mebi + 1)).toBe(9 * mebi);
  expect([isLarge(8 * mebi), isLarge(8 * mebi + 1)]).toEqual([false, true]);
});

test("parts in memory take 40 MiB, or two parts where one is larger", () => {
  expect([8, 9, 20, 21, 5120].map((size) => partsTogether(size * mebi))).toEqual([5, 4, 2, 2, 2]);
});
