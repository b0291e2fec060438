// The fuse of a canary behind a Gateway: the same deadline, far enough away for the guardian to act first.
import { z } from "zod";
import type { CanaryFuse } from "../../fleet/canary-fuse.ts";
import { deadlineOf, endOf, fuseSeconds } from "../../fleet/canary-fuse.ts";
import type { Fence } from "../../lock/fence.ts";
import type { Cluster } from "../../ports.ts";

/**
 * Seconds that canary pods live on after their last renewal. A Gateway answers 503 for a backend
 * without pods, so they must outlive the guardian: 30 s until it knows, 15 s for the weight to be in
 * force, and 45 s for an API server that is away. When the guardian is dead too, 503 for the share
 * until then is the price, and stable has everything again only when a person or a driver comes.
 */
export const gatewayFuseSeconds = 90;

/** Keeps the canary pods of a route that has traffic. */
export class GatewayFuse {
  readonly #cluster: Pick<Cluster, "api">;
  readonly #fence: Fence;
  readonly #short: CanaryFuse;

  constructor(cluster: Pick<Cluster, "api">, fence: Fence, short: CanaryFuse) {
    this.#cluster = cluster;
    this.#fence = fence;
    this.#short = short;
  }

  /**
   * Gives the canary pods another 90 s.
   * @param job name of the canary's Job
   * @throws MlshipError as {@link CanaryFuse.renew} does
   */
  async renew(job: string): Promise<void> {
    await this.#short.renew(job);
    const { api } = this.#cluster;
    const ahead = (gatewayFuseSeconds - fuseSeconds) * 1000;
    const seen = await api.read("Job", job);
    if (seen === null || deadlineOf(seen, api.now() + ahead) === null) return;
    await this.#fence.write("Job", job, (now) => {
      const activeDeadlineSeconds = deadlineOf(now, api.now() + ahead);
      if (activeDeadlineSeconds === null || endOf(now) !== null) return null;
      return { ...now, spec: { ...z.looseObject({}).parse(now["spec"]), activeDeadlineSeconds } };
    });
  }
}
