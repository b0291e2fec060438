// Revisions on a cluster: tried out by a Job, whole as a Deployment, stable by the selector of one Service.
import { MlshipError } from "../../../errors.ts";
import type { Fleet, Revision } from "../../../rollout/ports.ts";
import type { Columns, Predictions } from "../../../validation/ports.ts";
import { namesOf } from "../../../cluster/names.ts";
import type { BaseObjects } from "./base-objects.ts";
import { canaryJobOf, filesOf, fullSetOf, leastOf, usersSelector } from "./blueprint.ts";
import type { CanaryCrews } from "./canary-crew.ts";
import type { Fence } from "../lock/fence.ts";
import type { FullSets } from "./full-set.ts";
import { crewOf } from "../pods/pods.ts";
import type { Cluster } from "../ports.ts";
import { isReady } from "../pods/pod-status.ts";
import { predictInPod } from "./predict-pod.ts";
import { Patience, tooLate } from "./readiness.ts";
import type { Released } from "./released.ts";
import type { Vigil } from "../vigil.ts";
import { tidyRouters } from "./router-leftovers.ts";
import { instanceOf, previousOf, select, withPrevious, withStable } from "./stable-service.ts";

/** Milliseconds between two looks at pods that start. */
const poll = 500;

/** What the fleet is made of. */
export interface FleetParts {
  name: string;
  cluster: Cluster;
  fence: Fence;
  released: Released;
  base: BaseObjects;
  crews: CanaryCrews;
  sets: FullSets;
  /** Told what is to be stable from now on. */
  vigil: Pick<Vigil, "expect">;
  /** Everything to stable, before pods that got a share go. */
  fallback: () => Promise<void>;
}

/**
 * Order of writes: what takes traffic is whole before it is pointed at, and what is pointed at is
 * never made smaller. So a process that dies between any two writes leaves stable serving with all
 * it had, and a canary whose fuse burns down.
 */
export class KubernetesFleet implements Fleet {
  readonly #parts: FleetParts;
  readonly #patience: Patience;

  constructor(parts: FleetParts) {
    this.#parts = parts;
    this.#patience = new Patience(parts.cluster);
  }

  async start(revision: Revision): Promise<void> {
    const { fence, released, base, crews } = this.#parts;
    const served = await released.keep(revision);
    await base.put(served);
    for (const file of filesOf(served)) await fence.ensure(file);
    const size = await this.#holdStable();
    await crews.start(revision.id, (deadlineSeconds) =>
      canaryJobOf(served, { stable: size, deadlineSeconds }),
    );
  }

  async ready(revision: Revision, timeoutMs: number): Promise<void> {
    const { cluster, crews, base, released } = this.#parts;
    const served = await released.find(revision);
    const until = cluster.monotonic() + timeoutMs;
    for (;;) {
      await crews.keep(revision.id);
      const crew = await crews.crew(revision.id);
      const isWhole = crew.owner !== null && crew.ready >= crew.wanted;
      if (isWhole && (await base.isReady(served))) return;
      if (!isWhole) await this.#patience.check(revision, crew);
      if (cluster.monotonic() >= until) {
        throw isWhole ? await base.notReady(served) : await tooLate(cluster, revision, crew, timeoutMs);
      }
      await cluster.sleep(poll);
    }
  }

