// The way to the API server, on the real one and through a proxy that spoils requests.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openCluster } from "../../src/tools/kubectl/open.ts";
import type { Cluster, KubeObject } from "../../src/targets/kubernetes/ports.ts";
import { openFaultProxy, type Fault, type FaultProxy, type Seen } from "./fault-proxy.ts";
import { openSite, type Site } from "./kit.ts";

const leash = path.resolve("src/leash.ts");
let site: Site;
let proxy: FaultProxy;
let cluster: Cluster;
let temporary: string;

function open(env: Record<string, string | undefined>): Promise<Cluster> {
  const { namespace } = site;
  return openCluster({ context: null, namespace, node: process.execPath, leash, env, temporary });
}

beforeAll(async () => {
  temporary = mkdtempSync(path.join(tmpdir(), "mlship-t-"));
  site = openSite("api");
  proxy = await openFaultProxy();
  cluster = await open({ ...process.env, KUBECONFIG: proxy.kubeconfig });
});

afterEach(() => {
  proxy.faults = {};
});

afterAll(async () => {
  cluster.close();
  await proxy.close();
  await site.close();
  await sleep(300);
  rmSync(temporary, { recursive: true, force: true });
});

let count = 0;
function configMap(data: Record<string, string> = { a: "1" }): KubeObject & { data: Record<string, string> } {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name: `m-${(count += 1)}` }, data };
}

/** The fault for the first request of a method; later ones pass. */
function first(method: string, fault: Fault): (request: Seen) => Fault | null {
  let isOver = false;
  return (request) => {
    if (isOver || request.method !== method) return null;
    isOver = true;
    return fault;
  };
}

test("objects are created, applied, replaced, patched, listed and removed", async () => {
  const { api } = cluster;
  const object = configMap();
  const { name } = object.metadata;
  const created = await api.create(object);
  expect(created?.metadata.namespace).toBe(site.namespace);
  expect(await api.create(object)).toBeNull();
  const patched = await api.patch("ConfigMap", name, { metadata: { labels: { of: "mlship" } } });
  const replaced = await api.replace({ ...patched, data: { a: "2" } });
  expect(replaced["data"]).toEqual({ a: "2" });
  await expect(api.replace({ ...patched, data: { a: "3" } })).rejects.toMatchObject({
    code: "kubernetes.stale",
    exit: "attention",
  });
  expect(
    (await api.list("ConfigMap", "of=mlship")).map(({ kind, metadata }) => [kind, metadata.name]),
  ).toEqual([["ConfigMap", name]]);
  await api.rehearse({ ...object, data: { a: "4" } }).catch(() => undefined);
  expect((await api.read("ConfigMap", name))?.["data"]).toEqual({ a: "2" });
  await expect(api.remove("ConfigMap", name, { uid: "00000000" })).rejects.toMatchObject({
    code: "kubernetes.stale",
  });
  expect(await api.remove("ConfigMap", name)).toBe(true);
  expect(await api.remove("ConfigMap", name)).toBe(false);
  expect(await api.read("ConfigMap", name)).toBeNull();
});

test("a field of another manager is a conflict that names it, and is taken over only by seize", async () => {
  const { api } = cluster;
  const object = configMap();
  await api.apply(object, "argocd-controller");
  await expect(api.apply({ ...object, data: { a: "2" } })).rejects.toMatchObject({
    code: "kubernetes.conflict",
    exit: "attention",
    why: expect.stringMatching(/argocd-controller.*\.data\.a/) as string,
  });
  expect((await api.seize({ ...object, data: { a: "2" } }))["data"]).toEqual({ a: "2" });
});

test("a field that the API server does not know is refused", async () => {
  await expect(cluster.api.apply({ ...configMap(), dat: { a: "1" } })).rejects.toMatchObject({
    code: "kubernetes.refused",
    why: expect.stringContaining("dat") as string,
  });
});

test("429 and 5xx before anything is done are waited out", async () => {
  for (const fault of [
    { answer: 429, retryAfter: 1 },
    { answer: 503, reason: "ServiceUnavailable" },
    { cut: "before" },
  ] as const) {
    proxy.faults = { decide: first("PATCH", fault) };
    const object = configMap();
    expect((await cluster.api.apply(object)).metadata.name).toBe(object.metadata.name);
    proxy.faults = { decide: first("GET", fault) };
    expect(await cluster.api.read("ConfigMap", object.metadata.name)).not.toBeNull();
  }
});

