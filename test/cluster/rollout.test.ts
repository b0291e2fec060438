// Whole rollouts on the real cluster, with users: a first release, a good second one, and one that fails users only.
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSite, type Site } from "./kit.ts";
import { ship } from "./kit/ship.ts";
import { openKitTarget, releaseOf, type Opened } from "./kit/target.ts";

let site: Site;
let opened: Opened;
const release = {
  first: () => releaseOf(site, { version: "1.0.0" }),
  second: () => releaseOf(site, { version: "1.1.0" }),
  failing: () => releaseOf(site, { version: "1.2.0", fault: { fail: 1 } }),
};

beforeAll(async () => {
  site = openSite("rollout");
  opened = await openKitTarget(site, [release.first(), release.second(), release.failing()]);
});

afterAll(async () => {
  opened.cluster.close();
  await site.close();
});

test("nothing serves: the first release is proven and promoted", async () => {
  const { rollout } = await ship(opened, release.first());
  expect(rollout).toMatchObject({ outcome: "promoted", golden: { rows: 100, flips: 0 } });
});

test("a good version is promoted, and no user sees a failure", async () => {
  const watcher = site.watch(2);
  const load = site.load(40);
  const { rollout } = await ship(opened, release.second());
  expect(rollout.why).toBeNull();
  expect(rollout.outcome).toBe("promoted");
  const { failures, failed, answered } = await load.stop();
  expect({ failures, failed }).toEqual({ failures: [], failed: 0 });
  expect(answered).toBeGreaterThan(400);
  expect(await watcher.stop()).toEqual([]);
});

test("a version that fails every user is taken back, and no user sees it", async () => {
  const watcher = site.watch(2);
  const load = site.load(40);
  const { rollout } = await ship(opened, release.failing());
  expect(rollout).toMatchObject({ outcome: "rolled-back", why: { code: "rollout.harmful" } });
  const { failures, failed } = await load.stop();
  expect({ failures, failed }).toEqual({ failures: [], failed: 0 });
  expect(rollout.verdict?.rescued).toBeGreaterThan(0);
  expect((await opened.target.observe()).stable?.version).toBe("1.1.0");
  expect(await watcher.stop()).toEqual([]);
});
