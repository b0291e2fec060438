// Shares in the memory of routers, with routers that are played: all or an error, an older driver refused, a way back without them.
import { createServer, type AddressInfo, type Server } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { canaryName, instanceSelector, namesOf } from "../../../../../../src/cluster/names.ts";
import { digestBytes } from "../../../../../../src/digest.ts";
import { MlshipError } from "../../../../../../src/errors.ts";
import { CanaryFuse } from "../../../../../../src/targets/kubernetes/fleet/canary-fuse.ts";
import { Fence } from "../../../../../../src/targets/kubernetes/lock/fence.ts";
import { PodCounters } from "../../../../../../src/targets/kubernetes/traffic/pod-counters.ts";
import type { Cluster, KubeObject } from "../../../../../../src/targets/kubernetes/ports.ts";
import { RouterTraffic } from "../../../../../../src/targets/kubernetes/traffic/router/router-traffic.ts";
import { FakeServer } from "../../fake-api.ts";

const names = namesOf("fraud");
const revision = { id: "fraud-1-1-0-aaaaaaaa", version: "1.1.0", release: digestBytes("r") };
const job = canaryName(revision.id);
const columns =
  "pxname,svname,scur,stot,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,cli_abrt,srv_abrt";

/** HAProxy's runtime API, as far as it is used. */
class Router {
  readonly share = new Map([
    ["canary", 0],
    ["epoch", 0],
  ]);
  started = 1;
  isDeaf = false;
  /** Its connections end before its answers do; otherwise they stay open, as behind a tunnel. */
  breaksOff = false;
  stable = 0;
  readonly server: Server = createServer((socket) => {
    if (this.isDeaf) {
      socket.destroy();
      return;
    }
    socket.setEncoding("utf8").on("data", (line: string) => {
      const set = [...line.matchAll(/set map \S+ (\w+) (\d+)/g)];
      for (const [, key = "", value] of set) this.share.set(key, Number(value));
      const map = [...this.share].map(([key, value]) => `0x55 ${key} ${value}`);
      const rows = [
        `stable,stable,0,${this.stable},0,${this.stable},0,0,0,0,0,0`,
        "canary,canary,0,4,0,0,0,0,0,0,0,0",
      ];
      const info = [`Pid: 7`, `Start_time_sec: ${this.started}`, ""];
      const said = [...set.map(() => ""), ...info, ...map, "", `# ${columns}`, ...rows, "", ""].join("\n");
      if (!this.breaksOff) socket.write(said);
      else socket.end(said.slice(0, -2));
    });
  });
}

let server: FakeServer;
let routers: Map<string, Router>;
let traffic: RouterTraffic;
let fence: Fence;

beforeEach(async () => {
  server = new FakeServer();
  routers = new Map([
    ["r1", new Router()],
    ["r2", new Router()],
  ]);
  const client = server.client();
  const opened = [...routers].map(
    ([, { server: listening }]) =>
      new Promise<void>((resolve) => void listening.listen(0, "127.0.0.1", resolve)),
  );
  await Promise.all(opened);
  const cluster: Cluster = Object.assign(client, {
    tunnels: {
      open: (asked: string) => {
        const { port } = router(asked).server.address() as AddressInfo;
        return Promise.resolve({ port, open: true, close() {} });
      },
    },
  });
  server.set(pod("r1", { "app.kubernetes.io/name": names.router }));
  server.set(pod("r2", { "app.kubernetes.io/name": names.router }));
  server.set(service(names.stable, "fraud-1-0-0-bbbbbbbb"));
  server.set(service(names.canary, job));
  server.set({ apiVersion: "batch/v1", kind: "Job", metadata: { name: job }, spec: { parallelism: 1 } });
  server.set(pod("c1", { "app.kubernetes.io/name": "fraud", "app.kubernetes.io/instance": job }));
  fence = new Fence(cluster, names.rollout);
  fence.hold(5, "me");
  const fuse = new CanaryFuse(cluster, fence);
  traffic = new RouterTraffic({ name: "fraud", cluster, fence, fuse, counters: new PodCounters(cluster) });
});

