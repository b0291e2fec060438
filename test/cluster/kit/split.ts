// What tests of splits have in common: a stable revision that serves, canaries tried out and taken back, users who tell sides apart.
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Fleet, HeldLock, Measurement, Revision, Traffic } from "../../../src/rollout/ports.ts";
import { userRows, type Site } from "../kit.ts";
import { RouterView } from "./router-view.ts";
import { holderCalled, openKitTarget, type Opened, type Release } from "./target.ts";

/** What users got. */
export interface Answered {
  /** Answers by the side that the router says gave them. */
  sides: Record<string, number>;
  /** Answers other than 200, and requests without one. */
  failed: number;
  cookies: string[];
}

/** One process that holds the lock, with a stable revision that serves. */
export class Split {
  readonly fleet: Fleet;
  readonly traffic: Traffic;
  readonly held: HeldLock;
  readonly #site: Site;
  readonly #opened: Opened;

  private constructor(site: Site, opened: Opened, held: HeldLock) {
    this.#site = site;
    this.#opened = opened;
    this.held = held;
    this.fleet = opened.target.fleet;
    this.traffic = opened.target.traffic;
  }

  /** Makes the first release whole and stable. */
  static async open(site: Site, releases: Release[]): Promise<Split> {
    const opened = await openKitTarget(site, releases);
    const held = await opened.target.lock.acquire(holderCalled("mlship deploy"));
    const split = new Split(site, opened, held);
    const [first] = releases;
    if (first !== undefined) {
      await split.fleet.expand(first.revision);
      await split.until("stable is whole", () => split.fleet.isWhole(first.revision));
      await split.fleet.promote(first.revision);
    }
    return split;
  }

  close(): void {
    this.#opened.cluster.close();
  }

  /** Waits, and keeps the lock. */
  async until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + 90_000;
    while (!(await isSo())) {
      if (Date.now() > deadline) throw new Error(`in vain: ${what}`);
      await sleep(300);
      await this.held.renew();
    }
  }

  async tryOut(revision: Revision, share: number): Promise<void> {
    await this.held.renew();
    await this.fleet.start(revision);
    await this.fleet.ready(revision, 60_000);
    await this.traffic.set(revision, share);
    // A machine that is busy takes its time to lead a Service's address to new pods.
    await this.until("the routers reach the canary", () => this.#isReached());
  }

  /** Whether each router finds the canary's address answered; there are none with other splits. */
  async #isReached(): Promise<boolean> {
    const selector = `app.kubernetes.io/name=${this.#site.name}-router`;
    const named = this.#site.kubectl(
      "get",
      "pods",
      "-l",
      selector,
      "-o",
      "jsonpath={.items[*].metadata.name}",
    );
    const view = new RouterView(this.#site.namespace);
    try {
      const states = await Promise.all(
        named
          .split(" ")
          .filter(Boolean)
          .map((pod) => view.read(pod)),
      );
      return states.every((state) => state?.up === true);
    } finally {
      view.keep([]);
    }
  }

  /** Keeps lock, share and canary for another 30 s, as a driver does. */
  async keep(): Promise<void> {
    await this.held.renew();
    await this.traffic.renew();
  }

  async takeBack(revision: Revision): Promise<void> {
    await this.held.renew();
    await this.traffic.fallback();
    await this.fleet.retire(revision);
  }

  /** Sends so many requests, four at a time. @param keepAlive whether connections are used again */
  async ask(
    count: number,
    headers: Record<string, string> = {},
    { body, keepAlive = true }: { body?: string; keepAlive?: boolean } = {},
  ): Promise<Answered> {
    const { host, port } = this.#site.address();
    const rows = userRows();
    const agent = new Agent({ keepAlive, maxSockets: 4 });
    const got: Answered = { sides: {}, failed: 0, cookies: [] };
    const way = { host, port, agent, path: "/predict", method: "POST" };
    const one = (text: string) =>
      new Promise<void>((resolve) => {
        const type = { "content-type": "application/json" };
        const asked = request({ ...way, headers: { ...type, ...headers } }, (answer) => {
          answer.resume();
          const side = String(answer.headers["x-mlship-side"]);
          got.sides[side] = (got.sides[side] ?? 0) + 1;
          got.cookies.push(...(answer.headers["set-cookie"] ?? []));
          if (answer.statusCode !== 200) got.failed += 1;
          answer.on("close", resolve);
        });
        asked.on("error", () => {
          got.failed += 1;
          resolve();
        });
        asked.end(text);
      });
    let sent = 0;
    const worker = async () => {
      while (sent < count) {
        const row = rows[sent % rows.length] ?? "";
        sent += 1;
        await one(body ?? `{"rows":[${row}]}`);
      }
    };
    await Promise.all(Array.from({ length: 4 }, worker));
    agent.destroy();
    return got;
  }
}

/** What was counted between two looks in one era. */
export function between(before: Measurement, after: Measurement) {
  expect(after.era).toBe(before.era);
  const minus = (a: Measurement["stable"], b: Measurement["stable"]) => ({
    requests: a.requests - b.requests,
    errors: a.errors - b.errors,
  });
  return {
    stable: minus(after.stable, before.stable),
    canary: minus(after.canary, before.canary),
    rescued: after.rescued - before.rescued,
    failed: after.failed - before.failed,
  };
}
