// The split by a Gateway: what it refuses, what it waits for, and that a kill at any write leaves nothing lent for good.
import { beforeEach, describe, expect, it } from "vitest";
import { namesOf } from "../../../../../../src/cluster/names.ts";
import { MlshipError } from "../../../../../../src/errors.ts";
import { CanaryFuse } from "../../../../../../src/targets/kubernetes/fleet/canary-fuse.ts";
import { GatewayCounts } from "../../../../../../src/targets/kubernetes/traffic/gateway/gateway-counts.ts";
import { GatewayFuse } from "../../../../../../src/targets/kubernetes/traffic/gateway/gateway-fuse.ts";
import { Guardian } from "../../../../../../src/targets/kubernetes/traffic/gateway/gateway-guardian.ts";
import { checkGateway } from "../../../../../../src/targets/kubernetes/traffic/gateway/gateway-preflight.ts";
import { shareOf } from "../../../../../../src/targets/kubernetes/traffic/gateway/gateway-route.ts";
import { GatewayRoutes } from "../../../../../../src/targets/kubernetes/traffic/gateway/gateway-routes.ts";
import { GatewayTraffic } from "../../../../../../src/targets/kubernetes/traffic/gateway/gateway-traffic.ts";
import { keepingOf } from "../../../../../../src/targets/kubernetes/keeping.ts";
import { PodCounters } from "../../../../../../src/targets/kubernetes/traffic/pod-counters.ts";
import type { KubeObject } from "../../../../../../src/targets/kubernetes/ports.ts";
import { fresh } from "../../../../rollout/world.ts";
import { FakeServer, type Hooks } from "../../fake-api.ts";

const names = namesOf("fraud");
const backends = { users: names.users, stable: names.stable, canary: names.canary };
const job = `${fresh.id}-canary`;
const labels = { "app.kubernetes.io/managed-by": "mlship", "app.kubernetes.io/name": "fraud" };

let server: FakeServer;
/** Requests per second that users send, and whether the Gateway obeys and speaks. */
let world: { rate: number; obeys: boolean; speaks: boolean; guardianRuns: boolean };
/** Share that is in force, and since when; requests of both sides before that. */
let flow: { share: number; since: number; stable: number; canary: number };
/** What must never be so and was. */
let broken: string[];

const service = (name: string, instance: string): KubeObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, labels },
  spec: { selector: { "app.kubernetes.io/name": "fraud", "app.kubernetes.io/instance": instance } },
});

const pod = (name: string, instance: string, isReady = true): KubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels: { "app.kubernetes.io/instance": instance } },
  spec: { containers: [{ name: "server" }] },
  status: {
    phase: "Running",
    conditions: [{ type: "Ready", status: isReady ? "True" : "False" }],
    containerStatuses: [{ name: "server", ready: isReady, restartCount: 0, state: { running: {} } }],
  },
});

const route: KubeObject = {
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  metadata: { name: "web", annotations: { team: "risk" } },
  spec: {
    parentRefs: [{ name: "gate" }],
    rules: [{ backendRefs: [{ group: "", kind: "Service", name: "fraud", port: 80, weight: 1 }] }],
  },
};

beforeEach(() => {
  server = new FakeServer();
  world = { rate: 100, obeys: true, speaks: true, guardianRuns: true };
  flow = { share: 0, since: 0, stable: 0, canary: 0 };
  broken = [];
  for (const object of [
    service(names.users, "fraud-1"),
    service(names.stable, "fraud-1"),
    service(names.canary, job),
    pod("stable-a", "fraud-1"),
    pod("canary-a", job),
    {
      apiVersion: "v1",
      kind: "Endpoints",
      metadata: { name: names.canary },
      subsets: [{ addresses: [{ ip: "10.0.0.1" }] }],
    },
    {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name: job, labels },
      spec: {
        activeDeadlineSeconds: 30,
        parallelism: 1,
        template: {
          spec: {
            containers: [{ name: "server", image: "r/fraud@sha256:1" }],
            tolerations: [{ key: "gpu" }],
          },
        },
      },
      status: { startTime: new Date(server.now()).toISOString() },
    },
    route,
  ]) {
    server.set(structuredClone(object));
  }
  server.answer = (path) => {
    if (path.startsWith("events")) return '{"items":[]}';
    const { stable, canary } = counted();
    const requests = path.includes("canary") ? canary : stable;
    return `# TYPE mlship_requests_total counter\nmlship_requests_total{code="200",route="/predict"} ${requests}\n`;
  };
  server.onChange = play;
  play();
});

