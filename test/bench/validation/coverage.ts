// How often 95 % intervals hold the truth: simulated for every metric, size and balance of the classes.
// node test/bench/validation/coverage.ts [--simulations 2000] [--metric rocAuc]... [--world TEXT] [--rows 200]... [--averages] [--seed 100]
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import type { Answers } from "../../../src/validation/metrics/answers.ts";
import { averagesOf, measure, metricsOf } from "../../../src/validation/metrics/measure.ts";
import type { MetricKey } from "../../../src/validation/statistics/influence.ts";
import { intervalOf } from "../../../src/validation/statistics/interval.ts";
import { Stream } from "../../../src/validation/statistics/random.ts";
import { binaryWorld, classWorld, errors, numberWorld, weighted, type World } from "./worlds.ts";

const worlds: World<Answers>[] = [
  binaryWorld("binary, balanced", 0.5, 0.5),
  binaryWorld("binary, 5 %", 0.05, 0.2),
  classWorld("3 classes, balanced", [1 / 3, 1 / 3, 1 / 3]),
  classWorld("3 classes, one 5 %", [0.6, 0.35, 0.05]),
  numberWorld("numbers, normal errors", errors.normal),
  numberWorld("numbers, Student's errors", errors.student),
  weighted(binaryWorld("binary, balanced", 0.5, 0.5)),
  weighted(numberWorld("numbers, normal errors", errors.normal)),
];
const truthRows = 1_000_000;

/** Of every metric the average that users get, or all of them. */
const keysOf = ({ task }: Answers, all: boolean): MetricKey[] =>
  metricsOf(task).flatMap((name) => {
    const averages = averagesOf(task, name);
    return (all ? averages : averages.slice(0, 1)).map((average) => ({ name, average }));
  });
const nameOf = ({ name, average }: MetricKey) => (average === null ? name : `${name} ${average}`);

interface Task {
  world: number;
  simulations: number;
  sizes: number[];
  metrics: string[];
  averages: boolean;
  /** Other seeds make other rows; the truth stays. */
  seed: number;
}
/** By metric: per size [held, below, above, without an interval]. */
type Counts = Record<string, { truth: number; method: string; sizes: [number, number, number, number][] }>;

function simulate({ world, simulations, sizes, metrics, averages, seed }: Task): Counts {
  const { make } = worlds[world]!;
  const [large] = make(new Stream(1, 0), truthRows);
  const counts: Counts = {};
  const keys = keysOf(large, averages).filter(({ name }) => metrics.length === 0 || metrics.includes(name));
  for (const { name, average, value } of measure(large)) {
    const key = nameOf({ name, average });
    if (!keys.some((one) => nameOf(one) === key)) continue;
    counts[key] = { truth: value!, method: "", sizes: sizes.map(() => [0, 0, 0, 0]) };
  }
  for (const [place, rows] of sizes.entries()) {
    for (let simulation = 1; simulation <= simulations; simulation++) {
      const [answers] = make(new Stream(seed + place, simulation), rows);
      for (const key of keys) {
        const count = counts[nameOf(key)];
        if (!count) continue;
        const ci = intervalOf(answers, key, 0.95);
        if (ci) count.method = ci.method;
        const outcome = ci === null ? 3 : count.truth < ci.lo ? 1 : count.truth > ci.hi ? 2 : 0;
        const seen = count.sizes[place]!;
        seen[outcome]++;
      }
    }
  }
  return counts;
}

if (isMainThread) {
  const { values } = parseArgs({
    options: {
      simulations: { type: "string", default: "2000" },
      metric: { type: "string", multiple: true, default: [] },
      world: { type: "string", default: "" },
      rows: { type: "string", multiple: true, default: ["200", "1000", "5000"] },
      averages: { type: "boolean", default: false },
      seed: { type: "string", default: "100" },
    },
  });
  const simulations = Number(values.simulations);
  const sizes = values.rows.map(Number);
  const { metric: metrics, averages } = values;
  const seed = Number(values.seed);
  const results: Counts[] = [];
  const waiting = worlds.flatMap(({ name }, world) => (name.includes(values.world) ? [world] : []));
  const next = async (): Promise<void> => {
    const world = waiting.shift();
    if (world === undefined) return;
    const worker = new Worker(new URL(import.meta.url), {
      workerData: { world, simulations, sizes, metrics, averages, seed },
    });
    results[world] = await new Promise<Counts>((done, failed) =>
      worker.once("message", done).once("error", failed),
    );
    await next();
  };
  await Promise.all(Array.from({ length: availableParallelism() }, next));
  console.log(
    `${simulations} simulations each; coverage of 95 % intervals in %, (truth below the interval / above it / no interval)\n`,
  );
  for (const [place, { name }] of worlds.entries()) {
    const counts = results[place];
    if (!counts || Object.keys(counts).length === 0) continue;
    console.log(`| ${name} | method | truth | ${sizes.map((rows) => `n = ${rows}`).join(" | ")} |`);
    console.log(`| --- | --- | --- | ${sizes.map(() => "---").join(" | ")} |`);
    for (const [key, { truth, method, sizes: by }] of Object.entries(counts)) {
      const cells = by.map(([held, below, above, none]) => {
        const share = (count: number) => ((100 * count) / simulations).toFixed(1);
        const made = simulations - none;
        const covered = made === 0 ? "–" : ((100 * held) / made).toFixed(1);
        return `${covered} (${share(below)} / ${share(above)}${none > 0 ? ` / ${share(none)}` : ""})`;
      });
      console.log(`| ${key} | ${method} | ${truth.toPrecision(4)} | ${cells.join(" | ")} |`);
    }
    console.log();
  }
  const { user, system } = process.cpuUsage();
  console.log(`${((user + system) / 1e6).toFixed(0)} seconds of processor time`);
} else {
  // The rule is about windows; a thread's port has no origin.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  parentPort!.postMessage(simulate(workerData as Task));
}
