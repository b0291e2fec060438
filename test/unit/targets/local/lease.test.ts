// A lease is in force for its length after it was last renewed, and cannot be renewed once it ran out.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Backoff } from "../../../../src/targets/local/backoff.ts";
import { Counters } from "../../../../src/targets/local/counters.ts";
import { Lease } from "../../../../src/targets/local/lease.ts";

test("renewals keep it as long as no two are further apart than its length", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 20 }), (gaps) => {
      const lease = new Lease(100);
      let now = 0;
      lease.take(now);
      let alive = true;
      for (const gap of gaps) {
        now += gap;
        alive &&= gap < 100;
        expect(lease.lapsed(now)).toBe(!alive);
        expect(lease.renew(now)).toBe(alive);
      }
    }),
  );
});

test("without a lease there is nothing to renew and nothing lapses", () => {
  const lease = new Lease(100);
  expect([lease.renew(0), lease.lapsed(1e9), lease.left(0)]).toEqual([false, false, null]);
  lease.take(0);
  expect([lease.left(40), lease.left(400)]).toEqual([60, 0]);
  lease.drop();
  expect([lease.renew(1), lease.lapsed(1e9), lease.left(1)]).toEqual([false, false, null]);
});

test("waits double from 0.2 s to 10 s, and begin again after half a minute of readiness", () => {
  const backoff = new Backoff();
  const waits = Array.from({ length: 8 }, () => backoff.afterCrash(0));
  expect(waits).toEqual([200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
  expect(backoff.afterCrash(29_999)).toBe(10_000);
  expect(backoff.afterCrash(30_000)).toBe(200);
});

test("an attempt that began before the sides changed hands counts for neither", () => {
  const counters = new Counters("n");
  const before = counters.term;
  counters.attempt("canary", true, before);
  counters.disturb();
  counters.attempt("canary", true, before);
  expect(counters.read()).toMatchObject({ canary: { requests: 2, errors: 2 }, era: "n-1" });
  counters.restart();
  counters.attempt("canary", true, before);
  counters.attempt("stable", false, counters.term);
  expect(counters.read()).toMatchObject({
    stable: { requests: 1, errors: 0 },
    canary: { requests: 0, errors: 0 },
    era: "n-2",
  });
});
