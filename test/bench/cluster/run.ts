// Rollouts on the testbed's cluster, timed: `node test/bench/cluster/run.ts [scenario] [rounds]`. Needs the testbed (npm run testbed).
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import findEngines from "../../e2e/setup.ts";
import { openSite, type Site, type Variant } from "../../cluster/kit.ts";
import { buildKitImage } from "../../cluster/kit/image.ts";
import type { Drive, Said } from "../../cluster/kit/driver.ts";
import { RouterView } from "../../cluster/kit/router-view.ts";
import { holderCalled, openKitTarget, releaseOf } from "../../cluster/kit/target.ts";

type Ended = Extract<Said, { type: "ended" }>;

/** A driver in a process of its own. */
class Driver {
  readonly said: Said[] = [];
  readonly #child;
  readonly #ended: Promise<void>;

  constructor(site: Site, variants: Variant[]) {
    const drive: Drive = { namespace: site.namespace, name: site.name, variants };
    const args = ["test/cluster/kit/driver.ts", JSON.stringify(drive)];
    this.#child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    createInterface({ input: this.#child.stdout }).on("line", (line) =>
      this.said.push(JSON.parse(line) as Said),
    );
    this.#ended = new Promise((resolve) => this.#child.once("exit", () => resolve()));
  }

  /** Waits for its last word. @throws when it ended without one */
  async ended(): Promise<Ended> {
    await this.#ended;
    const last = this.said.at(-1);
    if (last?.type !== "ended") throw new Error("the driver ended without a word");
    return last;
  }

  /** Waits until it says something. */
  async until<S extends Said>(is: (said: Said) => said is S): Promise<S> {
    for (let waited = 0; waited < 4_000; waited += 1) {
      const found = this.said.find(is);
      if (found !== undefined) return found;
      if (this.#child.exitCode !== null) break;
      await sleep(50);
    }
    throw new Error(`did not come: ${JSON.stringify(this.said.slice(-3))}`);
  }

  async kill(): Promise<number> {
    this.#child.kill("SIGKILL");
    await this.#ended;
    return Date.now();
  }
}

/** What the routers did in a stretch of time, looked at ten times a second. */
interface Seen {
  /** Milliseconds since 1970; null when it did not happen. */
  firstFailure: number | null;
  /** No router sends to the canary any more, after the first failure or after the share was set. */
  off: number | null;
  /** Attempts that the canary failed. */
  failedAttempts: number;
}

/** Looks until told to stop. */
function look(site: Site): { stop: () => Promise<Seen> } {
  const view = new RouterView(site.namespace);
  const over = new AbortController();
  const seen: Seen = { firstFailure: null, off: null, failedAttempts: 0 };
  const selector = `app.kubernetes.io/name=${site.name}-router`;
  const pods = site
    .kubectl("get", "pods", "-l", selector, "-o", "jsonpath={.items[*].metadata.name}")
    .split(" ");
  const looking = (async () => {
    let base: number | null = null;
    let wasOn = false;
    while (!over.signal.aborted) {
      const states = (await Promise.all(pods.map((pod) => view.read(pod)))).filter((one) => one !== null);
      if (states.length === pods.length) {
        const failed = states.reduce((sum, state) => sum + state.failed, 0);
        base ??= failed;
        seen.failedAttempts = Math.max(seen.failedAttempts, failed - base);
        if (failed > base) seen.firstFailure ??= Date.now();
        const isOn = states.some(({ share, up }) => share > 0 && up);
        if (wasOn && !isOn) seen.off = Date.now();
        if (isOn) seen.off = null;
        wasOn = isOn;
      }
      await sleep(100);
    }
    view.keep([]);
  })();
  return {
    async stop() {
      over.abort();
      await looking;
      return seen;
    },
  };
}

const good: Variant = { version: "1.0.0", replicas: 2 };
const slowLoad = { canary: { steps: [5, 25, 50], intervalMs: 5_000, maxHarm: 0.01, bakeMs: 2_000 } };
const variant = (version: string, more: Variant): Variant => ({ ...good, ...slowLoad, ...more, version });

/** A site on which the good version serves. */
async function settled(): Promise<Site> {
  const site = openSite("bench");
  const driver = new Driver(site, [good]);
  const { outcome, why } = await driver.ended();
  if (outcome !== "promoted") throw new Error(`the first release was not promoted: ${why}`);
  return site;
}

interface Scenario {
  name: string;
  /** Limit as the project states it. */
  limit: string;
  rounds: number;
  /** One round on a settled site. @returns figures by name */
  round(site: Site, index: number): Promise<Record<string, number>>;
}

/** A canary with a fault at 5 % of 100 requests a second, until it is off. */
async function takenBack(
  site: Site,
  fault: Variant["fault"],
  index: number,
): Promise<Record<string, number>> {
  const load = site.load(100);
  const looking = look(site);
  const driver = new Driver(site, [good, variant(`2.0.${index}`, { fault: { ...fault } })]);
  const { outcome } = await driver.ended();
  const seen = await looking.stop();
  const { failed } = await load.stop();
  if (outcome !== "rolled-back") throw new Error(`ended as ${outcome}`);
  if (seen.firstFailure === null || seen.off === null) throw new Error("nothing was seen");
  return {
    "first failure to weight 0, s": (seen.off - seen.firstFailure) / 1000,
    "failed attempts": seen.failedAttempts,
    "failed for users": failed,
  };
}

