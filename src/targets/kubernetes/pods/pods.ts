// The pods of one set of servers: how many serve, and why the others do not, with their last words.
import { z } from "zod";
import { MlshipError } from "../../../errors.ts";
import { endOf } from "../fleet/canary-fuse.ts";
import { eventsOf, type PodEvent } from "./pod-events.ts";
import { isAlive, isReady } from "./pod-status.ts";
import { refusalOf, troubleOf, unhealthyOf, type Trouble } from "./pod-trouble.ts";
import type { Cluster, KubeObject } from "../ports.ts";

/** Lines of a container's log that explain its end. */
const linesShown = 20;

/** The pods of one set: a Deployment's or a canary Job's. */
export interface Crew {
  /** Label `app.kubernetes.io/instance` of the pods. */
  instance: string;
  /** The Deployment or the Job; null when there is none. */
  owner: KubeObject | null;
  pods: KubeObject[];
  /** Pods that there should be. */
  wanted: number;
  /** Pods that take requests. */
  ready: number;
}

const ownerSchema = z.object({
  spec: z.object({ replicas: z.number().nullish(), parallelism: z.number().nullish() }).prefault({}),
});

/** The pods of a Deployment or Job of this name, which their label `app.kubernetes.io/instance` repeats. */
export async function crewOf(
  { api }: Pick<Cluster, "api">,
  kind: "Deployment" | "Job",
  instance: string,
): Promise<Crew> {
  const [owner, pods] = await Promise.all([
    api.read(kind, instance),
    api.list("Pod", `app.kubernetes.io/instance=${instance}`),
  ]);
  return crewFrom(instance, owner, pods);
}

/** A crew of what was read already. */
export function crewFrom(instance: string, owner: KubeObject | null, pods: KubeObject[]): Crew {
  const { replicas, parallelism } = owner === null ? {} : ownerSchema.parse(owner).spec;
  const wanted = owner === null ? 0 : ((owner.kind === "Job" ? parallelism : replicas) ?? 1);
  return { instance, owner, pods, wanted, ready: pods.filter(isReady).length };
}

/** What keeps a set from being whole; null when it is, or may still become so. The gravest first. */
export async function troubleIn(cluster: Pick<Cluster, "api">, crew: Crew): Promise<Trouble | null> {
  const { pods, owner, wanted, instance } = crew;
  const found: Trouble[] = [];
  for (const pod of pods) {
    if (isReady(pod)) continue;
    const trouble = troubleOf(pod, await eventsAbout(cluster, `involvedObject.name=${pod.metadata.name}`));
    if (trouble !== null) found.push(trouble);
  }
  const end = owner?.kind === "Job" ? endOf(owner) : null;
  if (end !== null) found.push(jobEnded(end));
  if (pods.filter(isAlive).length < wanted && owner !== null) {
    const sets = await cluster.api.list("ReplicaSet", `app.kubernetes.io/instance=${instance}`);
    const owners = [owner, ...sets].map(({ metadata }) => metadata.uid ?? "");
    const refusal = refusalOf(await eventsAbout(cluster, "reason=FailedCreate"), owners);
    if (refusal !== null) found.push(refusal);
  }
  return found.find(({ isFinal }) => isFinal) ?? found[0] ?? null;
}

/**
 * Why the pods of a canary cannot go on, in words with their last lines; null while they can, or
 * when there is no canary. What passes by itself is not told.
 */
export async function canaryTrouble(cluster: Pick<Cluster, "api">, crew: Crew): Promise<string | null> {
  // A container that was killed for memory may be ready again: it is told all the same.
  // One end may be chance, but not where it leaves no server at all.
  const crashes = crew.ready === 0 ? 1 : undefined;
  const killed = crew.pods.map((pod) => troubleOf(pod, [], crashes)).find((trouble) => trouble?.isFinal);
  const trouble = killed ?? (crew.ready < crew.wanted ? await troubleIn(cluster, crew) : null);
  return trouble?.isFinal ? await explain(cluster, trouble) : null;
}

/** A trouble in words, with the last lines of the container's log where it left any. */
export async function explain(cluster: Pick<Cluster, "api">, trouble: Trouble): Promise<string> {
  const { pod, container, cause, previous } = trouble;
  if (pod === null || container === null) return cause;
  const log = await lastLines(cluster, { pod, container, previous, lines: linesShown });
  return log === "" ? `${cause}; it left no log` : `${cause}; its log ends with\n${log}`;
}

/** Why a pod that runs is not ready yet, as its probes say; null when they say nothing. */
export async function unreadiness(cluster: Pick<Cluster, "api">, { pods }: Crew): Promise<string | null> {
  const late = pods.find((pod) => isAlive(pod) && !isReady(pod));
  if (late === undefined) return null;
  return unhealthyOf(await eventsAbout(cluster, `involvedObject.name=${late.metadata.name}`));
}

/** Last lines of one container; empty when the cluster has no log of it any more. */
export async function lastLines(
  { api }: Pick<Cluster, "api">,
  from: { pod: string; container: string; previous: boolean; lines: number },
): Promise<string> {
  const query = `container=${encodeURIComponent(from.container)}&tailLines=${from.lines}`;
  const path = `pods/${encodeURIComponent(from.pod)}/log?${query}&limitBytes=65536`;
  for (const asked of from.previous ? [`${path}&previous=true`, path] : [path]) {
    const text = await api.text(asked).catch((error: unknown) => {
      // The container never ran, or its log went with the pod: there is nothing to show.
      if (error instanceof MlshipError) return "";
      throw error;
    });
    if (text.trim() !== "") return text.trimEnd();
  }
  return "";
}

async function eventsAbout({ api }: Pick<Cluster, "api">, selector: string): Promise<PodEvent[]> {
  const text = await api.text(`events?fieldSelector=${encodeURIComponent(selector)}&limit=500`);
  return eventsOf(JSON.parse(text));
}

function jobEnded(reason: string): Trouble {
  const words: Record<string, string> = {
    DeadlineExceeded: "its fuse burnt down: nobody kept the canary alive (DeadlineExceeded)",
    BackoffLimitExceeded: "its servers ended too often (BackoffLimitExceeded)",
  };
  const blames = reason === "BackoffLimitExceeded" ? "model" : "cluster";
  const cause = words[reason] ?? `its Job ended: ${reason}`;
  return { pod: null, container: null, previous: false, cause, blames, isFinal: true };
}
