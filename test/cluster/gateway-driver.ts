// A driver of a rollout behind a Gateway as a process of its own, so that a test can kill it. Does what it is told.
// Usage: node gateway-driver.ts JSON, with orders as JSON lines on stdin; each is answered by one line on stdout.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Served } from "../../src/cluster/served.ts";
import type { HeldLock, Revision } from "../../src/rollout/ports.ts";
import { KubernetesTarget } from "../../src/targets/kubernetes/kubernetes-target.ts";
import { openCluster } from "../../src/tools/kubectl/open.ts";

/** What it drives. */
export interface Setup {
  namespace: string;
  revisions: { revision: Revision; served: Served }[];
}

/** What it is told; `version` says which revision. */
export interface Order {
  do:
    | "acquire"
    | "start"
    | "expand"
    | "promote"
    | "retire"
    | "share"
    | "fallback"
    | "measure"
    | "observe"
    | "recover";
  version?: string;
  share?: number;
}

const { namespace, revisions } = JSON.parse(process.argv[2] ?? "") as Setup;
const first = revisions[0];
if (first === undefined) throw new Error("nothing to drive");
const { name, deploy } = first.served;
const cluster = await openCluster({
  context: null,
  namespace,
  node: process.execPath,
  leash: path.resolve("src/leash.ts"),
  env: process.env,
  temporary: mkdtempSync(path.join(tmpdir(), "mlship-t-")),
});
const holder = {
  id: `driver-${process.pid}`,
  user: "test",
  host: "test",
  pid: process.pid,
  doing: "mlship deploy",
  since: new Date().toISOString(),
};
const target = new KubernetesTarget(cluster, {
  name,
  channel: "production",
  deploy,
  blueprints: {
    servedBy: ({ id }) =>
      Promise.resolve(revisions.find(({ revision }) => revision.id === id)?.served ?? null),
  },
  resolve: (image) => Promise.resolve(image),
  access: () => Promise.resolve(),
  check: () => Promise.resolve(),
  holder,
  told: (text) => console.error(text),
  signal: new AbortController().signal,
});

let share = 0;
const locks: HeldLock[] = [];
const renewals: NodeJS.Timeout[] = [];

async function obey(order: Order): Promise<unknown> {
  const { revision } = revisions.find(({ served }) => served.version === order.version) ?? first!;
  const { fleet, traffic } = target;
  if (order.do === "acquire") {
    const lock = await target.lock.acquire(holder);
    locks.push(lock);
    const repeat = (ms: number, work: () => Promise<void>) =>
      renewals.push(
        setInterval(() => void work().catch((error: unknown) => console.error(String(error))), ms),
      );
    repeat(5000, () => lock.renew());
    repeat(1000, async () => {
      if (share > 0) await traffic.renew();
    });
  }
  if (order.do === "start") {
    await fleet.start(revision);
    await fleet.ready(revision, 60_000);
  }
  if (order.do === "expand") {
    await fleet.expand(revision);
    while (!(await fleet.isWhole(revision))) await cluster.sleep(300);
  }
  if (order.do === "promote") {
    share = 0;
    await fleet.promote(revision);
  }
  if (order.do === "retire") await fleet.retire(revision);
  if (order.do === "share") {
    await traffic.set(revision, order.share ?? 0);
    share = order.share ?? 0;
  }
  if (order.do === "fallback") {
    share = 0;
    await traffic.fallback();
  }
  if (order.do === "measure") return await traffic.measured();
  if (order.do === "observe") return await target.observe();
  if (order.do === "recover") return await target.recover();
  return null;
}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    console.log(JSON.stringify({ done: await obey(JSON.parse(line) as Order) }));
  } catch (error) {
    const { what, why } = error as { what?: string; why?: string };
    console.log(JSON.stringify({ failed: [what ?? String(error), why].join(": ") }));
  }
}
for (const renewal of renewals) clearInterval(renewal);
for (const lock of locks) await lock.release();
cluster.close();
