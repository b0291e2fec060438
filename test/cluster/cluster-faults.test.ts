// What the cluster itself does in the middle of a rollout: no room, no rights, no API server, no namespace left.
import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openFaultProxy } from "./fault-proxy.ts";
import { openSite, type Site, type Variant } from "./kit.ts";
import { ship, type Shipped } from "./kit/ship.ts";
import { openKitTarget, releaseOf, type Opened } from "./kit/target.ts";

let site: Site;
let opened: Opened;

const step: Variant["canary"] = { steps: [40], intervalMs: 3_000, maxHarm: 0.1, holdMs: 40_000 };
const slowly: Variant["canary"] = { ...step, intervalMs: 20_000 };
const variants: Variant[] = [
  { version: "1.0.0" },
  { version: "1.1.0", canary: step },
  { version: "1.2.0", canary: slowly },
  { version: "1.3.0", canary: { ...slowly, split: "replicas", steps: [50] } },
  { version: "1.4.0", canary: step },
];
const release = (version: string) =>
  releaseOf(site, variants.find((variant) => variant.version === version) ?? { version });

beforeAll(async () => {
  site = openSite("faults");
  opened = await openKitTarget(
    site,
    variants.map(({ version = "" }) => release(version)),
  );
  await ship(opened, release("1.0.0"));
});

afterAll(async () => {
  opened.cluster.close();
  await site.close();
});

/** Ships a version, and does something once users meet its canary. Ends with what came of it, or the error's code. */
async function during(
  version: string,
  act: () => Promise<void>,
  env = process.env,
): Promise<Shipped | { code: string }> {
  const own = await openKitTarget(site, [release(version), release("1.0.0")], env);
  let begin = () => {};
  const moment = new Promise<void>((resolve) => (begin = resolve));
  const shipping = ship(own, release(version), (news) => {
    if (news.type === "measured" && news.rollout.share > 0) begin();
  }).catch((error: unknown) => ({
    code: error instanceof Error && "code" in error ? String(error.code) : String(error),
  }));
  const [shipped] = await Promise.all([shipping, Promise.race([moment, shipping]).then(act)]);
  own.cluster.close();
  return shipped;
}

const standing = async () => {
  const { stable, canary, previous, share } = await opened.target.observe();
  return [stable?.version, canary, previous, share];
};

const names = (kind: string, selector: string) =>
  site.kubectl("get", kind, "-l", selector, "-o", "name").trim().split("\n").filter(Boolean);

test("a quota appears: the full set cannot grow, which is told in the quota's words, and stable is untouched", async () => {
  const watcher = site.watch(2);
  const load = site.load(30);
  const shipped = await during("1.1.0", async () => {
    const pods = names("pods", "app.kubernetes.io/managed-by=mlship").length;
    site.kubectl("create", "quota", "late", `--hard=pods=${pods}`);
    await Promise.resolve();
  });
  expect(shipped).toMatchObject({
    rollout: { outcome: "failed", why: { code: "rollout.no-servers", exit: "unavailable" } },
  });
  expect(JSON.stringify(shipped)).toMatch(/exceeded quota: late/);
  site.kubectl("delete", "quota", "late");
  expect(await standing()).toEqual(["1.0.0", null, null, 0]);
  expect((await load.stop()).failed).toBe(0);
  expect(await watcher.stop()).toEqual([]);
});

test("the API server is away for 6 s: the rollout goes on; then rights are taken away: it ends, and nobody notices", async () => {
  const watcher = site.watch(2);
  const load = site.load(30);
  const proxy = await openFaultProxy();
  const env = { ...process.env, KUBECONFIG: proxy.kubeconfig };
  const through = await during(
    "1.1.0",
    async () => {
      await proxy.down();
      await sleep(6_000);
      await proxy.up();
    },
    env,
  );
  expect(through).toMatchObject({ rollout: { outcome: "promoted" } });
  const denied = await during(
    "1.2.0",
    async () => {
      const message =
        'services "x" is forbidden: User "ci" cannot update resource "services" in API group ""';
      proxy.faults = { onWrite: () => ({ answer: 403, reason: "Forbidden", message }) };
      await Promise.resolve();
    },
    env,
  );
  expect(denied).toEqual({ code: "kubernetes.denied" });
  await proxy.close();
  const { said, rollout } = await ship(opened, release("1.1.0"));
  expect(said.join("\n")).toMatch(/Found the rollout of 1\.2\.0 .*Took it back/s);
  expect(rollout.to.version).toBe("1.1.0");
  expect(await standing()).toEqual(["1.1.0", null, null, 0]);
  expect((await load.stop()).failed).toBe(0);
  // Nobody was left to take the share back when the fuse took the pods: the routers' own checks found out.
  const seen = (await watcher.stop()).filter((line) => !line.endsWith("a canary without ready servers"));
  expect(seen).toEqual([]);
});

