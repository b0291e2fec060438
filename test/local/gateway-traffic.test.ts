// Traffic through a real gateway: exact shares, rescues, counts, crashes, promotion under load.
import { afterEach, beforeEach, expect, test } from "vitest";
import { ask, deploy, eventually, holder, load, serveStable, startCanary } from "./gateway/harness.ts";
import type { Deployment } from "./gateway/harness.ts";

let site: Deployment;
beforeEach(async () => {
  site = await deploy();
});
afterEach(async () => {
  await site.driver().stop();
  await eventually("no server is left", async () => (await site.servers()).length === 0);
  await site.destroy();
});

test("shares are exact over 10 000 requests, and add up in the counters", async () => {
  // Nobody renews the share here, and a busy machine may take longer than a lease for so many requests.
  const target = site.driver({ replicas: 2, leaseMs: 600_000 });
  await target.lock.acquire(holder());
  await serveStable(target, site.revision("1.0.0"));
  const canary = site.revision("1.1.0");
  await startCanary(target, canary);
  await target.traffic.set(canary, 0.05);
  const before = await target.traffic.measured();
  const tally = await load(site.port, { count: 10_000 });
  expect(tally.failed).toEqual([]);
  expect(tally.byVersion).toEqual({ "1.0.0": 9_500, "1.1.0": 500 });
  const after = await target.traffic.measured();
  expect(after).toMatchObject({
    era: before.era,
    share: 0.05,
    stable: { requests: 9_500, errors: 0 },
    canary: { requests: 500, errors: 0 },
    rescued: 0,
    failed: 0,
    ready: { stable: 2, canary: 2 },
  });
  expect(after.at).toBeGreaterThan(before.at);
});

test.each(["500", "reset", "half", "hang", "503"] as const)(
  "a canary that answers every request with %s costs no user anything and is counted",
  async (always) => {
    const target = site.driver({ timeoutMs: 500 });
    await target.lock.acquire(holder());
    await serveStable(target, site.revision("1.0.0"));
    const canary = site.revision("1.1.0", { always });
    await startCanary(target, canary);
    await target.traffic.set(canary, 0.25);
    const count = always === "hang" ? 80 : 1_000;
    const tally = await load(site.port, { count });
    expect(tally.failed).toEqual([]);
    expect(tally.byVersion).toEqual({ "1.0.0": count });
    expect(tally.fallbacks).toBe(count / 4);
    expect(await target.traffic.measured()).toMatchObject({
      stable: { requests: count, errors: 0 },
      canary: { requests: count / 4, errors: count / 4 },
      rescued: count / 4,
      failed: 0,
    });
  },
);

test("what the servers of both sides counted is measured with it; null when one does not count", async () => {
  const target = site.driver({ replicas: 2 });
  await target.lock.acquire(holder());
  await serveStable(target, site.revision("1.0.0", { counts: true }));
  const canary = site.revision("1.1.0", { counts: true });
  await startCanary(target, canary);
  await target.traffic.set(canary, 0.25);
  await load(site.port, { count: 400 });
  const bounds = (count: number) => [
    { bound: 0.01, count },
    { bound: Number.POSITIVE_INFINITY, count },
  ];
  expect(await target.traffic.measured()).toMatchObject({
    trouble: null,
    served: {
      stable: { said: { "1": 300 }, seconds: bounds(300) },
      canary: { said: { "1": 100 }, seconds: bounds(100) },
    },
  });
  await target.traffic.fallback();
  await target.fleet.retire(canary);
  const dumb = site.revision("1.2.0");
  await startCanary(target, dumb);
  await target.traffic.set(dumb, 0.25);
  expect((await target.traffic.measured()).served).toBeNull();
});

test("everything falls back to stable, whatever was set, and also when nothing runs", async () => {
  const target = site.driver();
  await target.lock.acquire(holder());
  await target.traffic.fallback();
  await serveStable(target, site.revision("1.0.0"));
  const canary = site.revision("1.1.0");
  await target.fleet.expand(canary);
  await eventually("it is whole", () => target.fleet.isWhole(canary));
  await target.traffic.set(canary, 0.5);
  await target.traffic.fallback();
  await target.traffic.fallback();
  expect((await target.observe()).share).toBe(0);
  const tally = await load(site.port, { count: 100 });
  expect(tally.byVersion).toEqual({ "1.0.0": 100 });
  await expect(target.traffic.renew()).rejects.toMatchObject({ code: "rollout.lease-lost" });
});

