// Simulates rollouts under the product's own decision code: false aborts, time to detect, time to pass.
// node test/bench/rollout/simulate.ts [runs]; seeded, so that two runs print the same table.
import { addScrape, beginEvidence, excludes } from "../../../src/rollout/evidence.ts";
import { isHarmful } from "../../../src/rollout/harm.ts";
import { next } from "../../../src/rollout/machine.ts";
import type { Event, Happening } from "../../../src/rollout/event.ts";
import { beginRollout, planRollout } from "../../../src/rollout/plan.ts";
import type { RolloutValues } from "../../../src/rollout/plan.ts";
import type { Counts, Measurement } from "../../../src/rollout/ports.ts";
import type { Rollout } from "../../../src/rollout/record.ts";
import { revisionOf } from "../../../src/rollout/revision.ts";
import { binomial, generator } from "./dice.ts";
import { print, quantile } from "./table.ts";

const from = revisionOf("sim", "1.0.0", `sha256:${"a".repeat(64)}`);
const to = revisionOf("sim", "1.1.0", `sha256:${"b".repeat(64)}`);
const holder = { id: "sim", user: "sim", host: "sim", pid: 1, doing: "simulate", since: "" };

interface Scenario {
  name: string;
  requestsPerSecond: number;
  /** Error rates at a time in seconds; bursts begin where each run draws them. */
  stable: (second: number, bursts: number[]) => number;
  canary: (second: number, bursts: number[]) => number;
}

interface Run {
  rollout: Rollout;
  seconds: number;
  naiveAborts: boolean;
}

const values: RolloutValues = {
  name: "sim",
  channel: "production",
  strategy: "canary",
  steps: [5, 25, 50],
  intervalMs: 60_000,
  maxHarm: 0.01,
  maxSlowdown: 2,
  maxShift: 0.3,
  reachable: null,
  holdMs: 600_000,
  startTimeoutMs: 120_000,
  bakeMs: 0,
  requestsPerSecond: null,
};

/** One rollout, scraped each second, from GOLDEN to its outcome (or `seconds`). */
function simulate(scenario: Scenario, seed: number, longest: number): Run {
  const random = generator(seed);
  const bursts = Array.from({ length: 3 }, () => random() * 300);
  const plan = planRollout(values, to, from);
  let rollout = beginRollout(plan, { id: "sim", reason: "sim", holder, now: new Date(0) });
  const counts = { stable: { requests: 0, errors: 0 }, canary: { requests: 0, errors: 0 }, rescued: 0 };
  let second = 0;
  let share = 0;
  let stable = from;
  let owed = 0;
  const naive = { requests: 0, errors: 0, aborts: false };
  const happened = (): Happening => {
    const action = rollout.action;
    if (action?.do === "lock") return { type: "locked" };
    if (action?.do === "golden") return { type: "golden", result: { rows: 100, flips: 0, maxDelta: 0 } };
    if (action?.do === "set") ({ share } = action);
    if (action?.do === "fallback") share = 0;
    if (action?.do === "promote") [stable, share] = [to, 0];
    if (action?.do === "read") {
      const canary = stable === to ? null : to;
      const retired = rollout.retired ? null : canary;
      return { type: "read", observed: { stable, canary: retired, previous: null, share, endpoint: null } };
    }
    if (action?.do === "whole") return { type: "whole", isWhole: true };
    if (action?.do !== "measure") return { type: "acted" };
    // The driver reads the counters at once after the share came into force, then once a second.
    if (!(rollout.evidence.mixed && rollout.phase === "verify")) flow();
    const all = { ...copy(counts), failed: 0 };
    const measurement: Measurement = {
      at: second * 1000,
      era: "1",
      share,
      ready: { stable: 1, canary: 1 },
      trouble: null,
      served: null,
      ...all,
    };
    return { type: "measured", measurement };
  };
  const flow = (): void => {
    second += 1;
    owed += scenario.requestsPerSecond * share;
    const canary = Math.floor(owed);
    owed -= canary;
    const canaryErrors = binomial(random, canary, scenario.canary(second, bursts));
    const others = scenario.requestsPerSecond - canary + canaryErrors;
    counts.canary.requests += canary;
    counts.canary.errors += canaryErrors;
    counts.rescued += canaryErrors;
    counts.stable.requests += others;
    counts.stable.errors += binomial(random, others, scenario.stable(second, bursts));
    naive.requests += canary;
    naive.errors += canaryErrors;
    if (second % 60 !== 0) return;
    naive.aborts ||= naive.requests > 0 && naive.errors / naive.requests > 0.01;
    [naive.requests, naive.errors] = [0, 0];
  };
  for (;;) {
    if (rollout.phase === "done" || second >= longest) break;
    const event: Event = { ...happened(), at: second * 1000 };
    ({ rollout } = next(rollout, event));
  }
  return { rollout, seconds: second, naiveAborts: naive.aborts };
}

