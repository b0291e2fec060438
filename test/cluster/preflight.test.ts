// What would make a rollout fail is found on the real cluster before anything is written, and told at once.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { MlshipError } from "../../src/errors.ts";
import type { Registry } from "../../src/image/ports.ts";
import type { Cluster } from "../../src/targets/kubernetes/ports.ts";
import { checkCluster } from "../../src/targets/kubernetes/preflight/preflight.ts";
import { openCluster } from "../../src/tools/kubectl/open.ts";
import { createRegistry } from "../../src/tools/registry/registry.ts";
import { openFaultProxy, type FaultProxy } from "./fault-proxy.ts";
import { golden, openSite, type Site, type Variant } from "./kit.ts";
import { holderCalled, openKitTarget, releaseOf } from "./kit/target.ts";

const registry: Registry = createRegistry({
  env: process.env,
  home: homedir(),
  signal: new AbortController().signal,
  version: "0.1.0",
  sleep,
  now: Date.now,
});

let site: Site;
let proxy: FaultProxy;
let cluster: Cluster;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "mlship-t-"));
  site = openSite("preflight");
  proxy = await openFaultProxy();
  cluster = await open({ ...process.env, KUBECONFIG: proxy.kubeconfig });
});

afterAll(async () => {
  cluster.close();
  await proxy.close();
  await site.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(env: Record<string, string | undefined>, namespace = site.namespace): Promise<Cluster> {
  const leash = path.resolve("src/leash.ts");
  return openCluster({ context: null, namespace, node: process.execPath, leash, env, temporary: folder });
}

/** What the preflight finds; null when all is well. */
async function found(variant: Variant = {}, on: Cluster = cluster): Promise<MlshipError | null> {
  const { served } = releaseOf(site, variant);
  try {
    await checkCluster(on, { served, channel: "production", registry });
    return null;
  } catch (error) {
    if (error instanceof MlshipError) return error;
    throw error;
  }
}

/** Applies an object as somebody else. */
function apply(object: object, ...words: string[]): void {
  const text = typeof object === "string" ? object : JSON.stringify(object);
  execFileSync("kubectl", ["-n", site.namespace, "apply", "-f", "-", ...words], {
    input: text,
    stdio: ["pipe", "ignore", "inherit"],
  });
}

test("a namespace that is well is not written to", async () => {
  expect(await found()).toBeNull();
  expect(proxy.writes).toEqual([]);
});

test("everything that stands in the way is told at once", async () => {
  const { served } = releaseOf(site, { version: "2.0.0" });
  const foreign = { name: "web", namespace: site.namespace };
  apply({
    apiVersion: "v1",
    kind: "ResourceQuota",
    metadata: { name: "team" },
    spec: { hard: { pods: "1", "requests.cpu": "10" } },
  });
  apply({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: site.name },
    spec: { ports: [{ port: 80 }] },
  });
  apply({
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: foreign,
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: served.revision },
      maxReplicas: 3,
    },
  });
  // What counts is used once the quota was looked at.
  await expect
    .poll(() => site.kubectl("get", "quota", "team", "-o", "jsonpath={.status.hard.pods}"))
    .toBe("1");
  const error = await found({
    version: "2.0.0",
    image: `${site.served().image.split("@")[0] ?? ""}@sha256:${"0".repeat(64)}`,
    container: { securityContext: { allowPrivilegeEscalation: true } },
  });
  expect(error).toMatchObject({ code: "preflight.failed", exit: "unavailable" });
  const told = (error?.problems ?? []).map(({ what }) => what).join("\n");
  expect(told).toMatch(/ResourceQuota team does not admit .*pods: 0 of 1 are used/);
  expect(told).toMatch(/would refuse the pods of this version.*PodSecurity "restricted/);
  expect(told).toMatch(/is there and is not mlship's/);
  expect(told).toMatch(/is not in its registry/);
  for (const { fix } of error?.problems ?? []) expect(fix).toBeTruthy();
  expect(proxy.writes).toEqual([]);
  for (const thing of ["quota/team", `service/${site.name}`, "hpa/web"]) site.kubectl("delete", thing);
});

test("a LimitRange and a GitOps controller's object are found, each with what to do", async () => {
  apply({
    apiVersion: "v1",
    kind: "LimitRange",
    metadata: { name: "small" },
    spec: { limits: [{ type: "Container", max: { memory: "64Mi" } }] },
  });
  expect(await found()).toMatchObject({
    code: "preflight.refused",
    why: expect.stringMatching(/maximum memory usage per Container is 64Mi/) as string,
  });
  site.kubectl("delete", "limitrange/small");
  const labels = { "app.kubernetes.io/managed-by": "mlship" };
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: site.name, labels },
    spec: { ports: [{ port: 80 }] },
  };
  apply(service, "--server-side", "--field-manager=argocd-controller");
  expect(await found()).toMatchObject({
    code: "preflight.gitops",
    fix: expect.stringContaining(`name: ${site.name}, managedFieldsManagers: [mlship]`) as string,
  });
  site.kubectl("annotate", "service", site.name, "mlship.dev/gitops=ignored");
  expect(await found()).toBeNull();
  site.kubectl("delete", `service/${site.name}`);
});