const scenarios: Scenario[] = [
  {
    name: "fails-all",
    limit: "p95 ≤ 4 s, ≤ 25 failed attempts, 0 for users",
    rounds: 20,
    round: (site, index) => takenBack(site, { fail: 1 }, index),
  },
  {
    name: "fails-5-percent",
    limit: "p50 ≤ 25 s",
    rounds: 9,
    round: (site, index) => takenBack(site, { fail: 0.05 }, index),
  },
  {
    name: "driver-killed",
    limit: "stable has everything ≤ 45 s later, 0 failed; lock taken over ≤ 35 s",
    rounds: 5,
    async round(site, index) {
      const load = site.load(100);
      const looking = look(site);
      const driver = new Driver(site, [good, variant(`2.0.${index}`, {})]);
      await driver.until((said): said is Said => said.type === "measured" && said.share > 0.4);
      const killed = await driver.kill();
      const opened = await openKitTarget(site, [releaseOf(site, good)]);
      const held = await opened.target.lock.acquire(holderCalled("bench"));
      const taken = Date.now();
      await held.release();
      for (let waited = 0; waited < 600; waited += 1) {
        const ready = site.kubectl("get", "pods", "-l", "mlship.dev/role=canary", "-o", "name").trim();
        if (ready === "") break;
        await sleep(100);
      }
      await sleep(1_000);
      const seen = await looking.stop();
      const { failed } = await load.stop();
      opened.cluster.close();
      if (seen.off === null) throw new Error("the canary stayed");
      // The next driver clears up.
      const next = new Driver(site, [good, variant(`2.1.${index}`, { deploy: { strategy: "blue-green" } })]);
      const { outcome } = await next.ended();
      if (outcome !== "promoted") throw new Error(`the next deploy ended as ${outcome}`);
      const back = new Driver(site, [good]);
      await back.ended();
      return {
        "killed to stable alone, s": (seen.off - killed) / 1000,
        "killed to lock taken over, s": (taken - killed) / 1000,
        "failed for users": failed,
      };
    },
  },
  {
    name: "rollback-in-bake",
    limit: "≤ 5 s",
    rounds: 5,
    async round(site, index) {
      const load = site.load(100);
      const bake = { ...slowLoad.canary, bakeMs: 120_000 };
      const driver = new Driver(site, [
        good,
        variant(`2.0.${index}`, { canary: bake, deploy: { strategy: "blue-green" } }),
      ]);
      await driver.until(
        (said): said is Said => said.type === "measured" || (said.type === "moved" && said.phase === "bake"),
      );
      await sleep(3_000);
      const opened = await openKitTarget(site, [releaseOf(site, good)]);
      const begun = Date.now();
      await opened.target.records.wish("abort");
      let back = 0;
      for (let waited = 0; waited < 400 && back === 0; waited += 1) {
        const instance = site.kubectl(
          "get",
          "service",
          `${site.name}-stable`,
          "-o",
          "jsonpath={.spec.selector.app\\.kubernetes\\.io/instance}",
        );
        if (instance === releaseOf(site, good).revision.id) back = Date.now();
        await sleep(50);
      }
      await driver.ended();
      const { failed } = await load.stop();
      opened.cluster.close();
      if (back === 0) throw new Error("stable did not come back");
      return { "wish to stable again, s": (back - begun) / 1000, "failed for users": failed };
    },
  },
  {
    name: "good",
    limit: "0 failed at 200 requests/s",
    rounds: 1,
    async round(site, index) {
      const load = site.load(200);
      const begun = Date.now();
      const driver = new Driver(site, [good, variant(`2.0.${index}`, {})]);
      const { outcome, why } = await driver.ended();
      const { failed, answered, failures } = await load.stop();
      if (outcome !== "promoted") throw new Error(`ended as ${outcome}: ${why}`);
      if (failed > 0) process.stdout.write(`${failures.join("\n")}\n`);
      return { "start to promoted, s": (Date.now() - begun) / 1000, answered, "failed for users": failed };
    },
  },
  {
    name: "cannot-start",
    limit: "reported with cause ≤ 10 s",
    rounds: 3,
    async round(site, index) {
      const figures: Record<string, number> = {};
      const image = `${process.env["MLSHIP_TEST_REGISTRY"]}/no/such:image`;
      const cases = {
        "image that is not there": { image },
        "server that crashes": { fault: { loadError: "no such file: weights.bin" } },
      };
      for (const [name, more] of Object.entries(cases)) {
        const driver = new Driver(site, [good, variant(`2.0.${index}`, more)]);
        const begun = await driver.until(
          (said): said is Said => said.type === "moved" && said.phase === "canary-up",
        );
        const told = await driver.until(
          (said): said is Said => said.type === "moved" && said.phase === "abort",
        );
        await driver.ended();
        figures[`${name}: started to reported, s`] = (told.at - begun.at) / 1000;
      }
      return figures;
    },
  },
];

function quantile(sorted: readonly number[], at: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * at) - 1)] ?? Number.NaN;
}

findEngines();
process.env["MLSHIP_TEST_KIT_IMAGE"] = await buildKitImage();
const [only, wanted] = process.argv.slice(2);
for (const scenario of scenarios.filter(({ name }) => only === undefined || name === only)) {
  const rounds = Number(wanted ?? scenario.rounds);
  const site = await settled();
  const figures = new Map<string, number[]>();
  try {
    for (let index = 0; index < rounds; index += 1) {
      const round = await scenario.round(site, index);
      for (const [name, value] of Object.entries(round))
        figures.set(name, [...(figures.get(name) ?? []), value]);
    }
  } finally {
    await site.close();
  }
  process.stdout.write(`\n${scenario.name}, ${rounds} rounds (limit: ${scenario.limit})\n`);
  for (const [name, values] of figures) {
    const sorted = values.toSorted((a, b) => a - b);
    const shown = [0.5, 0.95, 1].map((at) => Number(quantile(sorted, at).toFixed(1)));
    process.stdout.write(`  ${name}: p50 ${shown[0]}, p95 ${shown[1]}, most ${shown[2]}\n`);
  }
}
