// A process of its own that looks at the cluster four times a second and says what must never be so.
// Usage: node watcher.ts NAMESPACE NAME BASELINE. Shares no code with mlship. Ends when its input closes.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RouterView } from "./router-view.ts";

const [namespace = "", name = "", baseline = "1"] = process.argv.slice(2);
const folder = mkdtempSync(path.join(tmpdir(), "mlship-watcher-"));
const socket = path.join(folder, "api.sock");
const proxy = spawn("kubectl", ["proxy", "--unix-socket", socket], { stdio: "ignore" });
const view = new RouterView(namespace);
let readings = 0;
let routersSeen = 0;
const over = new AbortController();
process.stdin.on("end", () => over.abort()).resume();

interface Thing {
  metadata: {
    name: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    deletionTimestamp?: string;
  };
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
}

/** The objects of a path, or null while the API server does not answer. */
function list(resource: string): Promise<Thing[] | null> {
  return new Promise((resolve) => {
    const asked = request({ socketPath: socket, path: resource, timeout: 3000 }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part: string) => (text += part));
      answer.on("end", () => {
        if (answer.statusCode !== 200) resolve(null);
        else resolve((JSON.parse(text) as { items: Thing[] }).items);
      });
    });
    asked.on("error", () => resolve(null)).on("timeout", () => asked.destroy());
    asked.end();
  });
}

const isReady = (pod: Thing) => pod.metadata.deletionTimestamp === undefined && isServing(pod);

/** One that is told to end answers until its preStop hook is over, and its Service leads to it while it has no other. */
const isServing = ({ status }: Thing) =>
  ((status?.["conditions"] ?? []) as { type: string; status: string }[]).some(
    (condition) => condition.type === "Ready" && condition.status === "True",
  );

let epoch = 0;
let settled = false;
const low = new Map<string, { looks: number; since: number; isSaid: boolean }>();

/**
 * Says it once it has been so for three looks and two seconds: between two reads the cluster moves
 * on, and HAProxy's check notices within a second and a half that a canary's pods are gone.
 */
function say3(what: string, isSo: boolean): void {
  if (!isSo) {
    low.delete(what);
    return;
  }
  const seen = low.get(what) ?? { looks: 0, since: performance.now(), isSaid: false };
  const looks = seen.looks + 1;
  const isLong = looks >= 3 && performance.now() - seen.since >= 2_000;
  if (isLong && !seen.isSaid) process.stdout.write(`${new Date().toISOString()} ${what}\n`);
  low.set(what, { ...seen, looks, isSaid: seen.isSaid || isLong });
}

async function look(): Promise<void> {
  const base = `/api/v1/namespaces/${namespace}`;
  const [services, pods, leases, jobs] = await Promise.all([
    list(`${base}/services`),
    list(`${base}/pods`),
    list(`/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`),
    list(`/apis/batch/v1/namespaces/${namespace}/jobs`),
  ]);
  if (services === null || pods === null || leases === null || jobs === null) return;
  const stable = services.find(({ metadata }) => metadata.name === `${name}-stable`);
  const selector = (stable?.spec?.["selector"] ?? {}) as Record<string, string>;
  const revision = selector["app.kubernetes.io/instance"];
  const isOf = (instance: string | undefined) => (pod: Thing) =>
    instance !== undefined && pod.metadata.labels?.["app.kubernetes.io/instance"] === instance;
  if (revision !== undefined && revision !== "none") {
    const ready = pods.filter(isOf(revision)).filter(isReady).length;
    settled ||= ready >= Number(baseline);
    say3(
      `stable ${revision} has ${ready} ready servers, fewer than ${baseline}`,
      settled && ready < Number(baseline),
    );
  } else if (settled) {
    say3("nothing is stable any more", true);
  }
  const seen = Number(stable?.metadata.annotations?.["mlship.dev/epoch"] ?? 0);
  if (seen < epoch)
    process.stdout.write(`${new Date().toISOString()} the epoch fell from ${epoch} to ${seen}\n`);
  epoch = Math.max(epoch, seen);

  const routers = pods.filter(isOf(`${name}-router`)).filter(isReady);
  view.keep(routers.map(({ metadata }) => metadata.name));
  const canaries = pods
    .filter((pod) => pod.metadata.labels?.["mlship.dev/role"] === "canary")
    .filter(isServing).length;
  const lease = leases.find(({ metadata }) => metadata.name === `${name}-rollout`);
  const renewed = Date.parse((lease?.spec?.["renewTime"] as string | undefined) ?? "") || 0;
  const fused = jobs.some(({ spec }) => typeof spec?.["activeDeadlineSeconds"] === "number");
  for (const router of routers) {
    const state = await view.read(router.metadata.name);
    if (state !== null) readings += 1;
    routersSeen += 1;
    const share = state?.up === true ? state.share : 0;
    say3(`${router.metadata.name} sends to a canary without ready servers`, share > 0 && canaries === 0);
    say3(
      `${router.metadata.name} sends to a canary without a live lease or fuse`,
      share > 0 && !fused && Date.now() - renewed > 45_000,
    );
  }
}

try {
  while (!over.signal.aborted) {
    await look();
    await sleep(250);
  }
} finally {
  // A watcher that could not see must not be taken for one that saw nothing wrong.
  if (readings < routersSeen / 2) process.stdout.write(`read ${readings} of ${routersSeen} routers\n`);
  view.keep([]);
  proxy.kill();
  rmSync(folder, { recursive: true, force: true });
}
