// Other ways of asking a router on the real cluster: by cookie, by header, of a model that must not be asked twice.
import { afterAll, expect, test } from "vitest";
import { openSite, routerImage, type Site } from "./kit.ts";
import { between, Split } from "./kit/split.ts";
import { releaseOf, type Release } from "./kit/target.ts";

const sites: Site[] = [];
const splits: Split[] = [];

/** A site of its own with a stable revision, and a canary of these variants. */
async function open(
  name: string,
  ...[one, other]: Parameters<typeof releaseOf>[1][]
): Promise<[Split, Release]> {
  const site = openSite(name);
  sites.push(site);
  const stable = releaseOf(site, { version: "1.0.0", replicas: 1, ...one });
  const canary = releaseOf(site, { version: "1.1.0", replicas: 1, ...other });
  const split = await Split.open(site, [stable, canary]);
  splits.push(split);
  return [split, canary];
}

afterAll(async () => {
  for (const split of splits) split.close();
  for (const site of sites) await site.close();
});

test("a user with a cookie stays on a side while the share rises, and a share of 0 takes all back", async () => {
  const deploy = { router: { image: routerImage, sticky: "cookie" as const, header: null } };
  const [split, canary] = await open("cookie", { deploy }, { deploy });
  await split.tryOut(canary.revision, 0.3);
  const fresh = await split.ask(24, {}, { keepAlive: false });
  expect(Math.abs((fresh.sides["canary"] ?? 0) - 7.2)).toBeLessThanOrEqual(4);
  expect(fresh.failed).toBe(0);
  const cookies = fresh.cookies.map((cookie) => cookie.split(";")[0] ?? "");
  expect(cookies).toHaveLength(24);
  const places = async () => {
    const sides: string[] = [];
    await split.keep();
    for (const cookie of cookies) {
      const { sides: got, cookies: again } = await split.ask(1, { cookie });
      expect(again).toEqual([]);
      sides.push(Object.keys(got).join());
    }
    return sides;
  };
  const before = await places();
  expect(await places()).toEqual(before);
  expect(before.filter((side) => side === "canary")).toHaveLength(fresh.sides["canary"] ?? 0);
  await split.traffic.set(canary.revision, 0.7);
  const risen = await places();
  expect(before.every((side, at) => side === "stable" || risen[at] === "canary")).toBe(true);
  expect(risen.filter((side) => side === "canary").length).toBeGreaterThan(
    before.filter((side) => side === "canary").length,
  );
  await split.traffic.set(canary.revision, 0);
  expect(new Set(await places())).toEqual(new Set(["stable"]));
});

test("a user known by a header stays on a side", async () => {
  const deploy = { router: { image: routerImage, sticky: "header" as const, header: "x-user" } };
  const [split, canary] = await open("header", { deploy }, { deploy });
  await split.tryOut(canary.revision, 0.5);
  const users = Array.from({ length: 40 }, (_, index) => `user-${index}`);
  const sides: string[] = [];
  for (const [index, user] of users.entries()) {
    if (index % 8 === 0) await split.keep();
    const { sides: got } = await split.ask(4, { "x-user": user });
    expect(Object.keys(got)).toHaveLength(1);
    sides.push(...Object.keys(got));
  }
  const canaries = sides.filter((side) => side === "canary").length;
  expect(canaries).toBeGreaterThan(8);
  expect(canaries).toBeLessThan(32);
});

test("a model that must not be asked twice is not: its users see what the canary fails", async () => {
  const serve = { idempotent: false };
  const [split, canary] = await open("once", { serve }, { serve, fault: { fail: 1 } });
  await split.tryOut(canary.revision, 0.25);
  const before = await split.traffic.measured();
  const got = await split.ask(80);
  const { canary: tried, rescued, failed } = between(before, await split.traffic.measured());
  expect(Math.abs(tried.requests - 20)).toBeLessThanOrEqual(4);
  expect({ errors: tried.errors, rescued, failed, seen: got.failed }).toEqual({
    errors: tried.requests,
    rescued: 0,
    failed: tried.requests,
    seen: tried.requests,
  });
});

test("nobody asks: nothing is counted, and that is not an error", async () => {
  const split = splits.at(-1);
  const before = await split?.traffic.measured();
  const after = await split?.traffic.measured();
  expect(after).toMatchObject({ stable: before?.stable, canary: before?.canary, failed: before?.failed });
});
