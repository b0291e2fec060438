// Blue-green on the real cluster, under users: proven at 0 %, one switch, and back at once while it bakes.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSite, type Site } from "./kit.ts";
import { ship } from "./kit/ship.ts";
import { openKitTarget, releaseOf, type Opened, type Release } from "./kit/target.ts";

let site: Site;
let opened: Opened;
const releases = () =>
  ["1.0.0", "1.1.0"].map((version) =>
    releaseOf(site, { version, deploy: { strategy: "blue-green" }, canary: { bakeMs: 120_000 } }),
  );

beforeAll(async () => {
  site = openSite("green");
  opened = await openKitTarget(site, releases());
  const [first] = releases();
  if (first !== undefined) await ship(opened, first);
});

afterAll(async () => {
  opened.cluster.close();
  await site.close();
});

test("all users change sides at once, and back at once", async () => {
  const [blue, green] = releases();
  if (blue === undefined || green === undefined) throw new Error("two releases");
  const person = await openKitTarget(site, releases());
  const watcher = site.watch(2);
  const load = site.load(40);
  const serving = () =>
    site.kubectl("get", "service", `${site.name}-stable`, "-o", "jsonpath={.spec.selector}");
  /** Requests that the servers of a revision have answered. */
  const asked = ({ revision }: Release) => {
    const label = `app.kubernetes.io/instance=${revision.id}`;
    const pods = site.kubectl("get", "pods", "-l", label, "-o", "jsonpath={.items[*].metadata.name}");
    return pods.split(" ").reduce((sum, pod) => {
      const path = `/api/v1/namespaces/${site.namespace}/pods/${pod}:8080/proxy/metrics`;
      const page = site.kubectl("get", "--raw", path);
      const counts = page.matchAll(/^mlship_requests_total\{code="200",route="\/predict"\} (\S+)$/gm);
      return [...counts].reduce((total, [, count]) => total + Number(count), sum);
    }, 0);
  };
  const bakes = Promise.withResolvers<void>();
  const began = performance.now();
  const trace: string[] = [];
  const note = (text: string) => trace.push(`${((performance.now() - began) / 1000).toFixed(1)} ${text}`);
  const underway = ship(opened, green, (news) => {
    if (news.type === "moved") note(`${news.rollout.phase}: ${news.text}`);
    if (news.type === "measured" && news.rollout.phase === "bake") bakes.resolve();
    // Nobody but the golden rows reaches it before it is whole and proven.
    if (news.type === "moved" && news.rollout.phase === "promote") expect(asked(green)).toBeLessThan(10);
  });
  try {
    await Promise.race([bakes.promise, underway]);
    expect(serving()).toContain(green.revision.id);
    const before = load.tally.answered;
    while (load.tally.answered < before + 40) await sleep(100);
    expect(asked(green)).toBeGreaterThan(20);
    const wished = performance.now();
    note("wished");
    await person.target.records.wish("abort");
    while (!serving().includes(blue.revision.id)) await sleep(50);
    note("back");
    process.stdout.write(`back after ${((performance.now() - wished) / 1000).toFixed(1)} s\n`);
    const { rollout } = await underway;
    expect(rollout).toMatchObject({ outcome: "rolled-back", why: { code: "rollout.aborted" } });
    // No canary was tried out: nobody was to be.
    expect(rollout.verdict?.canaryRequests).toBe(0);
  } finally {
    process.stdout.write(`${trace.join("\n")}\n`);
    person.cluster.close();
  }
  const { failures, failed } = await load.stop();
  expect({ failures, failed }).toEqual({ failures: [], failed: 0 });
  expect(await opened.target.observe()).toMatchObject({
    stable: { version: "1.0.0" },
    canary: null,
    previous: null,
  });
  expect(await watcher.stop()).toEqual([]);
});
