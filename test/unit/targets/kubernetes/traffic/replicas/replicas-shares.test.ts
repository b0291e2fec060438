// The shares of a bare Service: exact ratios of servers, stable never made smaller.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  canaryServers,
  reachableShares,
  shareWith,
} from "../../../../../../src/targets/kubernetes/traffic/replicas/replicas-shares.ts";

test("one server of stable can be joined by one to three", () => {
  expect(reachableShares(1)).toEqual([1 / 2, 2 / 3, 3 / 4]);
  expect(reachableShares(3).slice(0, 3)).toEqual([1 / 4, 2 / 5, 3 / 6]);
  expect(reachableShares(0)).toEqual([]);
});

test("shares rise, and the smallest is one of N + 1", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), (stable) => {
      const shares = reachableShares(stable);
      expect(shares[0]).toBe(1 / (stable + 1));
      expect(shares.toSorted((a, b) => a - b)).toEqual(shares);
      expect(shares.every((share) => share > 0 && share < 1)).toBe(true);
    }),
  );
});

test("a reachable share is reached with the servers that give it, any other by the nearest", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.double({ min: 0.001, max: 0.74, noNaN: true }),
      (stable, share) => {
        const servers = canaryServers(stable, share);
        const off = Math.abs(shareWith(stable, servers) - share);
        for (const near of [servers - 1, servers + 1]) {
          if (near >= 1) expect(off).toBeLessThanOrEqual(Math.abs(shareWith(stable, near) - share) + 1e-12);
        }
        for (const [index, exact] of reachableShares(stable).entries()) {
          expect(canaryServers(stable, exact)).toBe(index + 1);
        }
      },
    ),
    { numRuns: 50 },
  );
});
