// The driver is killed at the worst moment: half of the users on the canary, load running. Nobody comes to help.
import { spawn } from "node:child_process";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSite, type Site } from "./kit.ts";
import { openKitTarget, releaseOf, holderCalled, type Opened, type Release } from "./kit/target.ts";

let site: Site;
let opened: Opened;
let stable: Release;
let canary: Release;

beforeAll(async () => {
  site = openSite("fuse");
  stable = releaseOf(site, { version: "1.0.0" });
  canary = releaseOf(site, { version: "1.1.0" });
  opened = await openKitTarget(site, [stable, canary]);
  const { lock, fleet } = opened.target;
  const held = await lock.acquire(holderCalled("mlship deploy"));
  await fleet.expand(stable.revision);
  while (!(await fleet.isWhole(stable.revision))) {
    await sleep(500);
    await held.renew();
  }
  await fleet.promote(stable.revision);
  await held.release();
});

afterAll(async () => {
  opened.cluster.close();
  await site.close();
});

/** Servers behind the canary's Service that take requests. */
function endpoints(): number {
  const ready = "jsonpath={.items[*].endpoints[?(@.conditions.ready==true)].addresses[0]}";
  const selector = `kubernetes.io/service-name=${site.name}-canary`;
  return site.kubectl("get", "endpointslices", "-l", selector, "-o", ready).split(" ").filter(Boolean).length;
}

test("its canary is gone 45 s later, users saw nothing, and any mlship takes over", async () => {
  const watcher = site.watch(2);
  const script = path.join(import.meta.dirname, "kit", "half.ts");
  const driver = spawn(process.execPath, [script, site.namespace, site.name], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise<void>((resolve, reject) => {
    driver.stdout.setEncoding("utf8").once("data", () => resolve());
    driver.once("exit", (code) => reject(new Error(`the driver ended with ${code}`)));
  });
  const load = site.load(20);
  await sleep(5_000);
  expect(endpoints()).toBe(1);
  expect((await opened.target.observe()).share).toBe(0.5);
  driver.removeAllListeners("exit");
  driver.kill("SIGKILL");
  const killed = Date.now();
  while (endpoints() > 0) {
    if (Date.now() - killed > 60_000) throw new Error("the canary is still there after 60 s");
    await sleep(250);
  }
  const goneAfter = (Date.now() - killed) / 1000;
  process.stdout.write(`the canary was gone ${goneAfter.toFixed(1)} s after SIGKILL\n`);
  expect(goneAfter).toBeLessThan(45);
  await sleep(3_000);
  // Another process takes the lock over, and finds a canary to take away.
  const other = await openKitTarget(site, []);
  const { lock, fleet } = other.target;
  const held = await lock.acquire(holderCalled("mlship deploy"));
  expect(await other.target.observe()).toMatchObject({ stable: stable.revision, canary: canary.revision });
  await fleet.retire(canary.revision);
  expect((await other.target.observe()).canary).toBeNull();
  await expect(opened.target.fleet.start(canary.revision)).rejects.toMatchObject({
    code: "rollout.lock-lost",
  });
  await held.release();
  other.cluster.close();
  const { failed, answered } = await load.stop();
  expect({ failed, isBusy: answered > 500 }).toEqual({ failed: 0, isBusy: true });
  expect(await watcher.stop()).toEqual([]);
});
