// A process of its own that looks at the cluster four times a second and says what must never be so.
// Usage: node watcher.ts NAMESPACE NAME BASELINE. Shares no code with mlship. Ends when its input closes.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const [namespace = "", name = "", baseline = "1"] = process.argv.slice(2);
const folder = mkdtempSync(path.join(tmpdir(), "mlship-watcher-"));
const socket = path.join(folder, "api.sock");
const proxy = spawn("kubectl", ["proxy", "--unix-socket", socket], { stdio: "ignore" });
const forwards = new Map<string, { port: Promise<number>; end: () => void }>();
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

/** Servers of the router's backend: `stable` and `canary` with weight and whether it is up. */
async function weights(pod: string): Promise<Map<string, { weight: number; up: boolean }> | null> {
  let forward = forwards.get(pod);
  if (forward === undefined) {
    const args = ["-n", namespace, "port-forward", `pod/${pod}`, ":9999"];
    const child = spawn("kubectl", args, { stdio: ["ignore", "pipe", "ignore"] });
    const port = new Promise<number>((resolve, reject) => {
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        const found = /127\.0\.0\.1:(\d+)/.exec(text)?.[1];
        if (found !== undefined) resolve(Number(found));
      });
      child.on("exit", () => {
        forwards.delete(pod);
        reject(new Error("gone"));
      });
    });
    forward = { port, end: () => child.kill() };
    forwards.set(pod, forward);
  }
  try {
    const port = await Promise.race([
      forward.port,
      sleep(3000).then(() => Promise.reject(new Error("late"))),
    ]);
    const text = await say(port, "show stat\n");
    const [head = "", ...rows] = text.replace(/^# /, "").trim().split("\n");
    const columns = head.split(",");
    const at = (row: string, column: string) => row.split(",")[columns.indexOf(column)] ?? "";
    const servers = rows.filter((row) => ["stable", "canary"].includes(at(row, "svname")));
    return new Map(
      servers.map((row) => [
        at(row, "svname"),
        { weight: Number(at(row, "weight")), up: at(row, "status").startsWith("UP") },
      ]),
    );
  } catch {
    return null;
  }
}

function say(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const stream = connect({ port, host: "127.0.0.1", timeout: 3000 }, () => stream.write(command));
    stream.setEncoding("utf8").on("data", (part: string) => (text += part));
    stream.on("end", () => resolve(text)).on("error", reject);
    stream.on("timeout", () => stream.destroy(new Error("late")));
  });
}

const isReady = ({ metadata, status }: Thing) =>
  metadata.deletionTimestamp === undefined &&
  ((status?.["conditions"] ?? []) as { type: string; status: string }[]).some(
    (condition) => condition.type === "Ready" && condition.status === "True",
  );

let epoch = 0;
let settled = false;
const low = new Map<string, number>();

/** Says it once it has been so for three looks: between two reads the cluster moves on. */
function say3(what: string, isSo: boolean): void {
  const count = isSo ? (low.get(what) ?? 0) + 1 : 0;
  low.set(what, count);
  if (count === 3) process.stdout.write(`${new Date().toISOString()} ${what}\n`);
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
  for (const [pod, forward] of forwards) if (!routers.some((one) => one.metadata.name === pod)) forward.end();
  const canaries = pods
    .filter((pod) => pod.metadata.labels?.["mlship.dev/role"] === "canary")
    .filter(isReady).length;
  const lease = leases.find(({ metadata }) => metadata.name === `${name}-rollout`);
  const renewed = Date.parse((lease?.spec?.["renewTime"] as string | undefined) ?? "") || 0;
  const fused = jobs.some(({ spec }) => typeof spec?.["activeDeadlineSeconds"] === "number");
  for (const router of routers) {
    const servers = await weights(router.metadata.name);
    const canary = servers?.get("canary");
    const share = canary?.up ? canary.weight : 0;
    // HAProxy's check runs twice a second; the looks are 250 ms apart.
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
  for (const forward of forwards.values()) forward.end();
  proxy.kill();
  rmSync(folder, { recursive: true, force: true });
}