  async expand(revision: Revision): Promise<void> {
    const { released, base, sets } = this.#parts;
    const served = await released.keep(revision);
    await base.put(served);
    await sets.make(fullSetOf(served), await this.#wantedSize(revision));
  }

  async isWhole(revision: Revision): Promise<boolean> {
    const { cluster, released, base, sets } = this.#parts;
    const served = await released.find(revision);
    const wanted = await this.#wantedSize(revision);
    const crew = await crewOf(cluster, "Deployment", revision.id);
    if (crew.owner === null) return false;
    // Stable may have been scaled since: who takes over must have what it has.
    if (crew.wanted < wanted) {
      await sets.make(fullSetOf(served), wanted);
      return false;
    }
    if (crew.ready >= crew.wanted) return await base.isReady(served);
    await this.#patience.check(revision, crew);
    return false;
  }

  async predict(revision: Revision, columns: Columns): Promise<Predictions> {
    const { cluster, crews, released } = this.#parts;
    const served = await released.find(revision);
    const full = await crewOf(cluster, "Deployment", revision.id);
    const crew = full.ready > 0 ? full : await crews.crew(revision.id);
    const pod = crew.pods.find(isReady);
    if (pod === undefined) throw await tooLate(cluster, revision, crew, 0);
    const timeoutMs = served.serve.timeoutMs;
    return await predictInPod(cluster, { pod: pod.metadata.name, columns, timeoutMs });
  }

  async promote(revision: Revision): Promise<void> {
    const { name, cluster, fence, released, crews, sets, vigil, fallback } = this.#parts;
    const { stable, users } = namesOf(name);
    const served = await released.find(revision);
    const before = instanceOf(await cluster.api.read("Service", stable));
    if (before !== revision.id) {
      const crew = await crewOf(cluster, "Deployment", revision.id);
      // As its disruption budget has it: one server may be on its way to another node.
      if (crew.ready < Math.max(1, crew.wanted - 1)) throw notWhole(revision, crew.ready, crew.wanted);
      vigil.expect(revision, crew.wanted);
      if (before !== null) await sets.hold(before, await sets.size(before));
      await fence.write("Service", stable, (now) => withStable(now, name, revision.id));
    }
    const selector = usersSelector(served, revision.id);
    await fence.write("Service", users, (now) => select(now, selector));
    await fallback();
    await crews.end(revision.id);
  }

  async retire(revision: Revision): Promise<void> {
    const { name, cluster, fence, released, crews, sets, fallback } = this.#parts;
    const stable = await cluster.api.read("Service", namesOf(name).stable);
    if (instanceOf(stable) === revision.id) throw isServing(revision);
    if ((await crews.crew(revision.id)).owner !== null) await fallback();
    await crews.end(revision.id);
    await sets.remove(revision.id);
    if (stable === null) return;
    if (previousOf(stable) === revision.id) {
      await fence.write("Service", stable.metadata.name, (now) =>
        previousOf(now) === revision.id ? withPrevious(now, null) : null,
      );
    }
    const serving = instanceOf(stable);
    if (serving !== null) await this.#tidy(serving);
    await released.prune([serving, previousOf(stable)]);
  }

  /** After a rollout: stable gets its own limits back, and what an earlier way to split traffic left goes. */
  async #tidy(stable: string): Promise<void> {
    const { cluster, fence, released, sets } = this.#parts;
    await sets.free(stable);
    const revision = await released.revision(stable);
    if (revision !== null) await tidyRouters({ cluster, fence }, await released.find(revision), stable);
  }

  /** Stable keeps what it has while a canary takes load from it: all of that load may come back at once. */
  async #holdStable(): Promise<number> {
    const { name, cluster, sets } = this.#parts;
    const stable = instanceOf(await cluster.api.read("Service", namesOf(name).stable));
    if (stable === null) return 0;
    const size = await sets.size(stable);
    await sets.hold(stable, size);
    return size;
  }

  /** Servers that stable is meant to have, or has while it is being scaled up; 0 without one. */
  async #stableSize(): Promise<number> {
    const { name, cluster, sets } = this.#parts;
    const stable = instanceOf(await cluster.api.read("Service", namesOf(name).stable));
    return stable === null ? 0 : await sets.size(stable);
  }

  /** What stable has, and no less than its own minimum. One that was stable before was held at its size. */
  async #wantedSize(revision: Revision): Promise<number> {
    const { name, cluster, released, sets } = this.#parts;
    const least = leastOf(await released.find(revision));
    const service = await cluster.api.read("Service", namesOf(name).stable);
    const isBefore = previousOf(service) === revision.id;
    const held = isBefore ? await sets.size(revision.id) : 0;
    return Math.max(least, held > 0 ? held : await this.#stableSize());
  }
}

function notWhole(revision: Revision, ready: number, wanted: number): MlshipError {
  return new MlshipError({
    code: "rollout.not-whole",
    what: `version ${revision.version} is not promoted: ${ready} of its ${wanted} servers are ready`,
    fix: "see `mlship status`, then run the command again",
    exit: "unavailable",
  });
}

function isServing(revision: Revision): MlshipError {
  return new MlshipError({
    code: "rollout.is-stable",
    what: `version ${revision.version} serves users and is not stopped`,
    fix: "promote another version first, or `mlship stop`",
    exit: "attention",
  });
}
