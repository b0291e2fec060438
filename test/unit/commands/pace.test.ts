// What a person who waits for scoring reads.
import { expect, test } from "vitest";
import { bytePace, rowPace } from "../../../src/commands/pace.ts";

function told(steps: [ms: number, done: number][], total: number): string[] {
  const lines: string[] = [];
  let now = 5000;
  const progress = rowPace((line) => void lines.push(line), { monotonic: () => now });
  for (const [ms, done] of steps) {
    now = 5000 + ms;
    progress(done, total);
  }
  return lines;
}

test("rows at first, then the rate and the time left", () => {
  expect(
    told(
      [
        [500, 4096],
        [2667, 120_000],
        [22_222, 1_000_000],
      ],
      1_000_000,
    ),
  ).toEqual([
    "4,096 of 1,000,000 rows",
    "120,000 of 1,000,000 rows, 45,000/s, 20 s left",
    "1,000,000 of 1,000,000 rows, 45,000/s",
  ]);
});

test("slow models take minutes and hours", () => {
  expect(told([[10_000, 25]], 1000)).toEqual(["25 of 1,000 rows, 2.5/s, 7 min left"]);
  expect(told([[10_000, 25]], 100_000)).toEqual(["25 of 100,000 rows, 2.5/s, 12 h left"]);
});

test("bytes tell their rate and the time left, whatever the pieces", () => {
  const lines: string[] = [];
  let now = 0;
  const progress = bytePace((line) => void lines.push(line), { monotonic: () => now }, 3 * 2 ** 30);
  for (const ms of [500, 5000, 15_000]) {
    now = ms;
    progress(2 ** 30);
  }
  expect(lines).toEqual([
    "1 GiB of 3 GiB",
    "2 GiB of 3 GiB, 409.6 MiB/s, 3 s left",
    "3 GiB of 3 GiB, 204.8 MiB/s",
  ]);
});