/** Requests that both sides got until now. */
function counted(): { stable: number; canary: number } {
  const users = ((server.clock.monotonic() - flow.since) / 1000) * world.rate;
  return {
    stable: Math.floor(flow.stable + users * (1 - flow.share)),
    canary: Math.floor(flow.canary + users * flow.share),
  };
}

/** The Gateway, the guardian's kubelet, and what must always hold. */
function play(): void {
  const now = server.get("HTTPRoute", "web");
  const share = now === null ? 0 : shareOf(now, backends);
  if (world.obeys && share !== flow.share) {
    flow = { ...counted(), share, since: server.clock.monotonic() };
  }
  if (share > 0 && server.get("Job", names.guardian) === null) broken.push("a share without a guardian");
  if (share > 0 && server.get("Job", job) === null) broken.push("a share without a canary");
  if (world.speaks) {
    server.edit("HTTPRoute", "web", (each) => {
      const conditions = ["Accepted", "ResolvedRefs"].map((type) => ({
        type,
        status: "True",
        reason: type,
        message: "",
        observedGeneration: each.metadata.generation,
      }));
      each["status"] = { parents: [{ parentRef: { name: "gate" }, conditions }] };
    });
  }
  const hasGuardian = server.get("Pod", "guard") !== null;
  if (server.get("Job", names.guardian) === null) {
    if (hasGuardian) server.drop("Pod", "guard");
  } else if (!hasGuardian && world.guardianRuns) server.set(pod("guard", names.guardian));
}

async function driver(hooks: Hooks = {}) {
  const client = server.client(hooks);
  const keeping = keepingOf(client, {
    name: "fraud",
    alsoFenced: ["HTTPRoute"],
    told: () => {},
    signal: new AbortController().signal,
  });
  await keeping.lock.seize({
    id: `d${server.now()}`,
    user: "u",
    host: "h",
    pid: 1,
    doing: "mlship deploy",
    since: "",
  });
  const { fence } = keeping;
  const routes = new GatewayRoutes(client, fence, backends);
  const guardian = new Guardian(client, fence, "fraud");
  const fuse = new GatewayFuse(client, fence, new CanaryFuse(client, fence));
  const counts = new GatewayCounts(client, new PodCounters(client), "fraud");
  return {
    client,
    traffic: new GatewayTraffic({ name: "fraud", cluster: client, fence, routes, guardian, fuse, counts }),
  };
}

async function failureOf(work: Promise<unknown>): Promise<MlshipError> {
  const error = await work.then(() => null).catch((reason: unknown) => reason);
  if (error instanceof MlshipError) return error;
  throw new Error(`no MlshipError but ${String(error)}`);
}

const now = () => server.get("HTTPRoute", "web")!;
const isAsBefore = () => {
  expect(now()["spec"]).toEqual(route["spec"]);
  expect(now().metadata.annotations).toEqual(route.metadata.annotations);
  expect(server.get("Job", names.guardian)).toBeNull();
  expect(server.get("Role", names.guardian)).toBeNull();
};

describe("a share", () => {
  it("is set after a guardian watches, measured, and taken away without a trace", async () => {
    const { traffic } = await driver();
    await traffic.set(fresh, 0.25);
    const measured = await traffic.measured();
    expect(measured).toMatchObject({
      share: 0.25,
      rescued: 0,
      ready: { stable: 1, canary: 1 },
      trouble: null,
    });
    const template = (server.get("Job", names.guardian)!["spec"] as { template: { spec: object } }).template
      .spec;
    expect(template).toMatchObject({
      tolerations: [{ key: "gpu" }],
      containers: [{ image: "r/fraud@sha256:1" }],
    });
    await traffic.renew();
    await traffic.set(fresh, 0.5);
    expect((await traffic.measured()).share).toBe(0.5);
    await traffic.fallback();
    isAsBefore();
    expect(broken).toEqual([]);
  });

  it("gives the canary's pods longer than the guardian needs", async () => {
    const { traffic } = await driver();
    await traffic.set(fresh, 0.25);
    expect((server.get("Job", job)!["spec"] as { activeDeadlineSeconds: number }).activeDeadlineSeconds).toBe(
      90,
    );
  });

  it("is refused without a ready canary, and the routes stay as they were", async () => {
    server.edit("Endpoints", names.canary, (each) => (each["subsets"] = null));
    const { traffic } = await driver();
    expect((await failureOf(traffic.set(fresh, 0.25))).code).toBe("gateway.no-canary");
    server.edit("Service", names.canary, (each) => (each["spec"] = { selector: {} }));
    expect((await failureOf(traffic.set(fresh, 0.25))).code).toBe("gateway.no-canary");
    isAsBefore();
  });

  it("is refused without a guardian that watches", async () => {
    world.guardianRuns = false;
    const { traffic } = await driver();
    expect((await failureOf(traffic.set(fresh, 0.25))).code).toBe("gateway.no-guardian");
    expect(shareOf(now(), backends)).toBe(0);
  });

  it("is not in force until the Gateway says so", async () => {
    const { traffic } = await driver();
    world.speaks = false;
    expect((await failureOf(traffic.set(fresh, 0.25))).code).toBe("gateway.not-accepted");
  });

  it("has a guardian again when somebody removed it", async () => {
    const { traffic } = await driver();
    await traffic.set(fresh, 0.25);
    const first = server.get("Job", names.guardian)!.metadata.uid;
    server.drop("Job", names.guardian);
    broken = [];
    await traffic.renew();
    expect(server.get("Job", names.guardian)!.metadata.uid).not.toBe(first);
  });
});

