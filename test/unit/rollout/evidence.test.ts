// The evidence against numbers that can be worked out by hand or counted out exactly.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addToBake, beginBake, isBreached } from "../../../src/rollout/bake.ts";
import {
  addScrape,
  beginEvidence,
  excludes,
  shareWasSet,
  stableFails,
} from "../../../src/rollout/evidence.ts";
import { addToHarm, beginHarm, isHarmful } from "../../../src/rollout/harm.ts";
import { cleanRequestsNeeded, isHarmless, logHarmless } from "../../../src/rollout/harmless.ts";
import { incrementBetween } from "../../../src/rollout/increment.ts";
import type { Increment } from "../../../src/rollout/increment.ts";
import { eValue } from "../../../src/rollout/odds.ts";
import type { Measurement } from "../../../src/rollout/ports.ts";
import { compareSplit } from "../../../src/rollout/split.ts";

function seen(stable: [number, number], canary: [number, number], era = "1"): Measurement {
  return {
    at: 0,
    era,
    share: 0.05,
    stable: { requests: stable[0], errors: stable[1] },
    canary: { requests: canary[0], errors: canary[1] },
    rescued: 0,
    failed: 0,
    ready: { stable: 1, canary: 1 },
    trouble: null,
    served: null,
  };
}

function grown(stable: [number, number], canary: [number, number]): Increment {
  return {
    stable: { requests: stable[0], errors: stable[1] },
    canary: { requests: canary[0], errors: canary[1] },
    rescued: 0,
    failed: 0,
    served: null,
  };
}

function chance(n: number, k: number, p: number): number {
  let ways = 1;
  for (let i = 0; i < k; i += 1) ways = (ways * (n - i)) / (i + 1);
  return ways * p ** k * (1 - p) ** (n - k);
}

describe("incrementBetween", () => {
  test("is the difference within an era", () => {
    const increment = incrementBetween(seen([100, 1], [5, 0]), seen([195, 3], [10, 1]));
    expect(increment).toMatchObject({
      stable: { requests: 95, errors: 2 },
      canary: { requests: 5, errors: 1 },
    });
  });

  test("is unknown at first, across eras and when a counter fell", () => {
    expect(incrementBetween(null, seen([1, 0], [1, 0]))).toBeNull();
    expect(incrementBetween(seen([1, 0], [1, 0], "1"), seen([2, 0], [2, 0], "2"))).toBeNull();
    expect(incrementBetween(seen([9, 0], [1, 0]), seen([8, 0], [2, 0]))).toBeNull();
  });
});

describe("FAIL", () => {
  test("is the likelihood ratio ψ^k / (1 + (ψ - 1)p)^e, averaged over ψ", () => {
    const harm = addToHarm(beginHarm(), grown([95, 1], [5, 2]));
    const byHand = [1.5, 2, 4, 8, 16, 32, 64, 256, 1024].map(
      (odds) => odds ** 2 / (1 + (odds - 1) * 0.05) ** 3,
    );
    expect(eValue(harm.logs)).toBeCloseTo(byHand.reduce((a, b) => a + b) / byHand.length, 9);
  });

  test("four canary errors of four at 5 % convict; three from one scrape do not", () => {
    let harm = addToHarm(beginHarm(), grown([95, 0], [5, 2]));
    expect(isHarmful(harm, 2)).toBe(false);
    harm = addToHarm(harm, grown([95, 0], [5, 2]));
    expect(isHarmful(harm, 4)).toBe(true);
    expect(isHarmful(addToHarm(beginHarm(), grown([95, 0], [5, 5])), 5)).toBe(false);
  });

  test("errors in proportion never convict, however many", () => {
    let harm = beginHarm();
    for (let scrape = 0; scrape < 1000; scrape += 1) harm = addToHarm(harm, grown([95, 19], [5, 1]));
    expect(isHarmful(harm, 1000)).toBe(false);
  });

  test("one scrape of a good canary has expectation 1 at most, whatever both error rates are", () => {
    for (const rate of [0.01, 0.2, 0.7]) {
      let expectation = 0;
      for (let stable = 0; stable <= 20; stable += 1) {
        for (let canary = 0; canary <= 5; canary += 1) {
          const harm = addToHarm(beginHarm(), grown([20, stable], [5, canary]));
          expectation += chance(20, stable, rate) * chance(5, canary, rate) * eValue(harm.logs);
        }
      }
      expect(expectation).toBeLessThanOrEqual(1 + 1e-9);
    }
  });

  test("says nothing when only one side had requests", () => {
    expect(eValue(addToHarm(beginHarm(), grown([0, 0], [5, 5])).logs)).toBeCloseTo(1, 12);
    expect(eValue(addToHarm(beginHarm(), grown([50, 5], [0, 0])).logs)).toBeCloseTo(1, 12);
    expect(eValue(addToHarm(beginHarm(), grown([0, 0], [0, 0])).logs)).toBeCloseTo(1, 12);
  });
});

