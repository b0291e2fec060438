// The tests of durations and answers against numbers worked out by hand, and against the law they promise to keep.
import { describe, expect, test } from "vitest";
import { nearestPair } from "../../../src/rollout/nearest.ts";
import { eValue } from "../../../src/rollout/odds.ts";
import type { Answers } from "../../../src/rollout/ports.ts";
import { addToScatter, beginScatter, temper } from "../../../src/rollout/scatter.ts";
import { addToShift, beginShift, isShifted, recentShift } from "../../../src/rollout/shift.ts";
import { addToSlow, beginSlow, isTooSlow, worstThreshold } from "../../../src/rollout/slow.ts";

const bounds = [0.005, 0.01, 0.015, 0.02, 0.025, 0.035, 0.05, 0.075, 0.1, 0.2, Number.POSITIVE_INFINITY];

/** Requests that took this long, in seconds, as a histogram counts them. */
function took(durations: number[], said: Record<string, number> = {}): Answers {
  const seconds = bounds.map((bound) => ({
    bound,
    count: durations.filter((duration) => duration <= bound).length,
  }));
  return { seconds, said };
}

function times(count: number, duration: number): number[] {
  return Array.from({ length: count }, () => duration);
}

/** Stable at 12 ms, one in twenty at 30 ms; the canary as told. */
function scrape(canary: number[]) {
  return { stable: took([...times(90, 0.012), ...times(5, 0.03)]), canary: took(canary) };
}

function limitsOf(slow: ReturnType<typeof beginSlow>) {
  return slow.thresholds.map(({ limits }) => limits);
}

