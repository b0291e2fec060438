// Splits traffic by the ratio of servers behind one Service: the canary's pods join it, one by one.
import { MlshipError } from "../../../../errors.ts";
import {
  canaryName,
  instanceSelector,
  namesOf,
  noInstance,
  trafficLabel,
} from "../../../../cluster/names.ts";
import type { Measurement, Revision, Traffic } from "../../../../rollout/ports.ts";
import { isInForce } from "../../../../rollout/split.ts";
import { z } from "zod";
import type { CanaryFuse } from "../../fleet/canary-fuse.ts";
import type { Fence } from "../../lock/fence.ts";
import { measurePods } from "../measure-pods.ts";
import { readSides, type Sides } from "../measure-sides.ts";
import { isAlive, isReady } from "../../pods/pod-status.ts";
import { noCanary } from "../no-canary.ts";
import type { PodCounters } from "../pod-counters.ts";
import type { Cluster, KubeObject } from "../../ports.ts";
import { canaryServers, reachableShares, shareWith } from "./replicas-shares.ts";
import { instanceOf, select } from "../../fleet/stable-service.ts";

/** What the split by servers is made of. */
export interface ReplicasParts {
  /** Name of the model. */
  name: string;
  cluster: Cluster;
  fence: Fence;
  fuse: CanaryFuse;
  counters: PodCounters;
  /** Milliseconds that more pods of the canary may take to become ready. */
  readyWithinMs: number;
}

/** Milliseconds between two looks at pods that start. */
const poll = 500;

/**
 * The users' Service selects pods whose label `mlship.dev/traffic` is the stable revision. Pods of
 * stable are born with it; a pod of the canary is given it to join, and another value to leave. A
 * pod that the Job makes in the place of one that joined does not join by itself.
 *
 * A Service spreads connections, not requests: clients that keep theirs stay where they are, and
 * nothing is tried again, so users see what the canary fails.
 */
export class ReplicasTraffic implements Traffic {
  readonly #parts: ReplicasParts;
  /** Pods of the canary that are to take part; null when this process has set nothing. */
  #wanted: number | null = null;

  constructor(parts: ReplicasParts) {
    this.#parts = parts;
  }

  /** @throws MlshipError `replicas.unreachable` (exit 2), `rollout.not-ready` (exit 3), `rollout.lease-lost` (exit 7). */
  async set(canary: Revision, share: number): Promise<void> {
    const { cluster, name, fuse, fence } = this.#parts;
    const sides = await readSides(cluster, name);
    const size = share === 0 ? 0 : canaryServers(sides.ready.stable, share);
    if (!isInForce(share, shareWith(sides.ready.stable, size))) {
      throw unreachable(share, sides.ready.stable);
    }
    this.#wanted = null;
    if (size === 0) return await this.fallback();
    const job = canaryName(canary.id);
    await fuse.renew(job);
    await fence.write("Service", namesOf(name).canary, (now) => select(now, instanceSelector(name, job)));
    await fence.write("Job", job, (now) => atLeast(now, size));
    await this.#join(await this.#await(canary, size), size);
    this.#wanted = size;
  }

