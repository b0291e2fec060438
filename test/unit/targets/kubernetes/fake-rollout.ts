// Whole rollouts on the cluster in memory: the real engine and the real target, with a router that is played.
import { canaryName } from "../../../../src/cluster/names.ts";
import { makeServed } from "../../../../src/cluster/served-document.ts";
import type { Served } from "../../../../src/cluster/served.ts";
import type { Digest } from "../../../../src/digest.ts";
import type { Driving, News } from "../../../../src/rollout/driver.ts";
import { drive, reconcile } from "../../../../src/rollout/engine.ts";
import type { GoldenRows } from "../../../../src/rollout/golden.ts";
import type { LedgerEntry } from "../../../../src/rollout/ledger.ts";
import { beginRollout, planRollout, type RolloutValues } from "../../../../src/rollout/plan.ts";
import type { Revision } from "../../../../src/rollout/ports.ts";
import type { Rollout } from "../../../../src/rollout/record.ts";
import { revisionOf } from "../../../../src/rollout/revision.ts";
import { KubernetesTarget } from "../../../../src/targets/kubernetes/kubernetes-target.ts";
import type { Split, SplitParts } from "../../../../src/targets/kubernetes/traffic/split.ts";
import { served as example } from "../../cluster/example.ts";
import { values } from "../../rollout/world.ts";
import { FakeCluster } from "./fake-cluster.ts";
import { FakeClient, Killed, type Hooks } from "./fake-api.ts";

/** Servers of a full set. */
export const size = 2;
const name = "fraud";

const deployed = { ...example.deploy, replicas: { ...example.deploy.replicas, min: size } };

/** A version as the cluster knows it: its name follows from its objects. */
function revisionFor(version: string, release: Digest): { revision: Revision; served: Served } {
  const parts = { ...example, name, version, deploy: deployed };
  const revision = revisionOf(name, version, release, makeServed(parts, release).digest);
  return { revision, served: { ...parts, revision: revision.id } };
}

const made = [
  revisionFor("1.0.0", `sha256:${"a".repeat(64)}`),
  revisionFor("1.1.0", `sha256:${"b".repeat(64)}`),
] as const;
/** The version that serves, and the one that is deployed. */
export const [old, fresh] = [made[0].revision, made[1].revision];

const golden: GoldenRows = {
  columns: { age: [1, 2, 3] },
  compare: ({ predictions }) => ({ rows: predictions.length, flips: 0, maxDelta: 0 }),
};

const clusters = new WeakMap<object, FakeCluster>();

/** In place of the real splits: weights that are held in memory, written and read like a router's. */
export function playedSplit(parts: SplitParts): Split {
  const cluster = clusters.get(parts.cluster);
  const client = parts.cluster;
  if (cluster === undefined || !(client instanceof FakeClient)) throw new Error("not a cluster in memory");
  const weigh = async (share: number) => {
    await parts.fence.confirm();
    await client.act("replace", "Router", "weights", () => cluster.weigh(share));
  };
  const measured = async () => {
    await Promise.resolve();
    if (client.isDead) throw new Killed("dead");
    return cluster.measure();
  };
  return {
    traffic: {
      set: async ({ id }, share) => {
        await parts.fuse.renew(canaryName(id));
        await weigh(share);
      },
      renew: () => parts.fuse.renew(cluster.selected("canary") ?? ""),
      fallback: () => weigh(0),
      measured,
    },
    share: async () => (await measured()).share,
    reachable: () => Promise.resolve(null),
    check: async () => {},
  };
}

/** One process: a target on the cluster, and what it needs to drive. */
export interface Process {
  client: FakeClient;
  target: KubernetesTarget;
  driving: Driving;
  news: News[];
}

/** The story of one model. */
export class Story {
  readonly cluster = new FakeCluster(name, size);
  readonly ledger: LedgerEntry[] = [];
  #processes = 0;

  /** A fresh process on any machine. */
  process(hooks: Hooks = {}): Process {
    const id = `process-${(this.#processes += 1)}`;
    const news: News[] = [];
    const client = this.cluster.server.client({
      before: (write) => hooks.before?.(write),
      after: (write) => {
        this.cluster.admit(write, id);
        hooks.after?.(write);
      },
    });
    clusters.set(client, this.cluster);
    const holder = { id, user: "ada", host: "loom", pid: 1, doing: "mlship deploy", since: "2026-01-01" };
    const signal = new AbortController().signal;
    const target = new KubernetesTarget(client, {
      name,
      channel: "production",
      deploy: deployed,
      blueprints: {
        servedBy: (revision) =>
          Promise.resolve(made.find((one) => one.revision.id === revision.id)?.served ?? null),
      },
      resolve: (image) => Promise.resolve(`${image}@sha256:${"c".repeat(64)}`),
      access: async () => {},
      check: async () => {},
      holder,
      told: (text) => void news.push({ type: "note", text }),
      signal,
    });
    const { clock } = this.cluster.server;
    const ledger = {
      append: async (entry: LedgerEntry) => {
        if (client.isDead) throw new Killed("dead");
        if (!this.ledger.some(({ rollout }) => rollout === entry.rollout)) this.ledger.push(entry);
      },
    };
    const onEvent = (one: News) => void news.push(one);
    return { client, target, news, driving: { target, ledger, holder, clock, signal, onEvent } };
  }

  /** A deploy, from the plan on. */
  async deploy(
    { target, driving }: Process,
    to: Revision,
    changed: Partial<RolloutValues> = {},
  ): Promise<Rollout> {
    const { stable } = await target.observe();
    const plan = planRollout({ ...values, ...changed }, to, stable);
    const now = driving.clock.now();
    const rollout = beginRollout(plan, {
      id: `${to.version}-${driving.holder.id}`,
      reason: "test",
      holder: driving.holder,
      now,
    });
    return await drive({ ...driving, rollout, golden });
  }

  /** What every command does first. */
  async setRight({ target, driving }: Process): Promise<string[]> {
    const recovered = await target.recover();
    return [...recovered, ...(await reconcile(driving)).said];
  }

  /** The old version serves. */
  async serve(): Promise<this> {
    await this.deploy(this.process(), old, { bakeMs: 0 });
    this.cluster.server.writes.length = 0;
    return this;
  }
}