describe("durations", () => {
  test("stable's 80th and 95th percentiles are thresholds, the largest bound below twice that are the canary's", () => {
    let slow = addToSlow(beginSlow(), scrape(times(5, 0.012)), 2, false);
    expect(limitsOf(slow)).toEqual([null, null]);
    slow = addToSlow(slow, scrape(times(5, 0.012)), 2, false);
    // 90 of 95 is less than 95 %, so the bound there is the one that holds 30 ms.
    expect(limitsOf(slow)).toEqual([
      { stable: 0.015, canary: 0.025 },
      { stable: 0.035, canary: 0.05 },
    ]);
    const fine = { stable: took(times(100, 0.012)), canary: took([]) };
    let fast = addToSlow(beginSlow(), fine, 2, false);
    fast = addToSlow(fast, fine, 4, false);
    expect(limitsOf(fast)).toEqual([0, 0].map(() => ({ stable: 0.015, canary: 0.05 })));
  });

  test("no difference below 10 ms is one", () => {
    const served = { stable: took(times(95, 0.001)), canary: took(times(5, 0.0149)) };
    let slow = beginSlow();
    for (let count = 0; count < 200; count += 1) slow = addToSlow(slow, served, 2, false);
    expect(limitsOf(slow)[1]).toEqual({ stable: 0.01, canary: 0.015 });
    expect(isTooSlow(slow)).toBe(false);
  });

  test("a canary several times as slow is found within ten scrapes, never within two", () => {
    let slow = beginSlow();
    let scrapes = 0;
    while (!isTooSlow(slow) && scrapes < 100) {
      slow = addToSlow(slow, scrape(times(5, 0.08)), 2, false);
      scrapes += 1;
    }
    expect(scrapes).toBeGreaterThan(3);
    expect(scrapes).toBeLessThanOrEqual(15);
    const worst = worstThreshold(slow);
    expect(worst?.canary.slow).toBe(worst?.canary.counted);
  });

  test("one stall, and slowness on both sides, never convict", () => {
    let stalled = beginSlow();
    let both = beginSlow();
    for (let count = 0; count < 600; count += 1) {
      stalled = addToSlow(stalled, scrape(times(5, count === 20 ? 0.5 : 0.012)), 2, false);
      const duration = count % 50 < 10 ? 0.5 : 0.012;
      const served = { stable: took(times(95, duration)), canary: took(times(5, duration)) };
      both = addToSlow(both, served, 2, false);
    }
    expect(isTooSlow(stalled)).toBe(false);
    expect(isTooSlow(both)).toBe(false);
  });

  test("as long as nothing can be learnt, thresholds follow and evidence does not", () => {
    let slow = addToSlow(beginSlow(), scrape([]), 2, true);
    for (let count = 0; count < 50; count += 1) slow = addToSlow(slow, scrape(times(5, 0.5)), 2, true);
    expect(eValue(slow.logs)).toBeCloseTo(1, 12);
    expect(slow.recent.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(1000);
  });

  test("a histogram that ends below stable's percentile says nothing", () => {
    const served = { stable: took(times(95, 3)), canary: took(times(5, 9)) };
    let slow = beginSlow();
    for (let count = 0; count < 50; count += 1) slow = addToSlow(slow, served, 2, false);
    expect(limitsOf(slow)).toEqual([null, null]);
    expect(isTooSlow(slow)).toBe(false);
  });
});

describe("answers", () => {
  const says = (stable: Record<string, number>, canary: Record<string, number>) => ({
    stable: took([], stable),
    canary: took([], canary),
  });

  function after(scrapes: number, served: ReturnType<typeof says>, maxShift = 0.3) {
    let shift = beginShift();
    for (let count = 0; count < scrapes; count += 1) shift = addToShift(shift, served, maxShift, false);
    return shift;
  }

  test("a constant canary is found, whatever it says, when that is rare enough at stable", () => {
    const constant = after(30, says({ yes: 40, no: 55 }, { yes: 5 }));
    expect(recentShift(constant)).toBeGreaterThan(0.5);
    expect(isShifted(constant)).toBe(true);
    expect(isShifted(after(30, says({ a: 30, b: 30, c: 35 }, { NaN: 5 })))).toBe(true);
  });

  test("a shift of less than what is allowed never convicts, however long it lasts", () => {
    const small = after(3000, says({ yes: 60, no: 40 }, { yes: 84, no: 16 }));
    expect(recentShift(small)).toBeCloseTo(0.24, 1);
    expect(isShifted(small)).toBe(false);
    expect(isShifted(after(300, says({ yes: 60, no: 40 }, { no: 100 }), 1))).toBe(false);
  });

  test("no verdict before both sides have said enough", () => {
    expect(isShifted(after(5, says({ yes: 95 }, { no: 5 })))).toBe(false);
    expect(recentShift(after(2, says({ yes: 95 }, { no: 5 })))).toBeNull();
  });

  test("a bet has expectation 1 at most under every law that it is made against", () => {
    const warm = after(20, says({ yes: 2, no: 8 }, { yes: 7, no: 3 }), 0.1);
    const before = warm.log;
    for (const [stable, canary] of [
      [0.2, 0.3],
      [0.5, 0.6],
      [0.9, 1],
      [0.3, 0.2],
      [0, 0.1],
    ] as const) {
      let expectation = 0;
      for (let s = 0; s <= 10; s += 1) {
        for (let c = 0; c <= 6; c += 1) {
          const served = says({ yes: s, no: 10 - s }, { yes: c, no: 6 - c });
          const { log } = addToShift(warm, served, 0.1, false);
          expectation += chance(10, s, stable) * chance(6, c, canary) * Math.exp(log - before);
        }
      }
      expect(expectation).toBeLessThanOrEqual(1 + 1e-6);
    }
  });

  test("an answer may be called like something that every object has", () => {
    const odd = after(30, says({ yes: 40, no: 55 }, { constructor: 5 }));
    expect(recentShift(odd)).toBeGreaterThan(0.9);
    expect(isShifted(odd)).toBe(true);
  });

  test("answers that have faded are forgotten", () => {
    let shift = addToShift(beginShift(), says({ once: 1 }, {}), 0.3, false);
    for (let count = 0; count < 200; count += 1) shift = addToShift(shift, says({ now: 1 }, {}), 0.3, false);
    expect(Object.keys(shift.recent.stable)).toEqual(["now"]);
  });
});

describe("caution", () => {
  test("one scrape adds at most a factor of ten, and less where counts scatter", () => {
    const calm = Array.from({ length: 200 }).reduce<ReturnType<typeof beginScatter>>(
      (scatter, _none, at) => addToScatter(scatter, 100, at % 2 === 0 ? 6 : 4, 0.05),
      beginScatter(),
    );
    expect(temper(50, calm)).toBeCloseTo(Math.log(10), 12);
    expect(temper(1, calm)).toBe(1);
    const wild = addToScatter(calm, 100, 60, 0.05);
    expect(temper(1, wild)).toBeLessThan(0.1);
    expect(temper(-1, calm)).toBe(-1);
  });

  test("the nearest pair of rates is where no other of the same distance is nearer", () => {
    const divergence = (q: number, r: number) => q * Math.log(q / r) + (1 - q) * Math.log((1 - q) / (1 - r));
    const expected = { stable: 0.2, canary: 0.9 };
    const far = (r: number) => 95 * divergence(0.2, r) + 5 * divergence(0.9, r + 0.3);
    const { stable, canary } = nearestPair({ stable: 95, canary: 5 }, 0.3, expected);
    expect(canary - stable).toBeCloseTo(0.3, 9);
    for (let r = 0.01; r < 0.69; r += 0.01) expect(far(stable)).toBeLessThanOrEqual(far(r) + 1e-9);
  });
});

function chance(n: number, k: number, p: number): number {
  let ways = 1;
  for (let i = 0; i < k; i += 1) ways = (ways * (n - i)) / (i + 1);
  return ways * p ** k * (1 - p) ** (n - k);
}
