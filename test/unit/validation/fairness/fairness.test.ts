// Groups of a column: how far they are apart, and when that is shown to be within the gap allowed.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { measureFairness } from "../../../../src/validation/fairness/fairness.ts";
import { groupsOf } from "../../../../src/validation/fairness/groups.ts";
import type { ClassAnswers } from "../../../../src/validation/metrics/answers.ts";
import { openText } from "../files.ts";

/** Groups of `count` rows each, with these shares answered rightly. */
function world(shares: number[], count: number) {
  const size = shares.length * count;
  const truth = Int32Array.from({ length: size }, (_none, row) => row % 2);
  const predicted = truth.map((is, row) => {
    const share = shares[Math.floor(row / count)] ?? 0;
    return row % count < Math.round(share * count) ? is : 1 - is;
  });
  const answers: ClassAnswers = {
    task: "binary",
    classes: 2,
    positive: 1,
    truth,
    predicted,
    probabilities: null,
    weights: null,
  };
  const groups = shares.map((_share, place) => ({
    group: `g${place}`,
    rows: Int32Array.from({ length: count }, (_none, row) => place * count + row),
  }));
  return { answers, groups };
}

const judged = (
  shares: number[],
  count: number,
  maxGap: number,
  judgeBy: "interval" | "value" = "interval",
) => {
  const { answers, groups } = world(shares, count);
  const rule = { column: "site", metric: "accuracy" as const, average: null, maxGap };
  return measureFairness(answers, rule, groups, { level: 0.95, judgeBy });
};

test.each<[number[], number, number, string]>([
  [[0.9, 0.9, 0.9], 2000, 0.1, "pass"],
  [[0.9, 0.7, 0.9], 2000, 0.1, "fail"],
  [[0.9, 0.8], 200, 0.1, "inconclusive"],
  [[0.9, 0.7, 0.9], 20, 0.1, "inconclusive"],
  [[0.9], 200, 0.1, "inconclusive"],
])("shares %j of %d rows each, at most %d apart: %s", (shares, count, maxGap, status) => {
  expect(judged(shares, count, maxGap).gate.status).toBe(status);
});

test("says which groups are furthest apart, and how many rows would decide it", () => {
  const { gate, report } = judged([0.92, 0.85, 0.9], 200, 0.1);
  expect(gate.why).toMatch(
    /^accuracy differs by 0\.07 \(.*\) between groups of site \("g1" and "g0"\): 0\.1 is inside/,
  );
  expect(gate.rowsToDecide).toBeGreaterThan(600);
  expect([gate.id, gate.bound, report.gap]).toEqual(["fairness.accuracy[site]", "maxGap", gate.observed]);
});

test("small groups are listed and left out of the gap", () => {
  const { answers } = world([0.9, 0.9], 100);
  const rows = (from: number, to: number) =>
    Int32Array.from({ length: to - from }, (_none, row) => from + row);
  const groups = [
    { group: "a", rows: rows(0, 100) },
    { group: "b", rows: rows(100, 190) },
    { group: null, rows: rows(190, 200) },
  ];
  const rule = { column: "site", metric: "accuracy" as const, average: null, maxGap: 0.3 };
  const { report } = measureFairness(answers, rule, groups, { level: 0.95, judgeBy: "interval" });
  expect(report.groups.map(({ reason }) => reason)).toEqual([null, null, "it has 10 rows, fewer than 30"]);
});

test("a larger gap allowed never makes the gate worse", () => {
  const rank: Record<string, number> = { fail: 0, inconclusive: 1, pass: 2 };
  const share = fc.double({ min: 0.05, max: 0.95, noNaN: true });
  fc.assert(
    fc.property(
      fc.array(share, { minLength: 2, maxLength: 4 }),
      fc.nat(300),
      share,
      share,
      (shares, more, a, b) => {
        const count = 30 + more;
        const [small, large] = [Math.min(a, b), Math.max(a, b)];
        const [strict, lax] = [
          judged(shares, count, small).gate.status,
          judged(shares, count, large).gate.status,
        ];
        expect(rank[lax]).toBeGreaterThanOrEqual(rank[strict] ?? 0);
      },
    ),
    { numRuns: 50 },
  );
});

test.each([
  ["text", (row: number) => ["b", "a", ""][row % 3] ?? "", ["a", "b", null]],
  ["whole numbers", (row: number) => [10, 9, 2][row % 3] ?? 0, [2, 9, 10]],
  ["truth values", (row: number) => row % 2 === 0, [false, true]],
])("groups of %s have all their rows, in order", async (_name, valueOf, expected) => {
  const lines = Array.from({ length: 30 }, (_none, row) => `${row},${String(valueOf(row))},${row % 2}`);
  const dataset = await openText("g.csv", `x,site,y\n${lines.join("\n")}\n`);
  const groups = await groupsOf(dataset, "site");
  expect(groups.map(({ group }) => group)).toEqual(expected);
  for (const { group, rows } of groups) {
    const own = Array.from({ length: 30 }, (_none, row) => row).filter((row) => {
      const value = valueOf(row);
      return (value === "" ? null : value) === group;
    });
    expect([...rows]).toEqual(own);
  }
});