test("a write that was carried out although the answer was lost ends well, once", async () => {
  const { api } = cluster;
  const lost = { cut: "after" } as const;
  const object = configMap();
  const { name } = object.metadata;
  proxy.faults = { decide: first("POST", lost) };
  expect((await api.create(object))?.metadata.name).toBe(name);
  proxy.faults = { decide: first("PATCH", lost) };
  const now = await api.read("ConfigMap", name);
  const resourceVersion = now?.metadata.resourceVersion ?? "";
  const applied = await api.seize({ ...object, metadata: { name, resourceVersion }, data: { a: "2" } });
  expect(applied["data"]).toEqual({ a: "2" });
  proxy.faults = { decide: first("PUT", lost) };
  expect((await api.replace({ ...applied, data: { a: "3" } }))["data"]).toEqual({ a: "3" });
  proxy.faults = { decide: first("DELETE", lost) };
  expect(await api.remove("ConfigMap", name, { uid: applied.metadata.uid ?? "" })).toBe(true);
});

test("a lost answer does not make another's write ours", async () => {
  const { api } = cluster;
  const object = configMap();
  const { name } = object.metadata;
  // Somebody else creates it first; our attempt is cut before it arrives, then meets theirs.
  proxy.faults = {
    decide: first("POST", {
      cut: "before",
      act: () => void site.kubectl("create", "configmap", name, "--from-literal=a=theirs"),
    }),
  };
  expect(await api.create(object)).toBeNull();
  const now = await api.read("ConfigMap", name);
  proxy.faults = {
    decide: first("PUT", {
      cut: "before",
      act: () => void site.kubectl("annotate", "configmap", name, "by=them"),
    }),
  };
  await expect(api.replace({ ...now!, data: { a: "ours" } })).rejects.toMatchObject({
    code: "kubernetes.stale",
  });
});

test("a right that is taken away half-way is named", async () => {
  proxy.faults = { user: `system:serviceaccount:${site.namespace}:nobody` };
  await expect(cluster.api.apply(configMap())).rejects.toMatchObject({
    code: "kubernetes.denied",
    exit: "unavailable",
    what: expect.stringContaining(`may not patch configmaps in namespace ${site.namespace}`) as string,
  });
  expect(await cluster.api.can("create", "apps", "deployments")).toBe(false);
});

test("an API server that restarts is waited for; one that stays away is unreachable", async () => {
  await proxy.down();
  const waited = cluster.api.read("ConfigMap", "kube-root-ca.crt");
  await sleep(1_500);
  await proxy.up();
  expect(await waited).not.toBeNull();
  await proxy.down();
  await expect(cluster.api.read("ConfigMap", "kube-root-ca.crt")).rejects.toMatchObject({
    code: "kubernetes.unreachable",
    exit: "unavailable",
    why: expect.stringContaining("connection refused") as string,
  });
  await proxy.up();
});

test("the server's clock is told, whatever this machine's says", async () => {
  const { api } = cluster;
  for (const dateShiftMs of [600_000, -600_000]) {
    proxy.faults = { dateShiftMs };
    await api.read("ConfigMap", "kube-root-ca.crt");
    expect(Math.abs(api.now() - Date.now() - dateShiftMs)).toBeLessThan(5_000);
  }
});

test("kubectl that was killed is started again", async () => {
  const folder = readdirSync(temporary)[0]!;
  const socket = path.join(temporary, folder, "api");
  const found = execFileSync("ps", ["-eo", "pid,args"], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes(`proxy --unix-socket=${socket}`) && !line.includes("leash"));
  expect(found).toHaveLength(1);
  process.kill(Number.parseInt(found[0]!, 10), "SIGKILL");
  expect(await cluster.api.read("ConfigMap", "kube-root-ca.crt")).not.toBeNull();
});

