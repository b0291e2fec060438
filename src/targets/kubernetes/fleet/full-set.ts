// A revision's full set of servers: a Deployment with its autoscaler, held at its size while it has no traffic.
import { z } from "zod";
import type { Fence } from "../lock/fence.ts";
import { isReady } from "../pods/pod-status.ts";
import type { Cluster, KubeObject } from "../ports.ts";

/** Annotation of an autoscaler whose minimum is raised for a rollout: the minimum that it had. */
export const heldAnnotation = "mlship.dev/held-minimum";

const scaleSchema = z.object({
  spec: z
    .object({
      replicas: z.number().nullish(),
      minReplicas: z.number().nullish(),
      maxReplicas: z.number().nullish(),
    })
    .prefault({}),
});
const anything = z.looseObject({});

/** Servers that a Deployment is meant to have. */
export function replicasIn(deployment: KubeObject): number {
  return scaleSchema.parse(deployment).spec.replicas ?? 1;
}

/** Makes, measures and removes the full sets of one model. */
export class FullSets {
  readonly #cluster: Pick<Cluster, "api">;
  readonly #fence: Fence;

  constructor(cluster: Pick<Cluster, "api">, fence: Fence) {
    this.#cluster = cluster;
    this.#fence = fence;
  }

  /** Servers that a revision's Deployment is meant to have; 0 without one. */
  async size(revision: string): Promise<number> {
    const deployment = await this.#cluster.api.read("Deployment", revision);
    return deployment === null ? 0 : replicasIn(deployment);
  }

  /** Servers of a revision that are ready. */
  async ready(revision: string): Promise<number> {
    const pods = await this.#cluster.api.list("Pod", `app.kubernetes.io/instance=${revision}`);
    return pods.filter(isReady).length;
  }

  /**
   * Makes a set of at least this size. One that is there is never made smaller, and keeps what
   * people changed in it.
   * @param objects Deployment, autoscaler and what else belongs to the revision alone
   */
  async make(objects: readonly KubeObject[], size: number): Promise<void> {
    for (const object of objects) {
      if (object.kind === "Deployment") {
        const sized = { ...object, spec: { ...anything.parse(object["spec"]), replicas: size } };
        const deployment = await this.#fence.ensure(sized);
        if (replicasIn(deployment) < size) await this.#enlarge(object.metadata.name, size);
      } else {
        await this.#fence.ensure(object);
      }
    }
    const autoscaler = objects.find(({ kind }) => kind === "HorizontalPodAutoscaler");
    if (autoscaler !== undefined) await this.hold(autoscaler.metadata.name, size);
  }

  /**
   * Keeps a set from shrinking while it has no traffic: an idle server uses no CPU, and an
   * autoscaler would take away what promotion or rollback counts on.
   */
  async hold(revision: string, size: number): Promise<void> {
    const { api } = this.#cluster;
    if ((await api.read("HorizontalPodAutoscaler", revision)) === null) return;
    await this.#fence.write("HorizontalPodAutoscaler", revision, (now) => {
      const { minReplicas, maxReplicas } = scaleSchema.parse(now).spec;
      const least = minReplicas ?? 1;
      if (least >= Math.min(size, maxReplicas ?? size)) return null;
      const held = now.metadata.annotations?.[heldAnnotation] ?? String(least);
      return withMinimum(now, size, held);
    });
  }

  /** Gives an autoscaler its own minimum back. */
  async free(revision: string): Promise<void> {
    const { api } = this.#cluster;
    const now = await api.read("HorizontalPodAutoscaler", revision);
    if (now?.metadata.annotations?.[heldAnnotation] === undefined) return;
    await this.#fence.write("HorizontalPodAutoscaler", revision, (held) => {
      const own = held.metadata.annotations?.[heldAnnotation];
      return own === undefined || !/^\d{1,6}$/.test(own) ? null : withMinimum(held, Number(own), null);
    });
  }

  /** Removes a revision's objects; its pods answer what they have and end. */
  async remove(revision: string): Promise<void> {
    await this.#fence.remove("HorizontalPodAutoscaler", revision);
    await this.#fence.remove("Deployment", revision);
    await this.#fence.remove("PodDisruptionBudget", revision);
    await this.#fence.remove("ConfigMap", revision);
  }

  async #enlarge(revision: string, size: number): Promise<void> {
    await this.#fence.write("Deployment", revision, (now) =>
      replicasIn(now) >= size ? null : { ...now, spec: { ...anything.parse(now["spec"]), replicas: size } },
    );
  }
}

/** The minimum is never above the maximum that its owner gave. */
function withMinimum(autoscaler: KubeObject, least: number, held: string | null): KubeObject {
  const { [heldAnnotation]: _, ...annotations } = autoscaler.metadata.annotations ?? {};
  const spec = anything.parse(autoscaler["spec"]);
  const most = z.number().catch(least).parse(spec["maxReplicas"]);
  return {
    ...autoscaler,
    metadata: {
      ...autoscaler.metadata,
      annotations: held === null ? annotations : { ...annotations, [heldAnnotation]: held },
    },
    spec: { ...spec, minReplicas: Math.min(least, most) },
  };
}
