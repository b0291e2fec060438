// The split by routers on the real cluster: exact shares, counters that agree with what users saw, and no failed request.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Measurement } from "../../src/rollout/ports.ts";
import { openSite, type Site } from "./kit.ts";
import { between, Split } from "./kit/split.ts";
import { releaseOf, type Release } from "./kit/target.ts";

let site: Site;
let split: Split;
let good: Release;
let failing: Release;
let hanging: Release;

beforeAll(async () => {
  site = openSite("router");
  const serve = { timeoutMs: 1_000 };
  const stable = releaseOf(site, { version: "1.0.0", serve });
  good = releaseOf(site, { version: "1.1.0", serve });
  failing = releaseOf(site, { version: "1.2.0", serve, fault: { fail: 1 } });
  hanging = releaseOf(site, { version: "1.3.0", serve, fault: { sleep: 20 } });
  split = await Split.open(site, [stable, good, failing, hanging]);
});

afterAll(async () => {
  split?.close();
  await site.close();
});

test("shares are exact, and the counters are what users and servers saw", async () => {
  const { traffic } = split;
  await split.tryOut(good.revision, 0.2);
  const before = await traffic.measured();
  expect(before).toMatchObject({ share: 0.2, ready: { stable: 2, canary: 1 }, trouble: null });
  const got = await split.ask(1000);
  // Each of the two routers splits for itself: one request of rounding each, and one at each end.
  expect(Math.abs((got.sides["canary"] ?? 0) - 200)).toBeLessThanOrEqual(4);
  await sleep(2_100);
  const after = await traffic.measured();
  expect(between(before, after)).toEqual({
    stable: { requests: got.sides["stable"], errors: 0 },
    canary: { requests: got.sides["canary"], errors: 0 },
    rescued: 0,
    failed: 0,
  });
  const seconds = (one: Measurement) => one.served?.canary.seconds.at(-1)?.count ?? Number.NaN;
  expect(seconds(after) - seconds(before)).toBe(got.sides["canary"]);
  await traffic.set(good.revision, 0.001);
  const little = await split.ask(1000);
  expect(little.sides["canary"]).toBeLessThanOrEqual(3);
  await expect(traffic.set(good.revision, 1e-7)).rejects.toMatchObject({ code: "router.too-small" });
  await split.held.renew();
});

test("who asks for a side gets it, and is no evidence; a long request never meets the canary", async () => {
  const { traffic } = split;
  await traffic.set(good.revision, 0.5);
  const before = await traffic.measured();
  expect((await split.ask(20, { "x-mlship-revision": "canary" })).sides).toEqual({ canary: 20 });
  expect((await split.ask(20, { "x-mlship-revision": "stable" })).sides).toEqual({ stable: 20 });
  const long = `{"rows":[{"a":0.5,"b":1}]}${" ".repeat(60_000)}`;
  expect(await split.ask(20, {}, { body: long })).toMatchObject({ sides: { stable: 20 }, failed: 0 });
  const counted = between(before, await traffic.measured());
  expect(counted.stable.requests + counted.canary.requests).toBe(0);
  await split.takeBack(good.revision);
  expect((await split.ask(20, { "x-mlship-revision": "canary" })).sides).toEqual({ stable: 20 });
});

test("a canary that fails every request costs no user one, and all of them are its errors", async () => {
  const { traffic } = split;
  const watcher = site.watch(2);
  await split.tryOut(failing.revision, 0.3);
  const before = await traffic.measured();
  const got = await split.ask(300);
  expect(got).toMatchObject({ failed: 0, sides: { stable: 300 } });
  const { canary, stable: other, rescued, failed } = between(before, await traffic.measured());
  expect(Math.abs(canary.requests - 90)).toBeLessThanOrEqual(4);
  expect({ errors: canary.errors, rescued, failed }).toEqual({
    errors: canary.requests,
    rescued: canary.requests,
    failed: 0,
  });
  expect(other).toEqual({ requests: 300, errors: 0 });
  // Its pods vanish while users come: not one of them notices, and the share can be taken back.
  const load = site.load(50);
  await sleep(1_000);
  site.kubectl("delete", "pod", "-l", "mlship.dev/role=canary", "--force", "--grace-period=0");
  await sleep(1_500);
  await split.takeBack(failing.revision);
  expect(await load.stop()).toMatchObject({ failed: 0 });
  expect(await watcher.stop()).toEqual([]);
});

test("a canary that hangs is an error after its time, and stable answers", async () => {
  const { traffic } = split;
  await split.tryOut(hanging.revision, 0.2);
  const before = await traffic.measured();
  const got = await split.ask(40);
  expect(got.failed).toBe(0);
  const { canary } = between(before, await traffic.measured());
  expect(canary.requests).toBeGreaterThan(0);
  expect(canary.errors).toBe(canary.requests);
  await split.takeBack(hanging.revision);
});

test("a router that ends costs no request; the one in its place has no share until it is given it", async () => {
  const { traffic } = split;
  await split.tryOut(good.revision, 0.4);
  const before = await traffic.measured();
  const load = site.load(50);
  const [router = ""] = site
    .kubectl("get", "pods", "-l", `app.kubernetes.io/name=${site.name}-router`, "-o", "name")
    .split("\n");
  await sleep(1_000);
  site.kubectl("delete", router, "--wait=false");
  let after = before;
  await split.until("the new router is seen", async () => {
    after = await traffic.measured();
    return after.share === 0.2;
  });
  expect(after.era).not.toBe(before.era);
  await traffic.renew();
  expect((await traffic.measured()).share).toBe(0.4);
  const tally = await load.stop();
  expect({ failed: tally.failed, failures: tally.failures }).toEqual({ failed: 0, failures: [] });
  // Routers that are gone have no share, and are no reason not to go back.
  site.kubectl("scale", "deployment", `${site.name}-router`, "--replicas=0");
  await split.until("the routers are gone", async () => {
    const pods = site.kubectl(
      "get",
      "pods",
      "-l",
      `app.kubernetes.io/name=${site.name}-router`,
      "-o",
      "name",
    );
    return pods.trim() === "";
  });
  await expect(traffic.measured()).rejects.toMatchObject({ code: "router.absent" });
  await traffic.fallback();
  await split.fleet.retire(good.revision);
});