test("a set that will never be whole is known by its crashes, a canary that keeps crashing by its last words", async () => {
  const target = site.driver();
  await target.lock.acquire(holder());
  await serveStable(target, site.revision("1.0.0"));
  const broken = site.revision("1.1.0", { crashOnStart: true });
  await target.fleet.expand(broken);
  await expect(eventually("it is whole", () => target.fleet.isWhole(broken))).rejects.toMatchObject({
    code: "rollout.not-ready",
    exit: "gate",
  });
  await target.traffic.set(broken, 0.25);
  const { trouble } = await target.traffic.measured();
  expect(trouble).toMatch(/^its servers ended by themselves \d+ times; their log ends with/);
  expect(trouble).toContain("no such model");
});

test("4xx of the canary is an answer, not an error", async () => {
  const target = site.driver();
  await target.lock.acquire(holder());
  await serveStable(target, site.revision("1.0.0"));
  const canary = site.revision("1.1.0");
  await startCanary(target, canary);
  await target.traffic.set(canary, 1);
  expect(await ask(site.port, { deed: "400" })).toMatchObject({ status: 400, version: "1.1.0" });
  expect(await target.traffic.measured()).toMatchObject({ canary: { requests: 1, errors: 0 }, rescued: 0 });
});

test("stable's own 500 is passed on and counted as failed; its 503 is tried on another server", async () => {
  const target = site.driver({ replicas: 2 });
  await target.lock.acquire(holder());
  await serveStable(target, site.revision("1.0.0"));
  expect(await ask(site.port, { deed: "500" })).toMatchObject({ status: 500, version: "1.0.0" });
  expect(await ask(site.port, { deed: "503" })).toMatchObject({ status: 503, version: "1.0.0" });
  expect(await target.traffic.measured()).toMatchObject({ stable: { requests: 3, errors: 3 }, failed: 2 });
});

test("a canary that dies under load: nobody fails, its share is 0 while it is down, the era changes", async () => {
  const target = site.driver();
  await target.lock.acquire(holder());
  await serveStable(target, site.revision("1.0.0"));
  const canary = site.revision("1.1.0", { crashAt: 50 });
  await startCanary(target, canary);
  await target.traffic.set(canary, 0.5);
  const { era } = await target.traffic.measured();
  let stop = false;
  const running = load(site.port, { until: () => stop });
  let shareWhileDown: number | null = null;
  await eventually("the canary is down", async () => {
    const { ready, share } = await target.traffic.measured();
    if (ready.canary === 0) shareWhileDown = share;
    return ready.canary === 0;
  });
  await eventually("it was started again and died again", async () => {
    const status = await target.status();
    return (status?.crews.find((crew) => crew.revision.id === canary.id)?.restarts ?? 0) >= 2;
  });
  stop = true;
  const tally = await running;
  expect(tally.failed).toEqual([]);
  expect(shareWhileDown).toBe(0);
  const after = await target.traffic.measured();
  expect(after.era).not.toBe(era);
  expect(after.canary.errors).toBeGreaterThan(0);
  expect(after.rescued).toBe(after.canary.errors);
  expect(await target.logs(canary, 50)).toContain("ended by itself (exit code 9)");
});

test("a stable server that dies is restarted, and the other one answers meanwhile", async () => {
  const target = site.driver({ replicas: 2 });
  await target.lock.acquire(holder());
  const stable = site.revision("1.0.0");
  await serveStable(target, stable);
  const seen = await ask(site.port, { deed: "crash" });
  // The same request kills both, one after the other: that is the model's doing and is not hidden.
  expect(seen.status).toBe(502);
  await target.fleet.ready(stable, 20_000);
  expect(await ask(site.port)).toMatchObject({ status: 200, version: "1.0.0" });
  const [first] = await site.servers();
  let stop = false;
  const running = load(site.port, { until: () => stop });
  process.kill(first!, "SIGKILL");
  await eventually("it is restarted", async () => (await target.status())!.crews[0]!.restarts >= 3);
  await target.fleet.ready(stable, 20_000);
  stop = true;
  expect((await running).failed).toEqual([]);
});

