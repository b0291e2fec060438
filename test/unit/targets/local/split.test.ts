// The splitter is exact over every run of requests, not only in the long run.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Splitter } from "../../../../src/targets/local/split.ts";

const canaryOf = (splitter: Splitter, requests: number) =>
  Array.from({ length: requests }, () => splitter.next()).filter((side) => side === "canary").length;

test("5 % is exactly one of each twenty, wherever one begins to count", () => {
  const splitter = new Splitter();
  splitter.share = 0.05;
  for (let skipped = 0; skipped < 7; skipped += 1) splitter.next();
  for (let run = 0; run < 1_000; run += 1) expect(canaryOf(splitter, 20)).toBe(1);
});

test("of any n requests in a row, n × share ± 1 go to the canary", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1_000_000 }),
      fc.nat(500),
      fc.nat(2_000),
      (millionths, skipped, requests) => {
        const splitter = new Splitter();
        splitter.share = millionths / 1_000_000;
        canaryOf(splitter, skipped);
        const expected = (requests * millionths) / 1_000_000;
        expect(Math.abs(canaryOf(splitter, requests) - expected)).toBeLessThanOrEqual(1);
      },
    ),
  );
});

test("0 sends nothing and 1 sends everything", () => {
  const splitter = new Splitter();
  expect(canaryOf(splitter, 100)).toBe(0);
  splitter.share = 1;
  expect(canaryOf(splitter, 100)).toBe(100);
  splitter.share = 0;
  expect(canaryOf(splitter, 100)).toBe(0);
});

test.each([-0.1, 1.1, Number.NaN])("%d is no share", (share) => {
  const splitter = new Splitter();
  expect(() => (splitter.share = share)).toThrow(RangeError);
});
