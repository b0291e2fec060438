// A canary that seems bad in answers or durations waits for the tests that would show it.
import { describe, expect, test } from "vitest";
import type { Answers } from "../../../src/rollout/ports.ts";
import { addToShift, beginShift, isPerhapsShifted, isShifted } from "../../../src/rollout/shift.ts";
import { addToSlow, beginSlow, isPerhapsTooSlow, isTooSlow } from "../../../src/rollout/slow.ts";

/** Answers `a` and `b`, and durations up to 20 ms and up to a second. */
const counted = (said: Record<string, number>, quick = 20, lame = 0): Answers => ({
  said,
  seconds: [
    { bound: 0.02, count: quick },
    { bound: 0.03, count: quick },
    { bound: 1, count: quick + lame },
    { bound: Infinity, count: quick + lame },
  ],
});
const stable = counted({ a: 40, b: 40 }, 80);

/** What is thought after each of so many scrapes. */
function shifts(canary: Answers, scrapes: number) {
  let shift = beginShift();
  return Array.from({ length: scrapes }, () => {
    shift = addToShift(shift, { stable, canary }, 0.3, false);
    return { perhaps: isPerhapsShifted(shift, 0.3), shown: isShifted(shift) };
  });
}

function slows(canary: Answers, scrapes: number) {
  let slow = beginSlow();
  return Array.from({ length: scrapes }, () => {
    slow = addToSlow(slow, { stable, canary }, 2, false);
    return { perhaps: isPerhapsTooSlow(slow), shown: isTooSlow(slow) };
  });
}

describe("a canary is doubted", () => {
  test("from the first look on, while it answers everything the same, until that is shown", () => {
    const seen = shifts(counted({ a: 40 }), 12);
    const shown = seen.findIndex((one) => one.shown);
    expect(shown).toBeGreaterThan(2);
    expect(seen.slice(0, shown).every(({ perhaps }) => perhaps)).toBe(true);
  });

  test("not while it answers as stable does", () => {
    expect(shifts(counted({ a: 11, b: 9 }), 40).filter(({ perhaps }) => perhaps)).toEqual([]);
  });

  test("before it is shown to be slow, and not while it is as quick as stable", () => {
    const seen = slows(counted({ a: 10, b: 10 }, 0, 20), 12);
    const doubted = seen.findIndex(({ perhaps }) => perhaps);
    expect(doubted).toBeGreaterThan(0);
    expect(seen.findIndex(({ shown }) => shown)).toBeGreaterThanOrEqual(doubted);
    expect(slows(counted({ a: 10, b: 10 }), 40).filter(({ perhaps }) => perhaps)).toEqual([]);
  });
});
