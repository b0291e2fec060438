// The split by servers on the real cluster: pods of the canary join the users' Service and leave it.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSite, type Site } from "./kit.ts";
import { between, Split } from "./kit/split.ts";
import { releaseOf, type Release } from "./kit/target.ts";

let site: Site;
let split: Split;
let stable: Release;
let good: Release;

beforeAll(async () => {
  site = openSite("replicas");
  stable = releaseOf(site, { version: "1.0.0", canary: { split: "replicas" } });
  good = releaseOf(site, { version: "1.1.0", canary: { split: "replicas" } });
  split = await Split.open(site, [stable, good]);
});

afterAll(async () => {
  split?.close();
  await site.close();
});

const joined = () =>
  site
    .kubectl(
      "get",
      "pods",
      "-l",
      `mlship.dev/role=canary,mlship.dev/traffic=${stable.revision.id}`,
      "-o",
      "name",
    )
    .split("\n")
    .filter((line) => line !== "").length;

test("a share is as many servers as give it; another is refused with those that can be had", async () => {
  const { traffic } = split;
  await split.tryOut(good.revision, 0.5);
  expect(joined()).toBe(2);
  const before = await traffic.measured();
  expect(before).toMatchObject({ share: 0.5, ready: { stable: 2 }, rescued: 0 });
  expect((await split.ask(120, {}, { keepAlive: false })).failed).toBe(0);
  await sleep(2_100);
  await split.keep();
  const { stable: one, canary: other, failed } = between(before, await traffic.measured());
  expect(one.requests + other.requests).toBe(120);
  // kube-proxy draws for each connection: five standard deviations.
  expect(Math.abs(other.requests - 60)).toBeLessThan(28);
  expect(failed).toBe(0);
  await expect(traffic.set(good.revision, 0.05)).rejects.toMatchObject({ code: "replicas.unreachable" });
});

test("a smaller share takes servers away, a lost one is replaced, and none stays behind", async () => {
  const { traffic } = split;
  await split.keep();
  await traffic.set(good.revision, 1 / 3);
  expect(joined()).toBe(1);
  const [pod = ""] = site
    .kubectl(
      "get",
      "pods",
      "-l",
      `mlship.dev/traffic=${stable.revision.id},mlship.dev/role=canary`,
      "-o",
      "name",
    )
    .split("\n");
  site.kubectl("delete", pod, "--wait=false");
  await split.until("another server joins", async () => {
    await traffic.renew();
    return Math.abs((await traffic.measured()).share - 1 / 3) < 1e-9;
  });
  await traffic.fallback();
  expect((await traffic.measured()).share).toBe(0);
  // The pod that was deleted has its label until it is gone; it takes no new connections.
  await split.until("none is left", () => Promise.resolve(joined() === 0));
  await split.takeBack(good.revision);
  expect((await split.ask(20)).failed).toBe(0);
});