  /** Also lets pods join in the place of those that went. */
  async renew(): Promise<void> {
    const { cluster, name, fuse } = this.#parts;
    const sides = await readSides(cluster, name);
    if (sides.job === null) throw noCanary(name);
    await fuse.renew(sides.job);
    if (this.#wanted !== null) await this.#join(sides, this.#wanted);
  }

  async fallback(): Promise<void> {
    this.#wanted = null;
    const { cluster, name } = this.#parts;
    const users = await cluster.api.read("Service", namesOf(name).users);
    if (users === null) return;
    const stable = instanceOf(await cluster.api.read("Service", namesOf(name).stable));
    const pods = await cluster.api.list("Pod", `app.kubernetes.io/name=${name},${trafficLabel}`);
    const strangers = pods.filter(
      (pod) =>
        pod.metadata.labels?.["app.kubernetes.io/instance"] !== stable &&
        isJoined(pod, stable) &&
        isAlive(pod),
    );
    await Promise.all(strangers.map((pod) => this.#mark(pod, noInstance)));
  }

  /** Share of the servers that are the canary's, 0 to 1. */
  async share(): Promise<number> {
    const { cluster, name } = this.#parts;
    return shareIn(await readSides(cluster, name));
  }

  /** Shares that servers of a canary can have beside those that stable has now. */
  async reachable(): Promise<number[]> {
    const { cluster, name } = this.#parts;
    return reachableShares((await readSides(cluster, name)).ready.stable);
  }

  async measured(): Promise<Measurement> {
    const { cluster, name, counters } = this.#parts;
    const sides = await readSides(cluster, name);
    const seen = await measurePods(cluster, counters, sides);
    return { ...seen, share: shareIn(sides), rescued: 0, failed: seen.stable.errors + seen.canary.errors };
  }

  /** Waits until the canary has so many ready pods. */
  async #await(canary: Revision, size: number): Promise<Sides> {
    const { cluster, name, fuse, readyWithinMs } = this.#parts;
    const until = cluster.monotonic() + readyWithinMs;
    for (;;) {
      const sides = await readSides(cluster, name);
      if (sides.ready.canary >= size) return sides;
      if (sides.trouble !== null || cluster.monotonic() >= until) {
        throw notReady(
          canary,
          sides.trouble ?? `${sides.ready.canary} of ${size} servers were ready in time`,
        );
      }
      await fuse.renew(canaryName(canary.id));
      await cluster.sleep(poll);
    }
  }

  /** Makes exactly so many ready pods of the canary take part. */
  async #join({ canary, revision }: Sides, size: number): Promise<void> {
    if (revision === null) return;
    const ready = canary.filter(isReady);
    const inside = canary.filter((pod) => isJoined(pod, revision));
    const goodInside = inside.filter(isReady);
    const more = ready.filter((pod) => !inside.includes(pod)).slice(0, Math.max(0, size - goodInside.length));
    const fewer = goodInside.slice(size);
    await Promise.all([
      ...more.map((pod) => this.#mark(pod, revision)),
      ...fewer.map((pod) => this.#mark(pod, noInstance)),
    ]);
  }

  async #mark({ metadata: { name } }: KubeObject, value: string): Promise<void> {
    const { fence, cluster } = this.#parts;
    try {
      await fence.write("Pod", name, (now) => {
        if (now.metadata.labels?.[trafficLabel] === value) return null;
        return {
          ...now,
          metadata: { ...now.metadata, labels: { ...now.metadata.labels, [trafficLabel]: value } },
        };
      });
    } catch (error) {
      // A pod that went meanwhile takes part in nothing.
      if ((await cluster.api.read("Pod", name)) !== null) throw error;
    }
  }
}

function shareIn({ canary, revision, ready }: Sides): number {
  const joined = canary.filter((pod) => isReady(pod) && isJoined(pod, revision)).length;
  return shareWith(ready.stable, joined);
}

function isJoined({ metadata }: KubeObject, revision: string | null): boolean {
  return revision !== null && metadata.labels?.[trafficLabel] === revision;
}

const jobSchema = z.object({ spec: z.looseObject({ parallelism: z.number().default(1) }) });

/** The Job with room for so many pods; null when it has. It is made no smaller: that would end pods at random. */
function atLeast(job: KubeObject, pods: number): KubeObject | null {
  const { spec } = jobSchema.parse(job);
  return spec.parallelism >= pods ? null : { ...job, spec: { ...spec, parallelism: pods } };
}

function unreachable(share: number, stable: number): MlshipError {
  const percent = (value: number) => `${Math.round(value * 1000) / 10} %`;
  const some = reachableShares(stable).slice(0, 6).map(percent).join(", ");
  return new MlshipError({
    code: "replicas.unreachable",
    what: `a share of ${percent(share)} cannot be reached beside ${stable} servers`,
    why: `a Service gives each server the same: ${some || "nothing without a server of stable"}`,
    fix: "use one of these shares in `deploy.canary.steps`, more replicas, or `deploy.canary.split: router`",
    exit: "usage",
  });
}

function notReady({ version }: Revision, why: string): MlshipError {
  return new MlshipError({
    code: "rollout.not-ready",
    what: `the canary of ${version} did not get the servers for its share`,
    why,
    fix: "see `mlship status`; give the namespace room for them, or ask for a smaller share",
    exit: "gate",
  });
}
