// Whom a measurement is about: the pods of stable, of the canary and of the routers, as the Services select them now.
import { digestBytes } from "../../../digest.ts";
import { namesOf, roleLabel } from "../../../cluster/names.ts";
import { isAlive, isReady } from "../pods/pod-status.ts";
import { canaryTrouble, crewFrom } from "../pods/pods.ts";
import type { Cluster, KubeObject } from "../ports.ts";
import { instanceOf } from "../fleet/stable-service.ts";

/** The pods of one model, by what they do. */
export interface Sides {
  /** Revision that is stable, and the Job of the canary; null when there is none. */
  revision: string | null;
  job: string | null;
  stable: KubeObject[];
  canary: KubeObject[];
  routers: KubeObject[];
  /** Servers that pass their readiness probe. */
  ready: { stable: number; canary: number };
  /** Why the canary's servers cannot go on; null while they can. */
  trouble: string | null;
}

/** Reads them. @param name of the model */
export async function readSides(cluster: Pick<Cluster, "api">, name: string): Promise<Sides> {
  const names = namesOf(name);
  const { api } = cluster;
  const [pods, stableService, canaryService, jobs] = await Promise.all([
    api.list("Pod", `app.kubernetes.io/name in (${name},${names.router})`),
    api.read("Service", names.stable),
    api.read("Service", names.canary),
    api.list("Job", `app.kubernetes.io/name=${name},${roleLabel}=canary`),
  ]);
  const revision = instanceOf(stableService);
  const job = instanceOf(canaryService);
  const owner = jobs.find(({ metadata }) => metadata.name === job) ?? null;
  const tried = pods.filter((pod) => labelOf(pod, "instance") === job);
  const alive = pods.filter(isAlive);
  const of = (instance: string | null) =>
    instance === null ? [] : alive.filter((pod) => labelOf(pod, "instance") === instance);
  const stable = of(revision);
  const canary = of(job);
  return {
    revision,
    job,
    stable,
    canary,
    routers: alive.filter((pod) => labelOf(pod, "name") === names.router),
    ready: { stable: stable.filter(isReady).length, canary: canary.filter(isReady).length },
    trouble: job === null ? null : await canaryTrouble(cluster, crewFrom(job, owner, tried)),
  };
}

/**
 * A word that stays the same while the same servers of the same revisions count. A container that
 * is restarted in its pod does not change it: a canary that dies of every request would otherwise
 * take its evidence with it.
 * @param counters what else must not have begun again
 */
export function eraOf({ revision, job, stable, canary }: Sides, counters: readonly string[]): string {
  const pods = [...stable, ...canary].map(({ metadata }) => metadata.uid ?? metadata.name);
  const all = [revision ?? "", job ?? "", ...pods.toSorted(), ...counters.toSorted()];
  return digestBytes(all.join("\n")).slice("sha256:".length, "sha256:".length + 16);
}

function labelOf({ metadata }: KubeObject, label: "name" | "instance"): string | undefined {
  return metadata.labels?.[`app.kubernetes.io/${label}`];
}