test("a namespace that is not there, or goes away, is told as that", async () => {
  const nowhere = await open(process.env, `${site.namespace}-not`);
  expect(await found({}, nowhere)).toMatchObject({ code: "kubernetes.namespace", exit: "unavailable" });
  nowhere.close();
  const going = openSite("going");
  apply(
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "stays", namespace: going.namespace, finalizers: ["mlship.dev/test"] },
    },
    `--namespace=${going.namespace}`,
  );
  await going.close();
  const leaving = await open(process.env, going.namespace);
  await expect.poll(async () => (await found({}, leaving))?.code).toBe("preflight.terminating");
  leaving.close();
  going.kubectl("patch", "configmap", "stays", "--type=merge", "-p", '{"metadata":{"finalizers":null}}');
});

/** A kubeconfig of a ServiceAccount's own. */
function kubeconfigOf(account: string): string {
  const config = JSON.parse(site.kubectl("config", "view", "--raw", "--minify", "-o", "json")) as {
    users: { name: string; user: object }[];
  };
  const token = site.kubectl("create", "token", account, "--duration=30m").trim();
  const file = path.join(folder, account);
  writeFileSync(
    file,
    JSON.stringify({ ...config, users: config.users.map(({ name }) => ({ name, user: { token } })) }),
    {
      mode: 0o600,
    },
  );
  return file;
}

test("who lacks rights is given a Role, and with that very Role can deploy, promote and stop", async () => {
  site.kubectl("create", "serviceaccount", "deployer");
  const env = { ...process.env, KUBECONFIG: kubeconfigOf("deployer") };
  const own = await open(env);
  const error = await found({}, own);
  expect(error).toMatchObject({ code: "preflight.rights", exit: "unavailable" });
  expect(error?.why).toContain("get, list, create, update, patch, delete deployments.apps");
  const role = error?.fix?.slice(error.fix.indexOf("\n") + 1) ?? "";
  apply(role as unknown as object);
  site.kubectl(
    "create",
    "rolebinding",
    "mlship",
    "--role=mlship",
    `--serviceaccount=${site.namespace}:deployer`,
  );
  await expect.poll(() => found({}, own), { timeout: 10_000 }).toBeNull();
  own.close();

  const [first, second] = [
    releaseOf(site, { replicas: 1 }),
    releaseOf(site, { version: "1.1.0", replicas: 1 }),
  ];
  const { target, cluster: opened } = await openKitTarget(site, [first, second], env);
  try {
    const held = await target.lock.acquire(holderCalled("mlship deploy"));
    const whole = async ({ revision }: typeof first) => {
      await target.fleet.expand(revision);
      await expect.poll(() => target.fleet.isWhole(revision), { timeout: 90_000, interval: 500 }).toBe(true);
      await held.renew();
    };
    await whole(first);
    await target.fleet.promote(first.revision);
    await target.fleet.start(second.revision);
    await target.fleet.ready(second.revision, 60_000);
    expect(golden.compare(await target.fleet.predict(second.revision, golden.columns)).rows).toBe(100);
    await target.traffic.set(second.revision, 0.2);
    await target.traffic.renew();
    expect((await target.traffic.measured()).share).toBeCloseTo(0.2, 2);
    await whole(second);
    await target.fleet.promote(second.revision);
    await target.fleet.retire(first.revision);
    expect(await target.logs(second.revision, 5)).not.toBe("");
    expect(await target.observe()).toMatchObject({ stable: second.revision, canary: null });
    await held.release();
    await target.stop();
    const left = site.kubectl(
      "get",
      "deploy,svc,hpa,pdb,job,netpol,lease",
      "-l",
      "app.kubernetes.io/managed-by=mlship",
      "-o",
      "name",
    );
    expect(left.trim()).toBe("");
  } finally {
    opened.close();
  }
});