afterEach(() => {
  for (const { server: listening } of routers.values()) listening.close();
});

function pod(name: string, labels: Record<string, string>): KubeObject {
  const status = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };
  return { apiVersion: "v1", kind: "Pod", metadata: { name, labels }, status };
}

function service(name: string, instance: string): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, labels: { "app.kubernetes.io/managed-by": "mlship" } },
    spec: { selector: instanceSelector("fraud", instance) },
  };
}

function router(name: string): Router {
  const found = routers.get(name);
  if (found === undefined) throw new Error(`no router ${name}`);
  return found;
}

const shares = () => [...routers.values()].map(({ share }) => share.get("canary"));

test("a share is in force on all routers, under the epoch of the lock", async () => {
  await traffic.set(revision, 0.05);
  expect(shares()).toEqual([50_000, 50_000]);
  expect([...routers.values()].map(({ share }) => share.get("epoch"))).toEqual([5, 5]);
  expect(await traffic.measured()).toMatchObject({ share: 0.05, canary: { requests: 8, errors: 8 } });
});

test("a share that is too small is refused, and changes nothing", async () => {
  await expect(traffic.set(revision, 1e-7)).rejects.toMatchObject({
    code: "router.too-small",
    exit: "usage",
  });
  expect(shares()).toEqual([0, 0]);
});

test("an older driver is refused by the router itself", async () => {
  routers.get("r2")?.share.set("epoch", 6);
  await expect(traffic.set(revision, 0.05)).rejects.toMatchObject({ code: "rollout.lock-lost" });
  await expect(traffic.fallback()).rejects.toMatchObject({ code: "rollout.lock-lost" });
  expect([...routers.values()].map(({ share }) => share.get("epoch"))).toEqual([0, 6]);
});

test("a router that does not answer is an error of set and of measured", async () => {
  router("r2").isDeaf = true;
  await expect(traffic.set(revision, 0.05)).rejects.toMatchObject({
    code: "router.silent",
    exit: "unavailable",
  });
  // Nothing was given to the other one either.
  expect(shares()).toEqual([0, 0]);
  await expect(traffic.measured()).rejects.toBeInstanceOf(MlshipError);
});

test("an answer that broke off is none: no counter is read from half a table", async () => {
  router("r2").breaksOff = true;
  await expect(traffic.measured()).rejects.toMatchObject({ code: "router.silent", exit: "unavailable" });
});

test("a router that began again has no share, another era, and is given the share at the next renewal", async () => {
  await traffic.set(revision, 0.4);
  const before = await traffic.measured();
  const second = router("r2");
  second.share.set("canary", 0);
  second.started += 1;
  const after = await traffic.measured();
  expect(after.share).toBe(0.2);
  expect(after.era).not.toBe(before.era);
  await traffic.renew();
  expect(shares()).toEqual([400_000, 400_000]);
});

test("fallback takes the share back everywhere", async () => {
  await traffic.set(revision, 0.4);
  await traffic.fallback();
  expect(shares()).toEqual([0, 0]);
  expect(server.get("Service", names.canary)?.["spec"]).toMatchObject({
    selector: instanceSelector("fraud", job),
  });
});

test("where a router cannot be reached, fallback points the canary's Service at nothing", async () => {
  await traffic.set(revision, 0.4);
  router("r1").isDeaf = true;
  await traffic.fallback();
  expect(shares()).toEqual([400_000, 0]);
  expect(server.get("Service", names.canary)?.["spec"]).toMatchObject({
    selector: instanceSelector("fraud", "none"),
  });
  expect(await traffic.share()).toBe(0);
});

test("without routers there is nothing to take back, and nothing to measure", async () => {
  server.drop("Pod", "r1");
  server.drop("Pod", "r2");
  await traffic.fallback();
  await expect(traffic.measured()).rejects.toMatchObject({ code: "router.absent" });
});
