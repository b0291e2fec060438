// How often a comparison of two equally good models says that they differ: at most 5 % of 95 % intervals may.
// node test/bench/validation/equal-models.ts [simulations] [draws]
import { averagesOf, metricsOf } from "../../../src/validation/metrics/measure.ts";
import type { Answers } from "../../../src/validation/metrics/answers.ts";
import { compareAnswers } from "../../../src/validation/statistics/compare.ts";
import { Stream } from "../../../src/validation/statistics/random.ts";
import { binaryWorld, classWorld, numberWorld, type World } from "./worlds.ts";

const simulations = Number(process.argv[2] ?? 1000);
const replicates = Number(process.argv[3] ?? 200);
const worlds: World<Answers>[] = [
  binaryWorld("binary, balanced", 0.5, 0.5),
  binaryWorld("binary, 5 %", 0.05, 0.2),
  classWorld("3 classes, one 5 %", [0.6, 0.35, 0.05]),
  numberWorld("numbers, heavy tails", true),
];
const sizes = [200, 1000];

console.log(
  `| share of 95 % intervals of ${simulations} that exclude 0 | test | ${sizes.map((rows) => `n = ${rows}`).join(" | ")} |`,
);
console.log(`| --- | --- | ${sizes.map(() => "---").join(" | ")} |`);
for (const { name: world, make } of worlds) {
  const rates = new Map<string, { test: string; wrong: number[] }>();
  for (const [place, rows] of sizes.entries()) {
    for (let simulation = 1; simulation <= simulations; simulation++) {
      const [candidate, production] = make(new Stream(200 + place, simulation), rows);
      for (const name of metricsOf(candidate.task)) {
        const average = averagesOf(candidate.task, name)[0] ?? null;
        const comparing = { level: 0.95, seed: simulation, replicates };
        const found = await compareAnswers(candidate, production, { name, average }, comparing);
        const rate = rates.get(name) ?? { test: "", wrong: sizes.map(() => 0) };
        rates.set(name, rate);
        if (!found?.ci) continue;
        rate.test = found.test;
        if (found.ci.lo > 0 || found.ci.hi < 0) rate.wrong[place]!++;
      }
    }
  }
  for (const [name, { test, wrong }] of rates) {
    const shares = wrong.map((count) => `${((100 * count) / simulations).toFixed(1)} %`);
    console.log(`| ${world}: ${name} | ${test} | ${shares.join(" | ")} |`);
  }
}
