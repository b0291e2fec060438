// What is missing of the stable revision or was changed in it, and how it serves again with all that it had.
import { z } from "zod";
import { namesOf } from "../../cluster/names.ts";
import type { Served } from "../../cluster/served.ts";
import type { Revision } from "../../rollout/ports.ts";
import type { BaseObjects } from "./fleet/base-objects.ts";
import { fullSetOf } from "./fleet/blueprint.ts";
import { driftOf } from "./fleet/drift.ts";
import { replicasIn, type FullSets } from "./fleet/full-set.ts";
import type { Standing } from "./observe.ts";
import type { Cluster, KubeObject } from "./ports.ts";

/** Something that is not as it should be. */
export interface Finding {
  /** One sentence without a full stop. */
  said: string;
  /** Sets it right, under the lock; null when only a person can, or nothing needs to be done. */
  mend: (() => Promise<void>) | null;
}

/** What stable is made of and mended with. */
export interface StableParts {
  name: string;
  cluster: Cluster;
  base: BaseObjects;
  sets: FullSets;
}

/** What stable should be. */
export interface StableWanted {
  revision: Revision;
  served: Served;
  /** Servers that it must not have fewer of. */
  least: number;
}

const templateSchema = z.object({ spec: z.object({ template: z.unknown() }) });

/** Looks and changes nothing. Drift of the pod template is told, and left as it is. */
export async function stableFindings(
  parts: StableParts,
  standing: Standing,
  wanted: StableWanted,
): Promise<Finding[]> {
  return [
    ...missingBase(parts, standing, wanted.served),
    ...(await missingRouter(parts, wanted.served)),
    ...serversOf(parts, standing, wanted),
  ];
}

function missingBase({ base, name }: StableParts, standing: Standing, served: Served): Finding[] {
  const names = namesOf(name);
  const missing = [
    ...(standing.usersService === null ? [names.users] : []),
    ...(standing.canaryService === null ? [names.canary] : []),
  ];
  if (missing.length === 0) return [];
  const said = `Service ${missing.join(" and Service ")} had been removed and ${missing.length === 1 ? "is" : "are"} there again`;
  return [{ said, mend: () => base.put(served) }];
}

async function missingRouter({ base, name, cluster }: StableParts, served: Served): Promise<Finding[]> {
  if (served.deploy.canary.split !== "router") return [];
  const { router } = namesOf(name);
  const deployment = await cluster.api.read("Deployment", router);
  if (deployment !== null && replicasIn(deployment) > 0) return [];
  const what = deployment === null ? "had been removed" : "had been scaled to 0";
  return [{ said: `the router ${router} ${what} and is made again`, mend: () => base.put(served) }];
}

function serversOf(
  { name, sets }: StableParts,
  standing: Standing,
  { revision, served, least }: StableWanted,
): Finding[] {
  const deployment = standing.deployments.find(({ metadata }) => metadata.name === revision.id);
  const make = () => sets.make(fullSetOf(served), least);
  if (deployment === undefined) {
    const said = `Deployment ${revision.id}, which serves ${name}, had been removed and is made again`;
    return [{ said, mend: make }];
  }
  const size = replicasIn(deployment);
  const found: Finding[] = [];
  if (size < least) {
    const said = `somebody scaled stable ${revision.version} to ${size} servers: it has ${least} again`;
    found.push({ said, mend: make });
  }
  const changed = driftIn(deployment, served);
  if (changed.length > 0) {
    const where = changed.slice(0, 3).join(", ");
    const said = `stable ${revision.version} does not run as it was deployed: somebody changed ${where} (kubectl edit, set or rollout undo); what is new is measured against what runs`;
    found.push({ said, mend: null });
  }
  return found;
}

/** Paths of the pod template that were changed since the Deployment was made. */
function driftIn(deployment: KubeObject, served: Served): string[] {
  const made = fullSetOf(served).find(({ kind }) => kind === "Deployment");
  if (made === undefined) return [];
  return driftOf(templateSchema.parse(made).spec.template, templateSchema.parse(deployment).spec.template);
}
