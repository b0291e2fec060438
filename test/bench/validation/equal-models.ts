// How often a comparison of two equally good models says that they differ: at most 5 % of 95 % intervals may.
// node test/bench/validation/equal-models.ts [--simulations 2000] [--metric f1]... [--world TEXT] [--rows 200]... [--draws 200] [--seed 200]
import { parseArgs } from "node:util";
import { averagesOf, metricsOf } from "../../../src/validation/metrics/measure.ts";
import type { Answers } from "../../../src/validation/metrics/answers.ts";
import { compareAnswers } from "../../../src/validation/statistics/compare.ts";
import { Stream } from "../../../src/validation/statistics/random.ts";
import { binaryWorld, classWorld, errors, numberWorld, weighted, type World } from "./worlds.ts";

const { values } = parseArgs({
  options: {
    simulations: { type: "string", default: "2000" },
    metric: { type: "string", multiple: true, default: [] },
    world: { type: "string", default: "" },
    rows: { type: "string", multiple: true, default: ["200", "1000"] },
    draws: { type: "string", default: "200" },
    seed: { type: "string", default: "200" },
  },
});
const simulations = Number(values.simulations);
const replicates = Number(values.draws);
const sizes = values.rows.map(Number);
const worlds: World<Answers>[] = [
  binaryWorld("binary, balanced", 0.5, 0.5),
  binaryWorld("binary, 5 %", 0.05, 0.2),
  classWorld("3 classes, one 5 %", [0.6, 0.35, 0.05]),
  numberWorld("numbers, Student's errors", errors.student),
  weighted(binaryWorld("binary, balanced", 0.5, 0.5)),
];

console.log(
  `| share of 95 % intervals of ${simulations} that exclude 0: (wholly below it / above it) | test | ${sizes.map((rows) => `n = ${rows}`).join(" | ")} |`,
);
console.log(`| --- | --- | ${sizes.map(() => "---").join(" | ")} |`);
for (const { name: world, make } of worlds.filter(({ name }) => name.includes(values.world))) {
  const rates = new Map<string, { test: string; wrong: [number, number][] }>();
  for (const [place, rows] of sizes.entries()) {
    for (let simulation = 1; simulation <= simulations; simulation++) {
      const [candidate, production] = make(new Stream(Number(values.seed) + place, simulation), rows);
      for (const name of metricsOf(candidate.task)) {
        if (values.metric.length > 0 && !values.metric.includes(name)) continue;
        const average = averagesOf(candidate.task, name)[0] ?? null;
        const comparing = { level: 0.95, seed: simulation, replicates };
        const found = await compareAnswers(candidate, production, { name, average }, comparing);
        const rate = rates.get(name) ?? { test: "", wrong: sizes.map(() => [0, 0]) };
        rates.set(name, rate);
        if (!found?.ci) continue;
        rate.test = found.test;
        if (found.ci.hi < 0) rate.wrong[place]![0]++;
        if (found.ci.lo > 0) rate.wrong[place]![1]++;
      }
    }
  }
  const percent = (count: number) => ((100 * count) / simulations).toFixed(1);
  for (const [name, { test, wrong }] of rates) {
    const cells = wrong.map(
      ([below, above]) => `${percent(below + above)} (${percent(below)} / ${percent(above)})`,
    );
    console.log(`| ${world}: ${name} | ${test} | ${cells.join(" | ")} |`);
  }
}
const { user, system } = process.cpuUsage();
console.log(`\n${((user + system) / 1e6).toFixed(0)} seconds of processor time`);
