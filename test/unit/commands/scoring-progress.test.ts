// What a person who waits for scoring reads.
import { expect, test } from "vitest";
import { scoringProgress } from "../../../src/commands/scoring-progress.ts";

function told(steps: [ms: number, done: number][], total: number): string[] {
  const lines: string[] = [];
  let now = 5000;
  const progress = scoringProgress((line) => void lines.push(line), { monotonic: () => now });
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
