// Finds what people, other tools or a dead driver left of a model, and says how stable serves again.
import { z } from "zod";
import { namesOf, noInstance, instanceSelector } from "../../cluster/names.ts";
import type { Served } from "../../cluster/served.ts";
import type { Records, Revision } from "../../rollout/ports.ts";
import type { BaseObjects } from "./fleet/base-objects.ts";
import { fullSetOf, leastOf, stableServiceOf } from "./fleet/blueprint.ts";
import type { CanaryCrews } from "./fleet/canary-crew.ts";
import { driftOf } from "./fleet/drift.ts";
import type { Fence } from "./lock/fence.ts";
import { replicasIn, type FullSets } from "./fleet/full-set.ts";
import { see, standingOf, type Seen, type Standing } from "./observe.ts";
import type { Cluster, KubeObject } from "./ports.ts";
import type { Released } from "./fleet/released.ts";
import { instanceOf, withStable } from "./fleet/stable-service.ts";

/** Something that is not as it should be. */
export interface Finding {
  /** One sentence without a full stop. */
  said: string;
  /** Sets it right, under the lock; null when only a person can, or nothing needs to be done. */
  mend: (() => Promise<void>) | null;
}

export interface RecoveryParts {
  name: string;
  cluster: Cluster;
  fence: Fence;
  released: Released;
  records: Records;
  base: BaseObjects;
  crews: CanaryCrews;
  sets: FullSets;
}

const templateSchema = z.object({ spec: z.object({ template: z.unknown() }) });

/**
 * Looks and changes nothing. A canary is never started again; one that a driver left is its
 * record's business. What is missing of stable is made again, what is changed in it is told.
 */
export async function findingsOf(parts: RecoveryParts): Promise<Finding[]> {
  const standing = await standingOf(parts.cluster, parts.name);
  const seen = see(standing);
  const lost = await lostTruth(parts, standing, seen);
  // What hangs on the stable revision is looked at once it is known again.
  if (lost !== null) return [lost];
  if (seen.stable === null) return [];
  const revision = await parts.released.revision(seen.stable);
  if (revision === null) return [unknown(seen.stable)];
  const served = await parts.released.find(revision);
  return [
    ...missingBase(parts, standing, served),
    ...(await missingRouter(parts, served)),
    ...ofStable(parts, standing, { revision, served }),
    ...leftovers(parts, standing, seen),
  ];
}

/** `S-stable` is gone or names a revision that has no servers, and another is known to have been stable. */
async function lostTruth(parts: RecoveryParts, standing: Standing, seen: Seen): Promise<Finding | null> {
  const { name, fence, released } = parts;
  const { stable: service } = namesOf(name);
  const has = (id: string) => standing.deployments.some(({ metadata }) => metadata.name === id);
  if (seen.stable !== null && has(seen.stable)) return null;
  if (standing.stableService !== null && seen.stable === null && standing.deployments.length === 0)
    return null;
  const before = await lastStable(parts, standing);
  if (before === null || !has(before.id) || before.id === seen.stable) return null;
  const what =
    standing.stableService === null
      ? `Service ${service} was removed`
      : `Service ${service} was changed by something else and led to ${seen.stable ?? "nothing"}`;
  return {
    said: `${what}: it leads to ${before.version} again`,
    async mend() {
      await fence.ensure(stableServiceOf(await released.find(before)));
      await fence.write("Service", service, (now) => withStable(now, name, before.id));
    },
  };
}

/** What the last rollout left stable; without a record, the only full set that there is. */
async function lastStable(
  { records, released }: RecoveryParts,
  { deployments }: Standing,
): Promise<Revision | null> {
  const record = await records.load();
  if (record !== null) return record.outcome === "promoted" ? record.to : record.from;
  const [only, ...others] = deployments;
  return only === undefined || others.length > 0 ? null : await released.revision(only.metadata.name);
}

function missingBase({ base, name }: RecoveryParts, standing: Standing, served: Served): Finding[] {
  const names = namesOf(name);
  const missing = [
    ...(standing.usersService === null ? [names.users] : []),
    ...(standing.canaryService === null ? [names.canary] : []),
  ];
  if (missing.length === 0) return [];
  const said = `Service ${missing.join(" and Service ")} had been removed and ${missing.length === 1 ? "is" : "are"} there again`;
  return [{ said, mend: () => base.put(served) }];
}

async function missingRouter({ base, name, cluster }: RecoveryParts, served: Served): Promise<Finding[]> {
  if (served.deploy.canary.split !== "router") return [];
  const { router } = namesOf(name);
  const deployment = await cluster.api.read("Deployment", router);
  if (deployment !== null && replicasIn(deployment) > 0) return [];
  const what = deployment === null ? "had been removed" : "had been scaled to 0";
  return [{ said: `the router ${router} ${what} and is made again`, mend: () => base.put(served) }];
}

function ofStable(
  { name, sets }: RecoveryParts,
  standing: Standing,
  { revision, served }: { revision: Revision; served: Served },
): Finding[] {
  const deployment = standing.deployments.find(({ metadata }) => metadata.name === revision.id);
  const least = leastOf(served);
  const make = () => sets.make(fullSetOf(served), least);
  if (deployment === undefined) {
    const said = `Deployment ${revision.id}, which serves ${name}, had been removed and is made again`;
    return [{ said, mend: make }];
  }
  const size = replicasIn(deployment);
  const found: Finding[] = [];
  if (size < least) {
    const said = `somebody scaled stable ${revision.version} to ${size} servers: it has ${least} again, as deploy.replicas.min says`;
    found.push({ said, mend: make });
  }
  const changed = driftIn(deployment, served);
  if (changed.length > 0) {
    const where = changed.slice(0, 3).join(", ");
    const said = `stable ${revision.version} does not run as it was deployed: somebody changed ${where} (kubectl edit, set or rollout undo); the next deploy is measured against what runs`;
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

/** What a dead driver left that no record speaks of any more. */
function leftovers({ name, fence, crews, sets }: RecoveryParts, standing: Standing, seen: Seen): Finding[] {
  const found: Finding[] = [];
  const { canary } = namesOf(name);
  for (const job of seen.spent) {
    const id = job.replace(/-canary$/, "");
    found.push({
      said: `the canary ${job} was left although its revision is stable: removed`,
      mend: () => crews.end(id),
    });
  }
  const led = instanceOf(standing.canaryService);
  if (led !== null && !standing.jobs.some(({ metadata }) => metadata.name === led)) {
    found.push({
      said: `Service ${canary} still led to ${led}, which is gone`,
      async mend() {
        await fence.write("Service", canary, (now) => {
          const selector = instanceSelector(name, noInstance);
          return { ...now, spec: { ...z.looseObject({}).parse(now["spec"]), selector } };
        });
      },
    });
  }
  for (const id of seen.others) {
    found.push({
      said: `${id} was left behind by an earlier rollout: removed`,
      async mend() {
        await crews.end(id);
        await sets.remove(id);
      },
    });
  }
  return found;
}

function unknown(id: string): Finding {
  const said = `${id} is stable, and the cluster has no document of how it is served: it was changed by something other than mlship`;
  return { said, mend: null };
}