test("the API server is away for 60 s: the driver gives up, the fuse takes the canary, and users notice nothing", async () => {
  const load = site.load(30);
  const proxy = await openFaultProxy();
  const gone = await during(
    "1.2.0",
    async () => {
      await proxy.down();
      await sleep(60_000);
      await proxy.up();
    },
    { ...process.env, KUBECONFIG: proxy.kubeconfig },
  );
  expect(gone).toMatchObject({
    code: expect.stringMatching(/^(rollout\.lock-lost|kubernetes\.unreachable)$/),
  });
  await proxy.close();
  const pods = names("pods", "mlship.dev/role=canary");
  expect(pods).toEqual([]);
  const { said } = await ship(opened, release("1.1.0"));
  expect(said.join("\n")).toMatch(/Took it back/);
  expect((await load.stop()).failed).toBe(0);
});

test("the split is changed to servers and back: what the routers were made of goes, and comes again", async () => {
  const load = site.load(30, { keepAlive: false });
  const router = "app.kubernetes.io/name=faults-router";
  for (const old of ["a", "b", "c", "d"]) {
    site.kubectl("create", "configmap", `faults-router-${old}`);
    const labels = [router, "app.kubernetes.io/managed-by=mlship"];
    site.kubectl("label", "configmap", `faults-router-${old}`, ...labels);
  }
  const servers = await openKitTarget(site, [release("1.3.0")]);
  expect((await ship(servers, release("1.3.0"))).rollout).toMatchObject({ outcome: "promoted" });
  servers.cluster.close();
  expect(names("deployments,configmaps,pdb,networkpolicies,serviceaccounts", router)).toEqual([]);
  const back = await openKitTarget(site, [release("1.4.0")]);
  expect((await ship(back, release("1.4.0"))).rollout).toMatchObject({ outcome: "promoted" });
  back.cluster.close();
  expect(names("deployments", router)).toHaveLength(1);
  expect(await standing()).toEqual(["1.4.0", null, null, 0]);
  expect((await load.stop()).failed).toBe(0);
});

test("a record that nobody understands, or of which half is missing, is told and not overwritten", async () => {
  const write = (data: object) =>
    site.kubectl("patch", "configmap", "faults-rollout", "--type=json", "-p", JSON.stringify([data]));
  const whole = site.kubectl("get", "configmap", "faults-rollout", "-o", "jsonpath={.data.rollout\\.json}");
  const path = "/data/rollout.json";
  write({ op: "replace", path, value: JSON.stringify({ schema: "mlship.rollout/v9" }) });
  await expect(ship(opened, release("1.0.0"))).rejects.toMatchObject({
    code: "rollout.record",
    exit: "attention",
  });
  write({ op: "replace", path, value: whole.slice(0, 100) });
  await expect(ship(opened, release("1.0.0"))).rejects.toMatchObject({ code: "rollout.record" });
  write({ op: "remove", path });
  expect(await standing()).toEqual(["1.4.0", null, null, 0]);
});

test("the namespace is removed under it: the driver ends by itself, and says so", async () => {
  const began = Date.now();
  const ended = await during("1.1.0", async () => {
    execFileSync("kubectl", ["delete", "namespace", site.namespace, "--wait=false"], { stdio: "ignore" });
    await Promise.resolve();
  });
  process.stdout.write(
    `ended ${(Date.now() - began) / 1000} s after it began: ${JSON.stringify(ended).slice(0, 400)}\n`,
  );
  const isPromoted = "rollout" in ended && ended.rollout.outcome === "promoted";
  expect(isPromoted).toBe(false);
});