interface Sums {
  stable: Counts;
  canary: Counts;
  rescued: number;
}

function copy({ stable, canary, rescued }: Sums): Sums {
  return { stable: { ...stable }, canary: { ...canary }, rescued };
}

/** Counters at a constant share of 5 % of 100 requests/s, one scrape a second. */
function* atFivePercent(
  stable: number,
  canary: number,
  seed: number,
  longest: number,
): Generator<Measurement> {
  const random = generator(seed);
  const sums = { stable: { requests: 0, errors: 0 }, canary: { requests: 0, errors: 0 }, rescued: 0 };
  for (let second = 0; second <= longest; second += 1) {
    const ready = { stable: 1, canary: 1 };
    yield {
      at: second * 1000,
      era: "1",
      share: 0.05,
      failed: 0,
      ready,
      trouble: null,
      served: null,
      ...copy(sums),
    };
    const canaryErrors = binomial(random, 5, canary);
    sums.canary.requests += 5;
    sums.canary.errors += canaryErrors;
    sums.rescued += canaryErrors;
    sums.stable.requests += 95 + canaryErrors;
    sums.stable.errors += binomial(random, 95 + canaryErrors, stable);
  }
}

/** Seconds until FAIL, by the product's test and by a threshold of 1 % per minute; null: not within 1 h. */
function detect(rate: number, seed: number) {
  const { plan } = planRollout({ ...values, steps: [5] }, to, from);
  let evidence = beginEvidence(plan);
  let found: { seconds: number; errors: number } | null = null;
  let naive: number | null = null;
  let minute = { requests: 0, errors: 0 };
  for (const measurement of atFivePercent(0.001, rate, seed, 3600)) {
    const seconds = measurement.at / 1000;
    const { canary } = measurement;
    evidence = addScrape(evidence, measurement, plan);
    if (found === null && isHarmful(evidence.harm, canary.errors)) found = { seconds, errors: canary.errors };
    if (seconds > 0 && seconds % 60 === 0) {
      if ((canary.errors - minute.errors) / (canary.requests - minute.requests) > 0.01) naive ??= seconds;
      minute = canary;
    }
    if (found !== null && naive !== null) break;
  }
  return { found, naive };
}

/** Canary requests until PASS for 100 %; null: not within 20 min. */
function passes(stable: number, canary: number, seed: number): number | null {
  const { plan } = planRollout({ ...values, steps: [5] }, to, from);
  let evidence = beginEvidence(plan);
  for (const measurement of atFivePercent(stable, canary, seed, 1200)) {
    evidence = addScrape(evidence, measurement, plan);
    if (excludes(evidence, values.maxHarm)) return measurement.canary.requests;
  }
  return null;
}

function isBurst(second: number, bursts: number[]): boolean {
  return bursts.some((begin) => second >= begin && second < begin + 5);
}

const flat = (rate: number) => () => rate;
const burst = (calm: number, bad: number) => (second: number, bursts: number[]) =>
  isBurst(second, bursts) ? bad : calm;
const plain = { requestsPerSecond: 100 };
const runs = Number(process.argv[2] ?? 4000);
const began = process.cpuUsage();

