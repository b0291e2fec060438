// Simulates hours of canary traffic under all three tests at once: false aborts, and time to detect.
// node test/bench/rollout/hours.ts [hours] [runs per fault]; seeded, so that two runs print the same table.
import { addScrape } from "../../../src/rollout/evidence.ts";
import { findBreach } from "../../../src/rollout/judge.ts";
import { beginRollout, planRollout } from "../../../src/rollout/plan.ts";
import type { Answers, Counts, Measurement } from "../../../src/rollout/ports.ts";
import { revisionOf } from "../../../src/rollout/revision.ts";
import { binomial, generator } from "./dice.ts";
import { print, quantile } from "./table.ts";

const from = revisionOf("sim", "1.0.0", `sha256:${"a".repeat(64)}`);
const to = revisionOf("sim", "1.1.0", `sha256:${"b".repeat(64)}`);
const holder = { id: "sim", user: "sim", host: "sim", pid: 1, doing: "simulate", since: "" };

/** The server's own bounds, in seconds. */
const bounds = [
  0.0005,
  0.00075,
  0.001,
  0.0015,
  0.002,
  0.0025,
  0.0035,
  0.005,
  0.0075,
  0.01,
  0.015,
  0.02,
  0.025,
  0.035,
  0.05,
  0.075,
  0.1,
  0.15,
  0.2,
  0.25,
  0.35,
  0.5,
  0.75,
  1,
  1.5,
  2,
  2.5,
  3.5,
  5,
  7.5,
  10,
  Number.POSITIVE_INFINITY,
];

/** What is wrong with the canary. */
interface Fault {
  errors: number;
  slowdown: number;
  /** The one answer that it gives, or null when it answers as stable does. */
  constant: string | null;
}

const none: Fault = { errors: 0.001, slowdown: 1, constant: null };
const draws = 4096;
const levels = 16;

/**
 * Buckets of random durations: 97 % lognormal around 8 ms (σ 0.5), 3 % Pareto from 30 ms on (α 1.5,
 * so that their variance is infinite), all times a level of drift and times the slowdown.
 */
function durations(slowdown: number): Uint8Array[] {
  const random = generator(99);
  return Array.from({ length: levels }, (_none, level) => {
    const scale = slowdown * 2 ** (-1 + (2 * level) / (levels - 1));
    return Uint8Array.from({ length: draws }, () => {
      const angle = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      const tail = 0.03 * (1 - random()) ** (-1 / 1.5);
      const duration = scale * (random() < 0.03 ? tail : 0.008 * Math.exp(0.5 * angle));
      return bounds.findIndex((bound) => duration <= bound);
    });
  });
}

const stalled = bounds.indexOf(0.35);

class Side {
  readonly counts: Counts = { requests: 0, errors: 0 };
  readonly #buckets = bounds.map(() => 0);
  readonly #said: Record<string, number> = { a: 0, b: 0, c: 0 };
  readonly #random: () => number;
  readonly #durations: Uint8Array[];
  readonly #fault: Fault;

  constructor(random: () => number, fault: Fault) {
    this.#random = random;
    this.#durations = durations(fault.slowdown);
    this.#fault = fault;
  }

