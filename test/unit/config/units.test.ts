// Durations and sizes.
import { expect, it } from "vitest";
import { durationPattern, parseDuration, parseSize } from "../../../src/config/units.ts";

it.each([
  ["0s", 0],
  ["500ms", 500],
  ["2s", 2000],
  ["10m", 600_000],
  ["24h", 86_400_000],
])("%s is %i ms", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

it.each(["", "2", "s", "-1s", "1.5s", "2 s", "2S", "01s", "1e3s", "1s\n", "9999999999s"])(
  "%j is no duration",
  (text) => {
    expect(parseDuration(text)).toBeNaN();
    expect(text).not.toMatch(durationPattern);
  },
);

it.each([
  ["1B", 1],
  ["64KiB", 65_536],
  ["2GiB", 2_147_483_648],
])("%s is %i bytes", (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});