test("promotion and the way back under load: no request fails", async () => {
  const target = site.driver();
  await target.lock.acquire(holder());
  const first = site.revision("1.0.0");
  const second = site.revision("1.1.0");
  await serveStable(target, first);
  let stop = false;
  const running = load(site.port, { until: () => stop });
  await startCanary(target, second);
  for (const share of [0.05, 0.25, 0.5]) await target.traffic.set(second, share);
  await target.fleet.promote(second);
  expect(await ask(site.port)).toMatchObject({ version: "1.1.0" });
  expect(await target.observe()).toMatchObject({ stable: second, canary: null, previous: first, share: 0 });
  await target.fleet.promote(second);
  expect(await target.observe()).toMatchObject({ stable: second, previous: first });
  await target.fleet.promote(first);
  expect(await target.observe()).toMatchObject({ stable: first, previous: second });
  await target.fleet.promote(second);
  await target.fleet.retire(first);
  await target.fleet.retire(first);
  expect(await target.observe()).toMatchObject({ stable: second, canary: null, previous: null });
  stop = true;
  const tally = await running;
  expect(tally.failed).toEqual([]);
  expect(Object.keys(tally.byVersion).sort()).toEqual(["1.0.0", "1.1.0"]);
  expect((await target.traffic.measured()).canary.requests).toBe(0);
  await expect(target.fleet.retire(second)).rejects.toMatchObject({ code: "rollout.retire-stable" });
});

test("retiring lets a request under way finish", async () => {
  const target = site.driver();
  await target.lock.acquire(holder());
  await serveStable(target, site.revision("1.0.0"));
  const canary = site.revision("1.1.0");
  await startCanary(target, canary);
  await target.traffic.set(canary, 1);
  const slow = ask(site.port, { deed: "slow" });
  await eventually("it is under way", async () => (await ask(site.port)).version === "1.1.0");
  await target.fleet.retire(canary);
  expect(await slow).toMatchObject({ status: 200, version: "1.1.0" });
  expect(await site.servers()).toHaveLength(1);
  expect(await ask(site.port)).toMatchObject({ status: 200, version: "1.0.0" });
});

test("an unrenewed share falls to 0 by itself; a renewed one stays", async () => {
  const target = site.driver({ leaseMs: 1_500 });
  await target.lock.acquire(holder());
  await serveStable(target, site.revision("1.0.0"));
  const canary = site.revision("1.1.0");
  await startCanary(target, canary);
  await target.traffic.set(canary, 0.5);
  for (let renewals = 0; renewals < 20; renewals += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    await target.traffic.renew();
  }
  expect((await target.observe()).share).toBe(0.5);
  await eventually("the lease runs out", async () => (await target.observe()).share === 0);
  expect(await load(site.port, { count: 40 })).toMatchObject({ byVersion: { "1.0.0": 40 } });
  await expect(target.traffic.renew()).rejects.toMatchObject({ code: "rollout.lease-lost" });
  expect((await target.status())?.notes.at(-1)).toContain("share fell from 50 % to 0");
});

test("a revision that cannot start says why, with its log", async () => {
  const target = site.driver();
  await target.lock.acquire(holder());
  const broken = site.revision("1.1.0", { crashOnStart: true });
  await target.fleet.start(broken);
  await expect(target.fleet.ready(broken, 20_000)).rejects.toMatchObject({
    code: "rollout.not-ready",
    exit: "gate",
    why: expect.stringContaining("ModuleNotFoundError: no such model") as string,
  });
  const late = site.revision("1.2.0", { readyAfterMs: 60_000 });
  await target.fleet.start(late);
  await expect(target.fleet.ready(late, 300)).rejects.toMatchObject({
    why: expect.stringContaining("0 of 1 servers were ready after 0.3 s") as string,
  });
  // The second canary took the place of the first.
  expect((await target.observe()).canary).toEqual(late);
});

test("predictions are fetched past the splitter and uncounted", async () => {
  const target = site.driver();
  await target.lock.acquire(holder());
  const revision = site.revision("1.0.0");
  await startCanary(target, revision);
  expect(await target.fleet.predict(revision, { a: [1] })).toEqual({ predictions: [1], probabilities: null });
  expect((await target.traffic.measured()).canary.requests).toBe(0);
});