describe("PASS", () => {
  test("needs about 3/δ clean requests: 300 for 1 %", () => {
    expect(cleanRequestsNeeded(0.01)).toBe(299);
    expect(cleanRequestsNeeded(0.02)).toBe(149);
    expect(cleanRequestsNeeded(0.04)).toBe(74);
    expect(cleanRequestsNeeded(1)).toBe(0);
  });

  test("clean requests on the canary alone pass exactly there", () => {
    const one = logHarmless(grown([0, 0], [1, 0]), 0.01, 1e-9);
    expect(isHarmless(298 * one)).toBe(false);
    expect(isHarmless(299 * one)).toBe(true);
  });

  test("one scrape of a harmful canary has expectation 1 at most, on the null's edge and beyond", () => {
    for (const [stableRate, canaryRate] of [
      [0, 0.05],
      [0.01, 0.06],
      [0.3, 0.35],
      [0.1, 0.5],
    ] as const) {
      for (const expected of [0.001, 0.02, 0.3]) {
        let expectation = 0;
        for (let stable = 0; stable <= 20; stable += 1) {
          for (let canary = 0; canary <= 5; canary += 1) {
            const log = logHarmless(grown([20, stable], [5, canary]), 0.05, expected);
            expectation += chance(20, stable, stableRate) * chance(5, canary, canaryRate) * Math.exp(log);
          }
        }
        expect(expectation).toBeLessThanOrEqual(1 + 1e-6);
      }
    }
  });

  test("an outage of both sides that begins within a scrape costs at most 120 clean requests", () => {
    const one = logHarmless(grown([4, 0], [1, 0]), 0.05, 0.001);
    for (const [stable, canary] of [
      [
        [48, 24],
        [12, 6],
      ],
      [
        [60, 25],
        [15, 6],
      ],
      [
        [30, 5],
        [8, 2],
      ],
      [
        [4000, 3600],
        [1000, 900],
      ],
    ] as const) {
      expect(logHarmless(grown([...stable], [...canary]), 0.05, 0.001)).toBeGreaterThan(-120 * one);
    }
    // Errors that the canary has for itself are not taken for an outage.
    expect(logHarmless(grown([48, 0], [12, 6]), 0.05, 0.001)).toBeLessThan(-120 * one);
  });

  test("what is kept in reserve for an outage costs a clean canary less than a tenth more requests", () => {
    for (const delta of [0.05, 0.01, 0.002]) {
      for (const canary of [1, 5, 50]) {
        const clean = logHarmless(grown([19 * canary, 0], [canary, 0]), delta, 1e-9);
        expect(clean).toBeGreaterThan((0.9 * canary * Math.log(20)) / cleanRequestsNeeded(delta));
      }
    }
  });

  test("never gives a number that JSON cannot carry", () => {
    const count = fc.integer({ min: 0, max: 5000 });
    fc.assert(
      fc.property(
        count,
        count,
        count,
        count,
        fc.double({ min: 1e-4, max: 1, noNaN: true }),
        fc.double({ min: 1e-5, max: 0.5, noNaN: true }),
        (s, se, c, ce, delta, rate) => {
          const increment = grown([s, Math.min(s, se)], [c, Math.min(c, ce)]);
          expect(Number.isFinite(logHarmless(increment, delta, rate))).toBe(true);
        },
      ),
    );
  });
});

