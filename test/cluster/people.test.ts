// What people and other controllers do in the middle of a rollout, on the real cluster, with users.
import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Rollout } from "../../src/rollout/record.ts";
import { openSite, routerImage, type Site, type Variant } from "./kit.ts";
import { ship, type Shipped } from "./kit/ship.ts";
import { openKitTarget, releaseOf, type Opened, type Release } from "./kit/target.ts";

let site: Site;
let opened: Opened;
const releases = new Map<string, Release>();

/** A step that others have time to break into. */
const long: Variant["canary"] = { steps: [40], intervalMs: 15_000, maxHarm: 0.1, holdMs: 60_000 };
const short: Variant["canary"] = { ...long, intervalMs: 3_000 };

const versions: Variant[] = [
  { version: "1.0.0" },
  { version: "1.1.0", canary: { ...long, intervalMs: 40_000 } },
  { version: "1.2.0", canary: long },
  { version: "1.3.0", canary: short },
];

const release = (version: string) => releases.get(version) ?? releaseOf(site, { version });
const id = (version: string) => release(version).revision.id;

beforeAll(async () => {
  site = openSite("people");
  for (const variant of versions) releases.set(variant.version ?? "", releaseOf(site, variant));
  opened = await openKitTarget(site, [...releases.values()]);
  await ship(opened, release("1.0.0"));
});

afterAll(async () => {
  opened.cluster.close();
  await site.close();
});

/** Ships a version with a target of its own, as each command has, and lets somebody act at a moment of it. */
async function during(
  version: string,
  isMoment: (rollout: Rollout) => boolean,
  act: (said: string[]) => Promise<void>,
): Promise<Shipped & { told: string[] }> {
  const own = await openKitTarget(site, [release(version), ...releases.values()]);
  let begin = () => {};
  const moment = new Promise<void>((resolve) => (begin = resolve));
  const shipping = ship(own, release(version), (news) => {
    if (news.type === "measured" && isMoment(news.rollout)) begin();
  });
  const acting = Promise.race([moment, shipping]).then(() => act(own.told));
  const [shipped] = await Promise.all([shipping, acting]);
  own.cluster.close();
  return { ...shipped, told: own.told };
}

const hasUsers = ({ share, phase }: Rollout) => share > 0 && phase !== "abort";

async function until(what: string, isSo: () => boolean): Promise<number> {
  const began = Date.now();
  while (!isSo()) {
    if (Date.now() - began > 45_000) throw new Error(`not so after 45 s: ${what}`);
    await sleep(200);
  }
  return Date.now() - began;
}

const jsonpath = (kind: string, name: string, path: string) =>
  site.kubectl("get", kind, name, "-o", `jsonpath={${path}}`, "--ignore-not-found");

const stableId = async () => (await opened.target.observe()).stable?.id ?? "";

const wanted = (version: string) => jsonpath("deployment", id(version), ".spec.replicas");

/** What a GitOps controller does: its own field manager, and no question asked. */
function applyAs(manager: string, service: string, selector: Record<string, string>): void {
  const object = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: service, namespace: site.namespace },
    spec: { selector },
  };
  const args = ["apply", "--server-side", "--force-conflicts", `--field-manager=${manager}`, "-f", "-"];
  execFileSync("kubectl", args, { input: JSON.stringify(object), stdio: "pipe" });
}

test("stable is edited, undone and scaled by hand, and gets another autoscaler: told, and never made smaller", async () => {
  const load = site.load(30);
  const { rollout, told } = await during("1.1.0", hasUsers, async (said) => {
    const deployment = `deployment/${id("1.0.0")}`;
    site.kubectl("set", "resources", deployment, "--limits=memory=300Mi");
    await until("the edit is told", () => said.some((text) => /somebody changed .*memory/.test(text)));
    site.kubectl("rollout", "undo", deployment);
    await until("undo is told", () => said.some((text) => text.includes("runs as it was deployed again")));
    site.kubectl("autoscale", deployment, "--name=mine", "--min=1", "--max=1", "--cpu=50%");
    site.kubectl("scale", deployment, "--replicas=1");
    await until("it has its servers again", () => wanted("1.0.0") === "2");
    await until("that is told", () => said.some((text) => /scaled stable 1.0.0 to 1 servers/.test(text)));
    site.kubectl("delete", "hpa", "mine");
  });
  expect(rollout.why).toBeNull();
  expect(rollout.outcome).toBe("promoted");
  expect(told.filter((text) => /scaled stable/.test(text))).toHaveLength(1);
  expect((await load.stop()).failed).toBe(0);
});

