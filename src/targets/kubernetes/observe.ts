// What runs in the cluster now: read from Services, Jobs and Deployments, whatever any record says.
import { canaryName, namesOf, roleLabel } from "../../cluster/names.ts";
import type { Cluster, KubeObject } from "./ports.ts";
import { instanceOf, previousOf } from "./fleet/stable-service.ts";

/** Revisions by what they are, as ids. */
export interface Seen {
  /** Selected by `S-stable`; null when nothing is. */
  stable: string | null;
  /** Has pods that try it out, or a full set that was not promoted. */
  canary: string | null;
  /** Was stable before, and its Deployment is still there. */
  previous: string | null;
  /** Revisions with servers that are none of these: left behind. */
  others: string[];
  /** Jobs that are of no use any more: of a revision that is stable by now. */
  spent: string[];
}

/** What the objects of a model say. */
export interface Standing {
  stableService: KubeObject | null;
  canaryService: KubeObject | null;
  usersService: KubeObject | null;
  jobs: KubeObject[];
  deployments: KubeObject[];
}

/** Reads a model's Services, canary Jobs and Deployments. */
export async function standingOf({ api }: Pick<Cluster, "api">, name: string): Promise<Standing> {
  const names = namesOf(name);
  const model = `app.kubernetes.io/managed-by=mlship,app.kubernetes.io/name=${name}`;
  const [stableService, canaryService, usersService, jobs, deployments] = await Promise.all([
    api.read("Service", names.stable),
    api.read("Service", names.canary),
    api.read("Service", names.users),
    api.list("Job", `${model},${roleLabel}=canary`),
    api.list("Deployment", model),
  ]);
  return { stableService, canaryService, usersService, jobs, deployments };
}

/** Which revision is what. Objects that are being removed count no more. */
export function see(standing: Standing): Seen {
  const stable = instanceOf(standing.stableService);
  const remembered = previousOf(standing.stableService);
  const jobs = standing.jobs.filter(isThere).map(({ metadata }) => metadata.name);
  const sets = standing.deployments.filter(isThere).map(({ metadata }) => metadata.name);
  const tried = jobs.map((job) => job.replace(/-canary$/, ""));
  const previous = remembered !== stable && sets.some((id) => id === remembered) ? remembered : null;
  const open = [...new Set([...tried, ...sets])].filter((id) => id !== stable && id !== previous);
  // A revision that is tried out again after it was stable before is the canary, not the one before.
  const canary = tried.find((id) => id === remembered && id !== stable) ?? open[0] ?? null;
  return {
    stable,
    canary,
    previous: previous === canary ? null : previous,
    others: open.filter((id) => id !== canary),
    spent: stable === null ? [] : jobs.filter((job) => job === canaryName(stable)),
  };
}

function isThere({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp === undefined;
}
