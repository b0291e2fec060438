// Evidence that is missing, in bursts, begun again or the same on both sides, on the real cluster: a good canary is never blamed for it.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { errorOf } from "../../src/rollout/outcome.ts";
import type { News } from "../../src/rollout/driver.ts";
import type { Measurement } from "../../src/rollout/ports.ts";
import type { Rollout } from "../../src/rollout/record.ts";
import { openSite, userRows, type Site, type Variant } from "./kit.ts";
import { ship } from "./kit/ship.ts";
import { openKitTarget, releaseOf, type Opened } from "./kit/target.ts";

/** A model container of somebody else's: the same answers, and no counters. */
const foreign = `
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def say(self, code, body):
        self.send_response(code)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        known = self.path.startswith("/health/")
        self.say(200 if known else 404, b"{}")
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        columns = asked.get("columns") or {key: [row[key] for row in asked["rows"]] for key in ("a", "b")}
        answers = [(a + b) * 3.5 for a, b in zip(columns["a"], columns["b"])]
        self.say(200, json.dumps({"predictions": answers}).encode())
    def log_message(self, *_):
        pass
ThreadingHTTPServer(("", 8080), Handler).serve_forever()
`;

const variants = {
  first: { version: "1.0.0" },
  alone: { version: "1.1.0", canary: { steps: [20], intervalMs: 2_000, holdMs: 5_000 } },
  // Longer than it takes: a canary that needs all of it on a slow machine is still a good one.
  outage: { version: "1.2.0", canary: { holdMs: 120_000 } },
  bursts: { version: "1.3.0" },
  bereft: { version: "1.4.0" },
  silent: { version: "1.5.0", container: { command: ["python3", "-c", foreign], args: [] } },
} satisfies Record<string, Variant>;

let site: Site;
let opened: Opened;

const release = (name: keyof typeof variants) => {
  const variant: Variant = variants[name];
  return releaseOf(site, { ...variant, canary: { steps: [20], bakeMs: 0, ...variant.canary } });
};

beforeAll(async () => {
  site = openSite("evidence");
  const names = Object.keys(variants) as (keyof typeof variants)[];
  opened = await openKitTarget(site, names.map(release));
  await ship(opened, release("first"));
});

afterAll(async () => {
  opened.cluster.close();
  await site.close();
});

/** A rollout under way, and what was seen of it. */
class Underway {
  readonly news: News[] = [];
  readonly rollout: Promise<Rollout>;
  readonly #began = Date.now();

