// Canaries that go wrong in ways of their own, on the real cluster and under users: each is taken back, told in words, and costs no user an answer.
import { afterAll, beforeAll, expect, test } from "vitest";
import { errorOf } from "../../src/rollout/outcome.ts";
import { openSite, type Site, type Variant } from "./kit.ts";
import { ship, type Shipped } from "./kit/ship.ts";
import { openKitTarget, releaseOf, type Opened } from "./kit/target.ts";

/** What goes wrong, and how it must end. */
interface Case {
  what: string;
  variant: Variant;
  /** Requests of users a second. */
  rate: number;
  code: string;
  /** Said to the user. */
  why: RegExp;
  /** Whether a user's request may have reached it. */
  reached: boolean;
}

const cases: Case[] = [
  {
    what: "answers golden rows wrongly",
    variant: { version: "1.1.0", fault: { offset: 0.01 } },
    rate: 10,
    code: "rollout.golden",
    why: /an answer to 100 golden rows is off by 0\.01/,
    reached: false,
  },
  {
    what: "loads longer than it may",
    variant: { version: "1.2.0", fault: { slowLoad: 300 }, canary: { startTimeoutMs: 12_000 } },
    rate: 10,
    code: "rollout.not-ready",
    why: /0 of 1 servers were ready after \d+ s|ended by the kubelet|ended by itself/,
    reached: false,
  },
  {
    what: "is killed for memory under load only",
    variant: {
      version: "1.3.0",
      fault: { leak: 8 },
      deploy: { resources: { cpu: "1", memory: "160Mi" } },
    },
    rate: 40,
    code: "rollout.canary-trouble",
    why: /container server was killed for memory \(OOMKilled\)/,
    reached: true,
  },
  {
    what: "is ready and then dies",
    variant: { version: "1.4.0", fault: { exitAfter: 5 } },
    rate: 40,
    code: "rollout.canary-trouble",
    why: /the licence of the model has expired/,
    reached: true,
  },
  {
    what: "loads slowly and answers every user the same",
    variant: { version: "1.5.0", fault: { slowLoad: 4, constant: 7 } },
    rate: 40,
    code: "rollout.shifted",
    why: /of its answers are others, more than 30 %/,
    reached: true,
  },
  {
    what: "answers users with NaN, which its server refuses",
    variant: { version: "1.6.0", fault: { nan: true } },
    rate: 40,
    code: "rollout.harmful",
    why: /^(\d+) of \1 canary requests failed, 0 of \d+ on stable/,
    reached: true,
  },
  {
    what: "is only slow",
    variant: { version: "1.7.0", fault: { sleep: 0.3 } },
    rate: 10,
    code: "rollout.slow",
    why: /^\d+ of \d+ requests took longer than .*, on stable \d+ of \d+ requests took longer than/,
    reached: true,
  },
];

let site: Site;
let opened: Opened;
const variantOf = ({ canary, ...variant }: Variant): Variant => ({
  replicas: 1,
  ...variant,
  canary: { steps: [25], ...canary },
});

beforeAll(async () => {
  site = openSite("faults");
  const releases = [{ version: "1.0.0" }, ...cases.map(({ variant }) => variant), subtle];
  opened = await openKitTarget(
    site,
    releases.map((variant) => releaseOf(site, variantOf(variant))),
  );
  await ship(opened, releaseOf(site, variantOf({ version: "1.0.0" })));
});

afterAll(async () => {
  opened.cluster.close();
  await site.close();
});

/** Ships it under load, and tells how that went. */
async function shipped(variant: Variant, rate: number): Promise<Shipped> {
  const watcher = site.watch(1);
  const load = site.load(rate);
  const began = Date.now();
  const done = await ship(opened, releaseOf(site, variantOf(variant)));
  const took = ((Date.now() - began) / 1000).toFixed(1);
  const { failures, failed, answered } = await load.stop();
  const { rollout } = done;
  const { code, why } = errorOf(rollout) ?? {};
  process.stdout.write(
    `${rollout.to.version} ended ${rollout.outcome} after ${took} s: ${code}: ${why}\n${JSON.stringify(rollout.verdict)}\n`,
  );
  expect({ failures, failed }).toEqual({ failures: [], failed: 0 });
  expect(answered).toBeGreaterThan(0);
  expect(await watcher.stop()).toEqual([]);
  const seen = await opened.target.observe();
  expect(seen).toMatchObject({ stable: { version: "1.0.0" }, canary: null, previous: null, share: 0 });
  return done;
}

test.each(cases)("a canary that $what", async ({ variant, rate, code, why, reached }) => {
  const { rollout } = await shipped(variant, rate);
  expect(rollout).toMatchObject({
    outcome: "rolled-back",
    why: { code, exit: "gate", why: expect.stringMatching(why) },
  });
  if (reached) expect(rollout.verdict?.canaryRequests).toBeGreaterThan(0);
  else expect(rollout.verdict?.canaryRequests).toBe(0);
});

/** Fails one input in a hundred: its errors must be excluded to one in two hundred before it goes on. */
const subtle: Variant = {
  version: "1.8.0",
  fault: { failAbove: 0.985 },
  canary: { maxHarm: 0.005, holdMs: 30_000 },
};

test("a bug on 1 % of the inputs is found or held, never passed", async () => {
  const { rollout } = await shipped(subtle, 60);
  expect(["rollout.harmful", "rollout.inconclusive"]).toContain(rollout.why?.code);
  expect(rollout.verdict?.canaryErrors).toBeGreaterThan(0);
});
