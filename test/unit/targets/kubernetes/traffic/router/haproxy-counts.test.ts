// What HAProxy counted, recorded from 3.2.26 and 2.6.12, against what the load generator and the servers saw.
import { readFileSync } from "node:fs";
import path from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  countsOf,
  neverLess,
  noCounts,
} from "../../../../../../src/targets/kubernetes/traffic/router/haproxy-counts.ts";
import { readReading } from "../../../../../../src/targets/kubernetes/traffic/router/haproxy-reading.ts";

interface Recorded {
  haproxy: string;
  idempotent: boolean;
  /** How each side answered every request: `500`, `close`, `hang`, … */
  canary: string;
  stable: string;
  /** Requests that users sent, and how they ended. */
  requests: number;
  users: { answered: number; failed: number };
  /** Requests that each side's server saw. */
  seen: { canary: number; stable: number };
  text: string;
}

const file = path.join(import.meta.dirname, "haproxy-recorded.json");
const recorded = JSON.parse(readFileSync(file, "utf8")) as Recorded[];

describe.each(recorded)("HAProxy $haproxy, idempotent $idempotent, canary $canary, stable $stable", (one) => {
  const counts = countsOf(readReading(one.text));
  const isGone = one.canary === "refuse";

  test("counts every attempt at the canary, and as errors those that failed", () => {
    const isBad = !["ok", "400"].includes(one.canary);
    const requests = isGone ? 0 : one.seen.canary;
    expect(counts.canary).toEqual({ requests, errors: isBad ? requests : 0 });
  });

  test("counts every attempt at stable", () => {
    expect(counts.stable).toEqual({
      requests: one.seen.stable,
      errors: one.stable === "ok" ? 0 : one.seen.stable,
    });
  });

  test("counts what users saw fail", () => {
    expect(counts.failed).toBe(one.users.failed);
  });

  test("counts what stable answered in the canary's place", () => {
    const isSaved = !["ok", "400", "501", "partial"].includes(one.canary) && one.stable === "ok";
    const saved = isSaved && (one.idempotent || isGone) ? one.seen.canary : 0;
    expect(counts.rescued).toBe(saved);
  });
});

test("the canary gets its share, whatever happens to its requests", () => {
  // 20 % was set in every case.
  for (const { seen, requests } of recorded) {
    expect(Math.abs(seen.canary - requests / 5)).toBeLessThanOrEqual(2);
  }
});

test("an idempotent model's users see nothing of a canary that fails before it answers", () => {
  const cases = recorded.filter(({ idempotent, stable }) => idempotent && stable === "ok");
  const failed = cases.filter(({ users }) => users.failed > 0).map(({ canary }) => canary);
  // 501 says that it will never be otherwise; an answer that breaks off has begun already.
  expect(new Set(failed)).toEqual(new Set(["501", "partial"]));
});

test("a count that is read a moment too early takes nothing back", () => {
  const counts = fc.record({ requests: fc.nat(), errors: fc.nat() });
  const all = fc.record({ stable: counts, canary: counts, rescued: fc.nat(), failed: fc.nat() });
  fc.assert(
    fc.property(all, all, (a, b) => {
      const later = neverLess(a, b);
      expect(neverLess(later, a)).toEqual(later);
      expect(later.canary.errors).toBeGreaterThanOrEqual(a.canary.errors);
      expect(neverLess(noCounts, a)).toEqual(a);
    }),
  );
});

test("what is no reading is refused", () => {
  const [{ text } = { text: "" }] = recorded;
  const refused = [
    "",
    "Unknown command.\n",
    text.replace("Pid: ", "Pd: "),
    text.replace(" canary ", " other "),
    text.replace("# pxname", "pxname"),
  ];
  for (const bad of refused) expect(() => readReading(bad)).toThrow(/something else than its counters/);
  expect(readReading(text)).toMatchObject({ share: 200_000, epoch: 0 });
});