  /** One second of requests, spread over servers each of which stalls 0.3 s now and then. */
  serve(requests: number, servers: number, second: number, isBurst: boolean): number {
    const random = this.#random;
    const { constant } = this.#fault;
    const errors = binomial(random, requests, isBurst ? 0.3 : this.#fault.errors);
    this.counts.requests += requests;
    this.counts.errors += errors;
    const drift = Math.sin((2 * Math.PI * second) / 1800);
    const level = Math.min(levels - 1, Math.round(((drift + 1) / 2) * (levels - 1)) + (isBurst ? 6 : 0));
    const table = this.#durations[level]!;
    // The mix of inputs drifts on both sides alike.
    const a = 0.35 + 0.2 * Math.sin((2 * Math.PI * second) / 2400);
    for (let server = 0; server < servers; server += 1) {
      const isStalling = random() < 1 / 30;
      const share = Math.floor(requests / servers) + (server < requests % servers ? 1 : 0);
      for (let request = 0; request < share; request += 1) {
        const isCaught = isStalling && random() < 0.3;
        this.#buckets[isCaught ? stalled : table[Math.floor(random() * draws)]!]! += 1;
        const draw = random();
        // One request in twenty brings ten rows that are much alike.
        const rows = random() < 0.05 ? 10 : 1;
        const answer = constant ?? (draw < a ? "a" : draw < a + 0.3 ? "b" : "c");
        this.#said[answer] = (this.#said[answer] ?? 0) + rows;
      }
    }
    return errors;
  }

  read(): Answers {
    let within = 0;
    const seconds = bounds.map((bound, at) => ({ bound, count: (within += this.#buckets[at]!) }));
    return { seconds, said: { ...this.#said } };
  }
}

/** The rollout's record after each scrape of an hour, until a breach. */
function hour(seed: number, fault: Fault, shareAt: (second: number) => number) {
  const random = generator(seed);
  const values = {
    name: "sim",
    channel: "production",
    strategy: "canary" as const,
    steps: [5, 25, 50],
    intervalMs: 0,
    maxHarm: 0.01,
    maxSlowdown: 2,
    maxShift: 0.3,
    reachable: null,
    holdMs: 0,
    startTimeoutMs: 0,
    bakeMs: 0,
    requestsPerSecond: null,
  };
  const plan = planRollout(values, to, from);
  const rollout = beginRollout(plan, { id: "sim", reason: "sim", holder, now: new Date(0) });
  const stable = new Side(random, none);
  const canary = new Side(random, fault);
  const bursts = Array.from({ length: 6 }, () => random() * 3600);
  let owed = 0;
  let rescued = 0;
  for (let second = 0; second <= 3600; second += 1) {
    const share = shareAt(second);
    const measurement: Measurement = {
      at: second * 1000,
      era: "1",
      share,
      stable: { ...stable.counts },
      canary: { ...canary.counts },
      rescued,
      failed: 0,
      ready: { stable: 3, canary: 1 },
      trouble: null,
      served: { stable: stable.read(), canary: canary.read() },
    };
    rollout.evidence = addScrape(rollout.evidence, measurement, plan.plan);
    const breach = findBreach(rollout);
    if (breach !== null) return { code: breach.code, seconds: second, seen: canary.counts };
    const isBurst = bursts.some((begin) => second >= begin && second < begin + 5);
    owed += 100 * share;
    const tried = Math.floor(owed);
    owed -= tried;
    const failed = canary.serve(tried, Math.max(1, Math.ceil(3 * share)), second, isBurst);
    rescued += failed;
    stable.serve(100 - tried + failed, 3, second, isBurst);
  }
  return null;
}

const hours = Number(process.argv[2] ?? 1000);
const began = process.cpuUsage();
console.log(
  `A good canary for 1 h at 100 requests/s, 20 min each at 5, 25 and 50 %; ${hours} rollouts.
Both sides alike: 0.1 % errors; durations with an infinite variance that drift by 4 within 15 min; servers that
stall; a mix of answers that drifts by 40 points; six bursts of 5 s with 30 % errors and everything slower.\n`,
);
const wrong = Array.from({ length: hours }, (_none, run) =>
  hour(3e8 + run, none, (second) => [0.05, 0.25, 0.5][Math.min(2, Math.floor(second / 1200))]!),
).filter((end) => end !== null);
const byCode = (code: string) => wrong.filter((end) => end.code === code).length;
print([
  ["false aborts", "by errors", "by durations", "by answers"],
  [
    `${wrong.length} of ${hours}`,
    ...["rollout.harmful", "rollout.slow", "rollout.shifted"].map((code) => `${byCode(code)}`),
  ],
]);

const fewer = Number(process.argv[3] ?? 200);
console.log(`A bad canary in the same world, held at 5 %; ${fewer} runs each, at most 1 h\n`);
const faults: [name: string, fault: Fault][] = [
  ["100 % errors", { ...none, errors: 1 }],
  ["5 % errors", { ...none, errors: 0.05 }],
  ["1 % errors", { ...none, errors: 0.01 }],
  ["twice as slow", { ...none, slowdown: 2 }],
  ["5 times as slow", { ...none, slowdown: 5 }],
  ["one answer always (35 % of stable's)", { ...none, constant: "a" }],
  ["no finite number", { ...none, constant: "NaN" }],
];
print([
  ["canary", "seconds to abort p50 / p95", "canary requests p50 / p95", "aborted for", "missed"],
  ...faults.map(([name, fault], index) => {
    const all = Array.from({ length: fewer }, (_none, run) =>
      hour(4e8 + index * 1e7 + run, fault, () => 0.05),
    );
    const found = all.filter((end) => end !== null);
    const ordered = (numbers: number[]) => numbers.toSorted((a, b) => a - b);
    const times = ordered(found.map((end) => end.seconds));
    const requests = ordered(found.map((end) => end.seen.requests));
    return [
      name,
      `${quantile(times, 0.5)} / ${quantile(times, 0.95)}`,
      `${quantile(requests, 0.5)} / ${quantile(requests, 0.95)}`,
      [...new Set(found.map((end) => end.code))].join(", "),
      `${(100 - (100 * found.length) / fewer).toFixed(1)} %`,
    ];
  }),
]);
const { user, system } = process.cpuUsage(began);
console.log(`${((user + system) / 1e6).toFixed(1)} s of CPU on Node ${process.version}`);