describe("evidence", () => {
  const plan = {
    steps: [0.05, 0.25, 0.5],
    intervalMs: 0,
    maxHarm: 0.01,
    maxSlowdown: 2,
    maxShift: 0.3,
    holdMs: 0,
    bakeMs: 0,
    startTimeoutMs: 0,
  };

  test("keeps one PASS test per share to come: 4 %, 2 % and 1 % of excess", () => {
    expect(beginEvidence(plan).harmless.map((one) => one.delta)).toEqual([0.04, 0.02, 0.01]);
  });

  test("clean requests exclude a large excess first", () => {
    let evidence = beginEvidence(plan);
    const at: number[] = [];
    for (let second = 0; at.length < 3 && second < 200; second += 1) {
      evidence = addScrape(evidence, seen([95 * second, 0], [5 * second, 0]), plan);
      if (excludes(evidence, [0.04, 0.02, 0.01][at.length]!)) at.push(5 * second);
    }
    // 74, 149 and 299 would do if stable were known to be clean from the beginning.
    expect(at[0]).toBeLessThan(85);
    expect(at[1]).toBeLessThan(165);
    expect(at[2]).toBeLessThan(330);
    expect(at[0]).toBeGreaterThanOrEqual(74);
  });

  test("an interval in which the share changed counts for totals only", () => {
    let evidence = addScrape(beginEvidence(plan), seen([0, 0], [0, 0]), plan);
    evidence = addScrape(shareWasSet(evidence), seen([95, 0], [5, 5]), plan);
    expect(evidence.total.canary).toEqual({ requests: 5, errors: 5 });
    expect([evidence.scrapes, evidence.step.canary, eValue(evidence.harm.logs)]).toEqual([0, 0, 1]);
  });

  test("an outage of stable freezes PASS, but not FAIL", () => {
    let evidence = addScrape(beginEvidence(plan), seen([0, 0], [0, 0]), plan);
    evidence = addScrape(evidence, seen([95, 50], [5, 3]), plan);
    expect(stableFails(evidence, false)).toBe(true);
    const before = evidence.harmless;
    evidence = addScrape(evidence, seen([190, 100], [10, 8]), plan);
    expect(evidence.harmless).toEqual(before);
    expect(evidence.harm.errorScrapes).toBe(2);
  });
});

describe("VERIFY", () => {
  test("an exact split is verified, none and too much are wrong", () => {
    expect(compareSplit(10, 0, 0.05)).toBe("too-few");
    expect(compareSplit(60, 3, 0.05)).toBe("verified");
    expect(compareSplit(500, 0, 0.05)).toBe("wrong");
    expect(compareSplit(60, 30, 0.05)).toBe("wrong");
    expect(compareSplit(0, 0, 0.05)).toBe("too-few");
    expect(compareSplit(10_000, 10_000, 0.5)).toBe("wrong");
  });
});

describe("BAKE", () => {
  const stable = { requests: 10_000, errors: 10 };

  test("as good as before is no breach, 20 % errors are", () => {
    let fine = beginBake(stable);
    let bad = beginBake(stable);
    for (let scrape = 0; scrape < 60; scrape += 1) {
      fine = addToBake(fine, { requests: 1000, errors: 1 }, 0.01);
      if (scrape < 3) bad = addToBake(bad, { requests: 10, errors: 2 }, 0.01);
    }
    expect(fine.baseline).toBe(0.001);
    expect(isBreached(fine)).toBe(false);
    expect(isBreached(bad)).toBe(true);
  });

  test("just at baseline + maxHarm is no breach", () => {
    let bake = beginBake(stable);
    for (let scrape = 0; scrape < 500; scrape += 1)
      bake = addToBake(bake, { requests: 1000, errors: 11 }, 0.01);
    expect(isBreached(bake)).toBe(false);
  });

  test("a canary time too short to be a baseline counts as clean", () => {
    expect(beginBake({ requests: 99, errors: 50 }).baseline).toBe(0);
  });
});