console.log(`A good canary, 5 → 25 → 50 → 100 %, 60 s intervals, 1 s scrapes; ${runs} rollouts each\n`);
const goodOnes: Scenario[] = [
  { ...plain, name: "no errors, 100/s", stable: flat(0), canary: flat(0) },
  { ...plain, name: "0.1 % errors on both, 100/s", stable: flat(0.001), canary: flat(0.001) },
  {
    ...plain,
    name: "0.1 % errors on both, 20/s",
    stable: flat(0.001),
    canary: flat(0.001),
    requestsPerSecond: 20,
  },
  { ...plain, name: "1 % errors on both, 100/s", stable: flat(0.01), canary: flat(0.01) },
  {
    ...plain,
    name: "0.1 %, three 5 s bursts of 30 % on both",
    stable: burst(0.001, 0.3),
    canary: burst(0.001, 0.3),
  },
];
print([
  [
    "good canary",
    "false aborts",
    "promoted",
    "inconclusive",
    "time p50 / p95",
    "threshold 1 % per minute aborts",
  ],
  ...goodOnes.map((scenario, index) => {
    const all = Array.from({ length: runs }, (_none, run) => simulate(scenario, index * 1e7 + run, 2000));
    const share = (outcome: string) => {
      const count = all.filter((run) => run.rollout.outcome === outcome).length;
      return `${count} (${((100 * count) / runs).toFixed(2)} %)`;
    };
    const times = all.filter((run) => run.rollout.outcome === "promoted").map((run) => run.seconds);
    times.sort((a, b) => a - b);
    const naive = all.filter((run) => run.naiveAborts).length;
    return [
      scenario.name,
      share("rolled-back"),
      share("promoted"),
      share("inconclusive"),
      `${quantile(times, 0.5)} / ${quantile(times, 0.95)} s`,
      `${((100 * naive) / runs).toFixed(1)} %`,
    ];
  }),
]);

const fewer = Math.ceil(runs / 4);
console.log(
  `A bad canary held at 5 % of 100 requests/s, stable fails 0.1 %; ${fewer} runs each, at most 1 h\n`,
);
print([
  [
    "canary fails",
    "time to FAIL p50 / p95",
    "canary errors p50 / p95",
    "missed",
    "threshold 1 % per minute p50 / p95",
  ],
  ...[1, 0.05, 0.01].map((rate, index) => {
    const all = Array.from({ length: fewer }, (_none, run) => detect(rate, 1e8 + index * 1e7 + run));
    const found = all.flatMap((run) => (run.found === null ? [] : [run.found]));
    const times = found.map((run) => run.seconds).sort((a, b) => a - b);
    const errors = found.map((run) => run.errors).sort((a, b) => a - b);
    const naive = all.map((run) => run.naive ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
    return [
      `${rate * 100} %`,
      `${quantile(times, 0.5)} / ${quantile(times, 0.95)} s`,
      `${quantile(errors, 0.5)} / ${quantile(errors, 0.95)}`,
      `${(100 - (100 * found.length) / fewer).toFixed(2)} %`,
      `${quantile(naive, 0.5)} / ${quantile(naive, 0.95)} s`,
    ];
  }),
]);

const passRuns = Math.ceil(runs / 4);
console.log(
  `PASS for the step to 100 %: an excess of 1 % excluded with 95 % confidence; ${passRuns} runs each, at most 20 min\n`,
);
const pairs: [name: string, stable: number, canary: number][] = [
  ["no errors on both", 0, 0],
  ["0.1 % on both", 0.001, 0.001],
  ["1 % on both", 0.01, 0.01],
  ["excess of exactly 1 % over 0.1 % (a wrong pass)", 0.001, 0.011],
  ["excess of exactly 1 % over 1 % (a wrong pass)", 0.01, 0.02],
];
print([
  ["canary against stable", "passed", "canary requests p50 / p95"],
  ...pairs.map(([name, stable, canary], index) => {
    const all = Array.from({ length: passRuns }, (_none, run) =>
      passes(stable, canary, 2e8 + index * 1e7 + run),
    );
    const passed = all.filter((requests) => requests !== null).sort((a, b) => a - b);
    const share = `${((100 * passed.length) / passRuns).toFixed(1)} %`;
    return [name, share, `${quantile(passed, 0.5)} / ${quantile(passed, 0.95)}`];
  }),
]);
const { user, system } = process.cpuUsage(began);
console.log(`${((user + system) / 1e6).toFixed(1)} s of CPU on Node ${process.version}`);