  constructor(name: keyof typeof variants) {
    this.rollout = ship(opened, release(name), (news) => this.news.push(news)).then(({ rollout }) => {
      const { code, why } = errorOf(rollout) ?? {};
      const took = ((Date.now() - this.#began) / 1000).toFixed(1);
      process.stdout.write(
        `${name}: ${rollout.outcome} after ${took} s: ${code}: ${why}\n${rollout.log.map(({ at, action }) => `  ${at} ${action}`).join("\n")}\n`,
      );
      return rollout;
    });
  }

  get measured(): Measurement[] {
    return this.news.flatMap((one) => (one.type === "measured" ? [one.measurement] : []));
  }

  get held(): string[] {
    return this.news.flatMap((one) =>
      one.type === "moved" && one.text.startsWith("hold: ") ? [one.text] : [],
    );
  }

  async until(what: string, isSo: () => boolean): Promise<void> {
    const deadline = Date.now() + 60_000;
    while (!isSo()) {
      if (Date.now() > deadline) throw new Error(`in vain: ${what}`);
      await sleep(100);
    }
  }
}

test("nobody asks: held until the deadline, then taken back without blame", async () => {
  const watcher = site.watch(2);
  const rollout = await new Underway("alone").rollout;
  expect(rollout).toMatchObject({
    outcome: "inconclusive",
    why: {
      code: "rollout.inconclusive",
      exit: "inconclusive",
      why: expect.stringMatching(/the canary answered 0 requests .* about \d+ .* are needed/),
    },
  });
  expect(await opened.target.observe()).toMatchObject({ stable: { version: "1.0.0" }, canary: null });
  expect(await watcher.stop()).toEqual([]);
});

test("what both sides need is down: held, and promoted when it is back", async () => {
  const load = site.load(30);
  const underway = new Underway("outage");
  await underway.until("the canary has users", () => underway.measured.some(({ share }) => share > 0));
  const failing = site.load(30, { rows: ['{"a":0,"b":-1000}'] });
  await underway.until("both sides fail", () => underway.held.includes("hold: stable-errors"));
  await failing.stop();
  const rollout = await underway.rollout;
  expect({ outcome: rollout.outcome, why: rollout.why }).toEqual({ outcome: "promoted", why: null });
  expect(rollout.verdict?.canaryErrors).toBeGreaterThan(0);
  expect(rollout.verdict?.stableErrors).toBeGreaterThan(0);
  expect((await load.stop()).failures).toEqual([]);
});

test("users come in bursts on connections that they keep, and a router dies among them", async () => {
  const watcher = site.watch(2);
  const failures: string[] = [];
  const over = new AbortController();
  const bursts = (async () => {
    while (!over.signal.aborted) {
      const load = site.load(200, { seconds: 3 });
      await sleep(3_000);
      failures.push(...(await load.stop()).failures);
      await sleep(3_000);
    }
  })();
  const underway = new Underway("bursts");
  await underway.until("the canary has users", () =>
    underway.measured.some(({ share, canary }) => share > 0 && canary.requests > 0),
  );
  const { era } = underway.measured.at(-1) ?? {};
  const [pod = ""] = site
    .kubectl("get", "pods", "-l", `app.kubernetes.io/name=${site.name}-router`, "-o", "name")
    .split("\n");
  site.kubectl("delete", pod, "--wait=false");
  const rollout = await underway.rollout;
  over.abort();
  await bursts;
  expect({ outcome: rollout.outcome, why: rollout.why }).toEqual({ outcome: "promoted", why: null });
  const eras = underway.measured.map((one) => one.era);
  expect(eras.some((one) => one !== era)).toBe(true);
  // The one that took its place was given the share as well.
  const back = underway.measured.slice(eras.lastIndexOf(era ?? "") + 1);
  expect(back.some(({ share }) => share > 0.19 && share < 0.21)).toBe(true);
  expect(failures).toEqual([]);
  expect(await watcher.stop()).toEqual([]);
});

test("stable dies beside the canary: held, and promoted when it is back", async () => {
  const load = site.load(30);
  const underway = new Underway("bereft");
  await underway.until("the canary has users", () => underway.measured.some(({ share }) => share > 0));
  const { stable } = await opened.target.observe();
  const instance = `app.kubernetes.io/instance=${stable?.id ?? ""}`;
  const takeAway = () =>
    site.kubectl("delete", "pods", "-l", instance, "--force", "--grace-period=0", "--wait=false");
  takeAway();
  // Servers that start fast may be back before anybody looks: they are taken away until they are missed.
  const again = setInterval(takeAway, 3000);
  await underway
    .until("stable is missed", () => underway.held.includes("hold: stable-down"))
    .finally(() => clearInterval(again));
  const rollout = await underway.rollout;
  const { sent, failed } = await load.stop();
  process.stdout.write(
    `held ${underway.held.join()}: ${failed} of ${sent} requests failed while stable was gone\n`,
  );
  expect({ outcome: rollout.outcome, why: rollout.why }).toEqual({ outcome: "promoted", why: null });
});

test("servers that count nothing are judged by what the routers count", async () => {
  const watcher = site.watch(2);
  const load = site.load(30, { keepAlive: false, rows: userRows(50) });
  const underway = new Underway("silent");
  const rollout = await underway.rollout;
  expect({ outcome: rollout.outcome, why: rollout.why }).toEqual({ outcome: "promoted", why: null });
  expect(underway.measured.filter(({ share }) => share > 0).every(({ served }) => served === null)).toBe(
    true,
  );
  const { failures } = await load.stop();
  expect(failures).toEqual([]);
  expect(await watcher.stop()).toEqual([]);
});