describe("weight 0", () => {
  it("is confirmed by requests that do not come any more", async () => {
    const { traffic } = await driver();
    await traffic.set(fresh, 0.5);
    await server.clock.sleep(3000);
    const at = server.clock.monotonic();
    await traffic.set(fresh, 0);
    expect(server.clock.monotonic() - at).toBeLessThan(4000);
    expect(server.get("Job", names.guardian)).not.toBeNull();
  });

  it("is confirmed by time where nobody asks", async () => {
    world.rate = 0;
    const { traffic } = await driver();
    await traffic.set(fresh, 0.5);
    const at = server.clock.monotonic();
    await traffic.fallback();
    expect(server.clock.monotonic() - at).toBeGreaterThanOrEqual(5000);
    isAsBefore();
  });

  it("is an error while the canary still gets requests", async () => {
    const { traffic } = await driver();
    await traffic.set(fresh, 0.5);
    world.obeys = false;
    expect((await failureOf(traffic.fallback())).code).toBe("gateway.not-in-force");
    world.obeys = true;
    play();
    await traffic.fallback();
    isAsBefore();
  });

  it("leads users where stable is before routes are theirs again", async () => {
    const { traffic } = await driver();
    await traffic.set(fresh, 0.5);
    server.edit("Service", names.stable, (each) => (each["spec"] = service("", fresh.id)["spec"]));
    await traffic.fallback();
    expect(server.get("Service", names.users)!["spec"]).toMatchObject(
      service("", fresh.id)["spec"] as object,
    );
  });

  it("is there already where nothing was deployed", async () => {
    server.drop("Service", names.stable);
    const { traffic } = await driver();
    const writes = server.writes.length;
    await traffic.fallback();
    expect(server.writes.length).toBe(writes);
  });
});

describe("a process that is killed", () => {
  it("leaves nothing lent once the next one fell back, at whichever write it died", async () => {
    const whole = async (hooks: Hooks) => {
      const { client, traffic } = await driver(hooks);
      const kill = hooks as { client?: { isDead: boolean } };
      kill.client = client;
      await traffic.set(fresh, 0.1);
      await traffic.set(fresh, 0.5);
      await traffic.fallback();
    };
    await whole({});
    const writes = server.writes.length;
    expect(writes).toBeGreaterThan(12);
    for (let fatal = 0; fatal < writes; fatal += 1) {
      for (const moment of ["before", "after"] as const) {
        const first = server.writes.length;
        const hooks: Hooks & { client?: { isDead: boolean } } = {};
        hooks[moment] = ({ index }) => {
          if (index - first === fatal && hooks.client !== undefined) hooks.client.isDead = true;
        };
        await whole(hooks).catch(() => undefined);
        const { traffic } = await driver();
        await traffic.fallback();
        isAsBefore();
      }
    }
    expect(broken).toEqual([]);
  }, 60_000);
});

describe("preflight", () => {
  const check = (brings = false) => checkGateway(server.client(), backends, brings);

  it("wants a route that leads to the model, unless mlship brings one", async () => {
    await check();
    server.drop("HTTPRoute", "web");
    expect((await failureOf(check())).code).toBe("gateway.no-route");
    await check(true);
  });

  it("tells the Gateway's words", async () => {
    world.speaks = false;
    server.edit("HTTPRoute", "web", (each) => {
      const condition = {
        type: "Accepted",
        status: "False",
        reason: "NoMatchingParent",
        message: "no listener",
      };
      each["status"] = { parents: [{ parentRef: { name: "gate" }, conditions: [condition] }] };
    });
    const { code, why } = await failureOf(check());
    expect([code, why]).toEqual(["gateway.refused", expect.stringContaining("NoMatchingParent no listener")]);
  });
});