test("pods are evicted, as from a node that is drained: the disruption budget holds, the canary is waited for", async () => {
  const watcher = site.watch(1);
  const load = site.load(30);
  const evict = (pod: string) =>
    execFileSync(
      "kubectl",
      ["create", "--raw", `/api/v1/namespaces/${site.namespace}/pods/${pod}/eviction`, "-f", "-"],
      {
        input: JSON.stringify({
          apiVersion: "policy/v1",
          kind: "Eviction",
          metadata: { name: pod, namespace: site.namespace },
        }),
        encoding: "utf8",
        stdio: "pipe",
      },
    );
  const podsOf = (instance: string) =>
    site
      .kubectl("get", "pods", "-l", `app.kubernetes.io/instance=${instance}`, "-o", "name")
      .trim()
      .split("\n")
      .map((name) => name.replace("pod/", ""));
  const { rollout } = await during("1.2.0", hasUsers, async () => {
    evict(podsOf(`${id("1.2.0")}-canary`)[0] ?? "");
    const [one = "", other = ""] = podsOf(id("1.1.0"));
    evict(one);
    expect(() => evict(other)).toThrow(/disruption budget/);
    await Promise.resolve();
  });
  expect(rollout.why).toBeNull();
  expect(rollout.outcome).toBe("promoted");
  expect((await load.stop()).failed).toBe(0);
  expect(await watcher.stop()).toEqual([]);
});

test("a canary's image is exchanged: what is measured is not the release, so nothing is promoted", async () => {
  releases.set("1.2.1", releaseOf(site, { version: "1.2.1", canary: long }));
  const load = site.load(30);
  const job = `${id("1.2.1")}-canary`;
  const { rollout } = await during("1.2.1", hasUsers, async () => {
    expect(() => site.kubectl("set", "image", `job/${job}`, `server=${routerImage}`)).toThrow(/immutable/);
    const pod = jsonpath("pods", `--selector=app.kubernetes.io/instance=${job}`, ".items[0].metadata.name");
    site.kubectl("set", "image", `pod/${pod}`, `server=${routerImage}`);
    await Promise.resolve();
  });
  expect(rollout).toMatchObject({ outcome: "failed", why: { code: "rollout.moved", exit: "attention" } });
  expect(rollout.why?.what).toMatch(/image of the canary's pod .* was exchanged/);
  const { stable, canary } = await opened.target.observe();
  expect([stable?.version, canary]).toEqual(["1.2.0", null]);
  expect((await load.stop()).failed).toBe(0);
});

test("a GitOps controller takes the users' Service back: seen at once, and left to it", async () => {
  const load = site.load(30);
  const serving = await stableId();
  const selector = { "app.kubernetes.io/name": site.name, "app.kubernetes.io/instance": serving };
  let at = 0;
  const { rollout } = await during("1.3.0", hasUsers, async () => {
    applyAs("kustomize-controller", site.name, selector);
    at = Date.now();
    await Promise.resolve();
  });
  process.stdout.write(`the rollout was over ${(Date.now() - at) / 1000} s after the revert\n`);
  expect(rollout).toMatchObject({ outcome: "failed", why: { code: "rollout.moved", exit: "attention" } });
  expect(rollout.why?.what).toMatch(/Service people was changed by kustomize-controller/);
  const led = jsonpath("service", site.name, ".spec.selector");
  expect(led).toContain(serving);
  expect((await opened.target.observe()).canary).toBeNull();
  expect((await load.stop()).failed).toBe(0);
});

test("the next run leads users through the routers again; what is reverted after its promotion stays reverted", async () => {
  // Connections that were kept would go on past the routers, and a canary would get no requests.
  const load = site.load(30, { keepAlive: false });
  const serving = await stableId();
  releases.set("1.4.0", releaseOf(site, { version: "1.4.0", canary: { ...short, bakeMs: 20_000 } }));
  const before = { "app.kubernetes.io/name": site.name, "app.kubernetes.io/instance": serving };
  const { rollout } = await during(
    "1.4.0",
    ({ phase }) => phase === "bake",
    async () => {
      expect(jsonpath("service", site.name, ".spec.selector")).toContain(`${site.name}-router`);
      applyAs("kustomize-controller", `${site.name}-stable`, before);
      await Promise.resolve();
    },
  );
  expect(rollout).toMatchObject({ outcome: "failed", why: { code: "rollout.moved", exit: "attention" } });
  const { stable, canary, previous } = await opened.target.observe();
  expect([stable?.id, canary, previous]).toEqual([serving, null, null]);
  expect(jsonpath("deployment", serving, ".spec.replicas")).toBe("2");
  expect((await load.stop()).failed).toBe(0);
});
