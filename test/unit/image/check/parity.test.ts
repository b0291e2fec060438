// Parity: an image passes when neither the labels nor the numbers moved further than allowed.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { checkParity } from "../../../../src/image/check/parity.ts";

const limits = { maxDelta: 1e-6, maxFlips: 0 };
const check =
  (flips: number, maxDelta: number, own = limits) =>
  () =>
    checkParity({ rows: 100, flips, maxDelta }, own, "linux/amd64");

test("both measures are gates", () => {
  expect(check(0, 1e-6)).not.toThrow();
  expect(check(1, 0)).toThrow(expect.objectContaining({ code: "image.parity", exit: "gate" }));
  expect(check(0, 2e-6)).toThrow(
    expect.objectContaining({ why: expect.stringContaining("off by 0.000002") }),
  );
  expect(check(2, 0.5)).toThrow(
    expect.objectContaining({ why: expect.stringMatching(/2 of 100 rows.*0\.5/) }),
  );
});

test("passes exactly within the limits; what is no number never passes", () => {
  fc.assert(
    fc.property(
      fc.nat(100),
      fc.double({ min: 0 }),
      fc.nat(100),
      fc.double({ min: 0, noNaN: true }),
      (flips, delta, maxFlips, maxDelta) => {
        const run = check(flips, delta, { maxDelta, maxFlips });
        if (flips <= maxFlips && delta <= maxDelta) expect(run).not.toThrow();
        else expect(run).toThrow("does not answer what was validated");
      },
    ),
  );
});
