// The lock on the real cluster: two at once, a holder that dies, one that wakes up, clocks that are wrong.
import { spawn, type ChildProcess } from "node:child_process";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { keepingOf } from "../../src/targets/kubernetes/keeping.ts";
import type { Cluster } from "../../src/targets/kubernetes/ports.ts";
import { openFaultProxy, type Fault, type FaultProxy } from "./fault-proxy.ts";
import { openSite, type Site } from "./kit.ts";
import { holderCalled, openKitTarget } from "./kit/target.ts";

let site: Site;
let proxy: FaultProxy;
const clusters: Cluster[] = [];
const children: ChildProcess[] = [];

beforeAll(async () => {
  site = openSite("lock");
  proxy = await openFaultProxy();
});

afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  for (const cluster of clusters) cluster.close();
  await proxy.close();
  await site.close();
});

/** The lock of one model, as one process has it. */
async function keep(name: string, env: Record<string, string | undefined> = process.env) {
  const { cluster } = await openKitTarget(site, [], env);
  clusters.push(cluster);
  const signal = new AbortController().signal;
  return { cluster, ...keepingOf(cluster, { name, alsoFenced: [], told: () => {}, signal }) };
}

const faulty = () => ({ ...process.env, KUBECONFIG: proxy.kubeconfig });

/** A process that takes the lock and renews it until it is killed. */
async function holder(name: string) {
  const script = path.join(import.meta.dirname, "kit", "hold-lock.ts");
  const child = spawn(process.execPath, [script, site.namespace, name], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout.once("data", () => resolve());
    child.once("exit", (code) => reject(new Error(`the holder ended with ${code}`)));
  });
  child.removeAllListeners("exit");
  children.push(child);
  return child;
}

test.concurrent("of two in the same moment one gets it; the other hears who, from where, since when", async () => {
  const [one, other] = await Promise.all([keep("race"), keep("race")]);
  for (let round = 0; round < 5; round += 1) {
    const both = await Promise.allSettled(
      [one, other].map(({ lock }) => lock.acquire(holderCalled("mlship deploy"))),
    );
    const [won] = both.flatMap((end) => (end.status === "fulfilled" ? [end.value] : []));
    const [lost] = both.flatMap((end) => (end.status === "rejected" ? [end.reason as Error] : []));
    expect(won?.epoch).toBe(round + 1);
    expect(lost).toMatchObject({ code: "rollout.locked", exit: "locked" });
    expect(lost).toMatchObject({
      why: expect.stringMatching(/on testbed has held the lock since 2026/) as string,
    });
    await won?.release();
  }
});

test.concurrent("a holder that hangs loses it within 35 s, and cannot write when it wakes", async () => {
  const { lock } = await keep("dies");
  const child = await holder("dies");
  // It lives: whoever comes is told so.
  await expect(lock.acquire(holderCalled("mlship deploy"))).rejects.toMatchObject({ code: "rollout.locked" });
  child.kill("SIGSTOP");
  const stopped = performance.now();
  const { lock: fresh, fence } = await keep("dies");
  const held = await fresh.acquire(holderCalled("mlship deploy"));
  expect((performance.now() - stopped) / 1000).toBeLessThan(35);
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  child.kill("SIGCONT");
  // Its next write is refused: it ends with 7, as a command would.
  expect(await ended).toBe(7);
  await fence.confirm();
  await held.release();
});

test.concurrent("a clock that is ten minutes off changes nothing", async () => {
  for (const dateShiftMs of [600_000, -600_000]) {
    const name = dateShiftMs > 0 ? "ahead" : "behind";
    const right = await keep(name);
    const held = await right.lock.acquire(holderCalled("mlship deploy"));
    const shifted = await openFaultProxy({ dateShiftMs });
    const wrong = await keep(name, { ...process.env, KUBECONFIG: shifted.kubeconfig });
    const beating = setInterval(() => void held.renew(), 5000);
    await expect(wrong.lock.acquire(holderCalled("mlship deploy"))).rejects.toMatchObject({
      code: "rollout.locked",
    });
    clearInterval(beating);
    await held.release();
    const theirs = await wrong.lock.acquire(holderCalled("mlship deploy"));
    expect(theirs.epoch).toBe(held.epoch + 1);
    await wrong.fence.confirm();
    await theirs.renew();
    await theirs.release();
    await shifted.close();
  }
});

test("every write of the lock and the record survives what a bad API server does to it", async () => {
  const { lock, records, fence, cluster } = await keep("bad", faulty());
  const faults: Fault[] = [
    { answer: 429, reason: "TooManyRequests", retryAfter: 1 },
    { answer: 500, reason: "InternalError" },
    { answer: 503, reason: "ServiceUnavailable" },
    { cut: "before" },
    { cut: "after" },
  ];
  let epoch = 0;
  for (const fault of faults) {
    let left = 0;
    const next = () => {
      if (left === 0) return null;
      left -= 1;
      return fault;
    };
    proxy.faults = { onWrite: next };
    left = 1;
    const held = await lock.acquire(holderCalled("mlship deploy"));
    epoch += 1;
    expect(held.epoch, JSON.stringify(fault)).toBe(epoch);
    left = 1;
    await held.renew();
    left = 1;
    await records.wish("abort");
    left = 1;
    expect(await records.takeWish(), JSON.stringify(fault)).toBe("abort");
    left = 1;
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "bad-thing", labels: own } };
    await fence.put({ ...object, data: { fault: JSON.stringify(fault) } });
    left = 1;
    await held.release();
    expect(await lock.holder()).toBeNull();
    expect((await cluster.api.read("ConfigMap", "bad-thing"))?.["data"]).toEqual({
      fault: JSON.stringify(fault),
    });
  }
  proxy.faults = {};
});

const own = { "app.kubernetes.io/managed-by": "mlship", "app.kubernetes.io/name": "bad" };

test("in a namespace that is being removed nothing is begun", async () => {
  const leaving = openSite("leaving");
  // A finalizer keeps it in between.
  leaving.kubectl("create", "configmap", "stays");
  leaving.kubectl("patch", "configmap", "stays", "-p", '{"metadata":{"finalizers":["mlship.dev/test"]}}');
  await leaving.close();
  try {
    const { cluster } = await openKitTarget(leaving, []);
    clusters.push(cluster);
    const signal = new AbortController().signal;
    const { lock } = keepingOf(cluster, { name: "kit", alsoFenced: [], told: () => {}, signal });
    await expect(lock.acquire(holderCalled("mlship deploy"))).rejects.toMatchObject({
      code: "kubernetes.refused",
      exit: "unavailable",
    });
    expect(await cluster.api.list("Lease")).toEqual([]);
  } finally {
    leaving.kubectl("patch", "configmap", "stays", "-p", '{"metadata":{"finalizers":null}}');
  }
});
