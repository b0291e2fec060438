// What is known of a split that counts nothing itself: the counters and the state of the pods on both sides.
import { z } from "zod";
import { namesOf } from "../../../../cluster/names.ts";
import { MlshipError } from "../../../../errors.ts";
import type { Measurement } from "../../../../rollout/ports.ts";
import type { PodCounters } from "../pod-counters.ts";
import { isReady } from "../../pods/pod-status.ts";
import { canaryTrouble, crewFrom } from "../../pods/pods.ts";
import type { Cluster, KubeObject } from "../../ports.ts";
import { instanceOf } from "../../fleet/stable-service.ts";

/** A measurement without what only the splitter knows. */
export type SideCounts = Omit<Measurement, "share" | "rescued" | "failed">;

const podSchema = z.object({
  status: z
    .object({ containerStatuses: z.array(z.object({ restartCount: z.number().default(0) })).nullish() })
    .prefault({}),
});

/** Reads both sides of one model. */
export class GatewayCounts {
  readonly #cluster: Pick<Cluster, "api" | "monotonic">;
  readonly #counters: PodCounters;
  readonly #name: string;

  /** @param name of the model */
  constructor(cluster: Pick<Cluster, "api" | "monotonic">, counters: PodCounters, name: string) {
    this.#cluster = cluster;
    this.#counters = counters;
    this.#name = name;
  }

  /** @throws MlshipError `gateway.no-counts`, exit 5, when the pods cannot be read. */
  async read(): Promise<SideCounts> {
    const { api } = this.#cluster;
    const names = namesOf(this.#name);
    const [stableIs, canaryIs] = await Promise.all([
      api.read("Service", names.stable).then(instanceOf),
      api.read("Service", names.canary).then(instanceOf),
    ]);
    const [stable, canary] = await Promise.all([this.#pods(stableIs), this.#pods(canaryIs)]);
    const [counted, trouble] = await Promise.all([
      this.#counters.read(stable, canary),
      canaryIs === null ? null : this.#trouble(canaryIs, canary),
    ]);
    if (counted === null) throw noCounts();
    const { answers: said } = counted.stable;
    const { answers: canarySaid } = counted.canary;
    return {
      at: this.#cluster.monotonic(),
      era: eraOf([...stable, ...canary]),
      stable: counted.stable.counts,
      canary: counted.canary.counts,
      ready: { stable: stable.filter(isReady).length, canary: canary.filter(isReady).length },
      trouble,
      served: said === null || canarySaid === null ? null : { stable: said, canary: canarySaid },
    };
  }

  async #trouble(job: string, pods: KubeObject[]): Promise<string | null> {
    const owner = await this.#cluster.api.read("Job", job);
    return await canaryTrouble(this.#cluster, crewFrom(job, owner, pods));
  }

  async #pods(instance: string | null): Promise<KubeObject[]> {
    if (instance === null) return [];
    return await this.#cluster.api.list("Pod", `app.kubernetes.io/instance=${instance}`);
  }
}

/** The ready pods by identity and restarts: sums over other ones begin somewhere else. */
function eraOf(pods: KubeObject[]): string {
  const marks = pods.filter(isReady).map((pod) => {
    const { containerStatuses } = podSchema.parse(pod).status;
    const restarts = (containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0);
    return `${pod.metadata.uid ?? pod.metadata.name}/${restarts}`;
  });
  return marks.toSorted().join(" ");
}

function noCounts(): MlshipError {
  return new MlshipError({
    code: "gateway.no-counts",
    what: "the counters of the model's servers could not be read",
    why: "fewer than 90 % of one side's pods answered /metrics as mlship's server does, and a Gateway counts for nobody",
    fix: "see that `pods/proxy` is permitted and the pods are ready; containers of another kind need `deploy.canary.split: router`",
    exit: "unavailable",
  });
}