test("a tunnel leads into a pod, also through the proxy, and is broken when closed", async () => {
  const pod: KubeObject = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web" },
    spec: {
      terminationGracePeriodSeconds: 1,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: "RuntimeDefault" } },
      containers: [
        {
          name: "web",
          image: `${process.env["MLSHIP_TEST_REGISTRY"]}/library/python:3.11-slim`,
          command: ["python3", "-m", "http.server", "8000", "--directory", "/etc/python3.11"],
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
        },
      ],
    },
  };
  await cluster.api.create(pod);
  site.kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=60s");
  // Ready says only that the process runs.
  const index = () => cluster.api.text("pods/web:8000/proxy/").catch(String);
  await expect.poll(index, { timeout: 20_000, interval: 200 }).toContain("Directory listing");
  const tunnel = await cluster.tunnels.open("web", 8000);
  expect((await fetch(`http://127.0.0.1:${tunnel.port}/`)).status).toBe(200);
  tunnel.close();
  expect(tunnel.open).toBe(false);
  await expect(cluster.tunnels.open("nobody", 8000)).rejects.toMatchObject({
    code: "kubernetes.tunnel",
    why: expect.stringContaining("nobody") as string,
  });
  const second = await cluster.tunnels.open("web", 8000);
  await cluster.api.remove("Pod", "web");
  site.kubectl("wait", "--for=delete", "pod/web", "--timeout=60s");
  await expect(fetch(`http://127.0.0.1:${second.port}/`)).rejects.toThrow("fetch failed");
  await expect.poll(() => second.open, { timeout: 10_000 }).toBe(false);
});

test("SIGKILL of the process leaves no kubectl and no socket behind", async () => {
  const folder = mkdtempSync(path.join(temporary, "k-"));
  const script = path.join(folder, "die.ts");
  const openFile = path.resolve("src/tools/kubectl/open.ts");
  writeFileSync(
    script,
    `import { openCluster } from ${JSON.stringify(openFile)};
    const [leash, temporary] = process.argv.slice(2);
    await openCluster({ context: null, namespace: "default", node: process.execPath, leash, env: process.env, temporary });
    console.log("open");
    setInterval(() => undefined, 1000);`,
  );
  const child = spawn(process.execPath, [script, leash, folder], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  const own = readdirSync(folder).find((name) => name.startsWith("mlship-api-"));
  expect(existsSync(path.join(folder, own!, "api"))).toBe(true);
  child.kill("SIGKILL");
  await expect.poll(() => existsSync(path.join(folder, own!)), { timeout: 10_000 }).toBe(false);
  // The socket goes a moment before those who had it open.
  const left = () => execFileSync("ps", ["-eo", "args"], { encoding: "utf8" });
  await expect.poll(left, { timeout: 10_000 }).not.toContain(folder);
});

test("a wrong way in is said: no kubectl, no context, no server, unknown user", async () => {
  const kubeconfig = (cluster_: object, user: object) => {
    const file = path.join(mkdtempSync(path.join(temporary, "c-")), "config");
    const contexts = [{ name: "one", context: { cluster: "c", user: "u" } }];
    const clusters = [{ name: "c", cluster: cluster_ }];
    const config = {
      apiVersion: "v1",
      kind: "Config",
      contexts,
      clusters,
      users: [{ name: "u", user }],
      "current-context": "one",
    };
    writeFileSync(file, JSON.stringify(config));
    return { ...process.env, KUBECONFIG: file };
  };
  await expect(open({ ...process.env, PATH: "/nonexistent" })).rejects.toMatchObject({
    code: "tool.missing",
  });
  await expect(open({ ...process.env, KUBECONFIG: "/nonexistent" })).rejects.toMatchObject({
    code: "kubernetes.kubeconfig",
  });
  const server = site.kubectl("config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}");
  await expect(
    open(kubeconfig({ server, "insecure-skip-tls-verify": true }, { token: "wrong" })),
  ).rejects.toMatchObject({
    code: "kubernetes.credentials",
    exit: "unavailable",
  });
  const plugin = {
    apiVersion: "client.authentication.k8s.io/v1",
    command: "no-such-login",
    interactiveMode: "Never",
  };
  await expect(
    open(kubeconfig({ server, "insecure-skip-tls-verify": true }, { exec: plugin })),
  ).rejects.toMatchObject({
    code: "kubernetes.credentials",
    why: expect.stringContaining("no-such-login") as string,
  });
});
