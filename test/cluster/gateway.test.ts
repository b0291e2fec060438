// The split by a real Gateway (Traefik): exact, given back exactly, and safe when its driver is killed.
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface, type Interface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startLoad, type Load } from "../../scripts/load.ts";
import { makeServed } from "../../src/cluster/served-document.ts";
import type { Measurement } from "../../src/rollout/ports.ts";
import { revisionOf } from "../../src/rollout/revision.ts";
import type { Order, Setup } from "./gateway-driver.ts";
import { openSite, userRows, type Site } from "./kit.ts";

const [gatewayHost = "", gatewayPort = ""] = (process.env["MLSHIP_TEST_GATEWAY"] ?? "127.0.0.1:7080").split(
  ":",
);
const release = `sha256:${"a".repeat(64)}` as const;

/** A process that drives; killed at the end if a test did not do so. */
class Driver {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(setup: Setup) {
    this.#child = spawn(process.execPath, ["test/cluster/gateway-driver.ts", JSON.stringify(setup)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const lines: Interface = createInterface({ input: this.#child.stdout! });
    this.#lines = lines[Symbol.asyncIterator]();
  }

  async tell(order: Order): Promise<unknown> {
    this.#child.stdin!.write(`${JSON.stringify(order)}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`the driver ended during ${order.do}`);
    const answer = JSON.parse(value) as { done?: unknown; failed?: string };
    if (answer.failed !== undefined) throw new Error(`${order.do}: ${answer.failed}`);
    return answer.done;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async end(): Promise<void> {
    this.#child.stdin!.end();
    await Promise.race([new Promise((resolve) => this.#child.once("exit", resolve)), sleep(5000)]);
    this.kill();
  }
}

let site: Site;
let setup: Setup;
let host: string;
const drivers: Driver[] = [];
const loads: Load[] = [];

function drive(): Driver {
  const driver = new Driver(setup);
  drivers.push(driver);
  return driver;
}

/** Users who come in by the Gateway. */
function users(rate: number, seconds: number): Load {
  const load = startLoad(Number(gatewayPort), userRows(), rate, seconds, {
    host: gatewayHost,
    headers: { host },
  });
  loads.push(load);
  return load;
}

interface Route {
  metadata: {
    annotations?: object;
    managedFields: { manager: string; subresource?: string; time: string }[];
  };
  spec: { rules: { backendRefs: { name: string; weight: number }[] }[] };
}

const route = () =>
  JSON.parse(site.kubectl("get", "httproute", "web", "-o", "json", "--show-managed-fields")) as Route;
const weights = () =>
  route().spec.rules.map(({ backendRefs }) => backendRefs.map(({ name, weight }) => `${name} ${weight}`));
/** All that its owner sees of the route; the status is the Gateway's. */
const asOwned = ({ metadata, spec }: Route) => ({
  spec,
  annotations: metadata.annotations,
  owners: metadata.managedFields.filter(({ subresource }) => subresource !== "status"),
});
const exists = (kind: string, name: string) =>
  site.kubectl("get", kind, name, "--ignore-not-found", "-o", "name") !== "";

async function until(what: string, ms: number, isSo: () => boolean): Promise<void> {
  const end = performance.now() + ms;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`${what} did not come within ${ms / 1000} s`);
    await sleep(300);
  }
}

let original: Route;

beforeAll(async () => {
  site = openSite("gate");
  host = `${site.namespace}.example`;
  const revisions = ["1.0.0", "1.1.0"].map((version) => {
    const served = site.served({ version, replicas: 1, canary: { split: "gateway" } });
    const { digest } = makeServed(served, release);
    const revision = revisionOf(site.name, version, release, digest);
    return { revision, served: { ...served, revision: revision.id } };
  });
  setup = { namespace: site.namespace, revisions };
  const objects = [
    {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "Gateway",
      metadata: { name: "gate" },
      spec: {
        gatewayClassName: "testbed",
        listeners: [{ name: "web", port: Number(gatewayPort), protocol: "HTTP" }],
      },
    },
    // Somebody else's: its owner applied it, with a rule that is no matter of the model.
    {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      metadata: { name: "web", annotations: { team: "risk" } },
      spec: {
        parentRefs: [{ name: "gate" }],
        hostnames: [host],
        rules: [
          {
            matches: [{ path: { type: "PathPrefix", value: "/" } }],
            backendRefs: [{ name: site.name, port: 80 }],
            timeouts: { request: "20s" },
          },
        ],
      },
    },
  ];
  for (const object of objects) {
    const file = JSON.stringify(object);
    const { execFileSync } = await import("node:child_process");
    execFileSync(
      "kubectl",
      ["-n", site.namespace, "apply", "--server-side", "--field-manager=flux", "-f", "-"],
      {
        input: file,
        stdio: ["pipe", "ignore", "inherit"],
      },
    );
  }
  original = route();
  const driver = drive();
  await driver.tell({ do: "acquire" });
  await driver.tell({ do: "expand", version: "1.0.0" });
  await driver.tell({ do: "promote", version: "1.0.0" });
  await driver.end();
}, 180_000);

afterAll(async () => {
  for (const load of loads) await load.stop();
  for (const driver of drivers) await driver.end();
  await site.close();
}, 60_000);

test("a share is exact, and a version is promoted without a failed request", async () => {
  // The first version came without a canary: nothing of the route was needed.
  expect(asOwned(route())).toEqual(asOwned(original));
  const driver = drive();
  await driver.tell({ do: "acquire" });
  await driver.tell({ do: "start", version: "1.1.0" });
  const load = users(50, 170);
  await driver.tell({ do: "share", version: "1.1.0", share: 0.2 });
  expect(weights()).toEqual([[`${site.name}-stable 80`, `${site.name}-canary 20`]]);
  await sleep(4000);
  const before = (await driver.tell({ do: "measure" })) as Measurement;
  await sleep(6000);
  const after = (await driver.tell({ do: "measure" })) as Measurement;
  const canary = after.canary.requests - before.canary.requests;
  const all = canary + after.stable.requests - before.stable.requests;
  expect(after).toMatchObject({ share: 0.2, failed: 0, rescued: 0, trouble: null });
  expect(all).toBeGreaterThan(100);
  expect(Math.abs(canary - all * 0.2)).toBeLessThan(Math.max(4, all * 0.02));
  await driver.tell({ do: "expand", version: "1.1.0" });
  expect(weights()[0]).toContain(`${site.name}-canary 20`);
  await driver.tell({ do: "promote", version: "1.1.0" });
  expect(asOwned(route())).toEqual(asOwned(original));
  expect(exists("role", `${site.name}-guardian`)).toBe(false);
  await sleep(3000);
  const tally = await load.stop();
  expect(tally.failures).toEqual([]);
  const promoted = (await driver.tell({ do: "measure" })) as Measurement;
  expect(promoted).toMatchObject({ share: 0, ready: { stable: 1, canary: 0 } });
  expect(promoted.stable.requests).toBeGreaterThan(100);
  await driver.tell({ do: "retire", version: "1.0.0" });
  await driver.end();
}, 180_000);

test("a driver killed at half the traffic: the guardian gives the route back and removes the canary, no request fails", async () => {
  const driver = drive();
  await driver.tell({ do: "acquire" });
  await driver.tell({ do: "start", version: "1.0.0" });
  const load = users(50, 170);
  await driver.tell({ do: "share", version: "1.0.0", share: 0.5 });
  await sleep(3000);
  driver.kill();
  const killed = performance.now();
  await until("the original weights", 45_000, () => weights()[0]?.length === 1);
  const seconds = (performance.now() - killed) / 1000;
  console.log(`driver killed at 50 %: route given back after ${seconds.toFixed(1)} s`);
  const job = setup.revisions[0]!.revision.id;
  await until("the end of the canary", 30_000, () => !exists("job", `${job}-canary`));
  await until("the end of the guardian", 30_000, () => {
    const lease = JSON.parse(site.kubectl("get", "lease", `${site.name}-rollout`, "-o", "json")) as {
      spec: { holderIdentity: string };
    };
    return lease.spec.holderIdentity === "";
  });
  await sleep(2000);
  const tally = await load.stop();
  expect(tally.failures).toEqual([]);
  expect(asOwned(route())).toEqual(asOwned(original));
  expect(site.kubectl("get", "events", "-o", "jsonpath={.items[*].reason}")).toContain("CanaryTakenBack");
  const next = drive();
  await next.tell({ do: "acquire" });
  expect(await next.tell({ do: "observe" })).toMatchObject({ stable: { version: "1.1.0" }, share: 0 });
  await next.tell({ do: "fallback" });
  expect(exists("job", `${site.name}-guardian`)).toBe(false);
  await next.end();
}, 180_000);
