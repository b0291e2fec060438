// The pods that try a revision out: a Job with a fuse, made, kept and removed.
import { instanceSelector, noInstance, canaryName } from "../../../cluster/names.ts";
import { fuseSeconds, endOf } from "./canary-fuse.ts";
import type { CanaryFuse } from "./canary-fuse.ts";
import type { Fence } from "../lock/fence.ts";
import { crewOf, type Crew } from "../pods/pods.ts";
import type { Cluster, KubeObject } from "../ports.ts";
import { instanceOf, select } from "./stable-service.ts";

/** Milliseconds between two looks at a Job that is to be gone, and how long it may take. */
const poll = 250;
const goneWithin = 60_000;

/** Makes and removes the Job of one model's canary. */
export class CanaryCrews {
  readonly #cluster: Cluster;
  readonly #fence: Fence;
  readonly #fuse: CanaryFuse;
  readonly #model: { name: string; service: string };

  /** @param model its name, and the Service of the canary's pods */
  constructor(cluster: Cluster, fence: Fence, fuse: CanaryFuse, model: { name: string; service: string }) {
    this.#cluster = cluster;
    this.#fence = fence;
    this.#fuse = fuse;
    this.#model = model;
  }

  /**
   * Starts the pods that try a revision out. One whose fuse burnt down is made anew.
   * @param make the Job for a deadline in seconds after its start
   */
  async start(revision: string, make: (deadlineSeconds: number) => KubeObject): Promise<void> {
    const name = canaryName(revision);
    const { api } = this.#cluster;
    const job = await api.read("Job", name);
    if (job !== null && (job.metadata.deletionTimestamp !== undefined || endOf(job) !== null)) {
      await this.#fence.remove("Job", name);
      await this.#gone(name);
    }
    await this.#fence.ensure(make(fuseSeconds));
    await this.#fuse.renew(name);
    await this.#lead(name);
  }

  /** The pods of a revision's canary. */
  crew(revision: string): Promise<Crew> {
    return crewOf(this.#cluster, "Job", canaryName(revision));
  }

  /** Keeps them alive for another fuse time. */
  async keep(revision: string): Promise<void> {
    await this.#fuse.renew(canaryName(revision));
  }

  /** Ends a revision's canary: nothing leads to its pods any more, then they go. */
  async end(revision: string): Promise<void> {
    const name = canaryName(revision);
    const service = await this.#cluster.api.read("Service", this.#model.service);
    if (instanceOf(service) === name) await this.#lead(noInstance);
    await this.#fence.remove("Job", name);
  }

  /** Points the canary's Service. */
  async #lead(instance: string): Promise<void> {
    await this.#fence.write("Service", this.#model.service, (now) =>
      select(now, instanceSelector(this.#model.name, instance)),
    );
  }

  async #gone(name: string): Promise<void> {
    const until = this.#cluster.monotonic() + goneWithin;
    while ((await this.#cluster.api.read("Job", name)) !== null) {
      if (this.#cluster.monotonic() > until) return;
      await this.#cluster.sleep(poll);
    }
  }
}
