// The splitter is exact over every block of requests, not only in the long run, and follows no pattern.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Splitter } from "../../../../src/targets/local/split.ts";

const canaryOf = (splitter: Splitter, requests: number) =>
  Array.from({ length: requests }, () => splitter.next()).filter((side) => side === "canary").length;

/** A small generator with a seed (Lehmer, modulus 2^31 - 1), so that a failure can be repeated. */
function seeded(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return (state - 1) / 2_147_483_646;
  };
}

test("5 % is exactly one of each twenty", () => {
  const splitter = new Splitter(seeded(1));
  splitter.share = 0.05;
  for (let block = 0; block < 1_000; block += 1) expect(canaryOf(splitter, 20)).toBe(1);
});

test("of any n requests in a row, n × share ± 2 go to the canary", () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.integer({ min: 0, max: 1_000_000 }),
      fc.nat(500),
      fc.nat(2_000),
      (seed, millionths, skipped, requests) => {
        const splitter = new Splitter(seeded(seed));
        splitter.share = millionths / 1_000_000;
        canaryOf(splitter, skipped);
        const expected = (requests * millionths) / 1_000_000;
        expect(Math.abs(canaryOf(splitter, requests) - expected)).toBeLessThanOrEqual(2);
      },
    ),
  );
});

test("traffic that repeats itself every 200 requests shows the canary every row in time", () => {
  const splitter = new Splitter(seeded(7));
  splitter.share = 0.05;
  const rows = new Set<number>();
  for (let request = 0; request < 200 * 200; request += 1) {
    if (splitter.next() === "canary") rows.add(request % 200);
  }
  expect(rows.size).toBe(200);
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
