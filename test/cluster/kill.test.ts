// A real driver, killed with SIGKILL at writes that matter most, under load: users notice nothing, and the next
// command on another machine finishes or takes back what was left. Every other write: test/unit/targets/kubernetes/kill.
import { spawn } from "node:child_process";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { reconcile } from "../../src/rollout/engine.ts";
import { isFinished } from "../../src/rollout/record.ts";
import { openFaultProxy, type Seen } from "./fault-proxy.ts";
import { openSite, type Site } from "./kit.ts";
import { ship } from "./kit/ship.ts";
import { holderCalled, openKitTarget, releaseOf } from "./kit/target.ts";

const sites: Site[] = [];
afterAll(async () => {
  for (const site of sites) await site.close();
});

interface Moment {
  name: string;
  /** The write at which the driver dies. */
  is: (write: Seen) => boolean;
  /** Whether the API server carries the write out. */
  when: "before" | "after";
  /** What serves in the end. */
  ends: "1.0.0" | "1.1.0";
}

const moments: Moment[] = [
  {
    name: "the full set beside a canary with traffic was asked for",
    is: ({ method, resource, name }) => method === "POST" && resource === "deployments" && name === "",
    when: "after",
    ends: "1.0.0",
  },
  {
    name: "stable was switched, and nothing else yet",
    is: ({ method, resource, name }) =>
      method === "PUT" && resource === "services" && name.endsWith("-stable"),
    when: "after",
    ends: "1.1.0",
  },
  {
    name: "the version before was about to go",
    is: ({ method, resource }) => method === "DELETE" && resource === "deployments",
    when: "before",
    ends: "1.1.0",
  },
];

test.concurrent.each(moments)("killed when $name", async ({ is, when, ends }) => {
  const site = openSite("kill");
  sites.push(site);
  const [stable, canary] = [releaseOf(site, { version: "1.0.0" }), releaseOf(site, { version: "1.1.0" })];
  const opened = await openKitTarget(site, [stable, canary]);
  await ship(opened, stable);
  const watcher = site.watch(2);
  const load = site.load(20);
  const proxy = await openFaultProxy();
  const script = path.join(import.meta.dirname, "kit", "deployer.ts");
  const child = spawn(process.execPath, [script, site.namespace, site.name], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, KUBECONFIG: proxy.kubeconfig },
  });
  const ended = new Promise<NodeJS.Signals | null>((resolve) =>
    child.once("exit", (_code, signal) => resolve(signal)),
  );
  proxy.faults = {
    onWrite: (_n, write) => {
      if (!is(write)) return null;
      if (when === "before") child.kill("SIGKILL");
      return { cut: when, act: () => void child.kill("SIGKILL") };
    },
  };
  expect(await ended).toBe("SIGKILL");
  const { target } = opened;
  await target.recover();
  const { rollout } = await reconcile({
    target,
    ledger: { append: () => Promise.resolve() },
    holder: holderCalled("mlship deploy"),
    clock: {
      now: () => new Date(),
      monotonic: () => performance.now(),
      sleep: (ms, signal) => sleep(ms, undefined, { ...(signal && { signal }) }),
    },
    signal: new AbortController().signal,
    onEvent: () => {},
  });
  expect(rollout !== null && isFinished(rollout)).toBe(true);
  const { stable: serving, canary: left, previous, share } = await target.observe();
  expect([serving?.version, left, previous, share]).toEqual([ends, null, null, 0]);
  expect((await load.stop()).failed).toBe(0);
  expect(await watcher.stop()).toEqual([]);
  opened.cluster.close();
  await proxy.close();
});
