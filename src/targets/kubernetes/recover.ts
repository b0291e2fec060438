// Finds what people, other tools or a dead driver left of a model, and says how stable serves again.
import { z } from "zod";
import { namesOf, noInstance, instanceSelector } from "../../cluster/names.ts";
import type { Records, Revision } from "../../rollout/ports.ts";
import { leastOf, stableServiceOf } from "./fleet/blueprint.ts";
import type { CanaryCrews } from "./fleet/canary-crew.ts";
import type { Fence } from "./lock/fence.ts";
import { see, standingOf, type Seen, type Standing } from "./observe.ts";
import type { Released } from "./fleet/released.ts";
import { stableFindings, type Finding, type StableParts } from "./stable-findings.ts";
import { instanceOf, withStable } from "./fleet/stable-service.ts";

export interface RecoveryParts extends StableParts {
  fence: Fence;
  released: Released;
  records: Records;
  crews: CanaryCrews;
}

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
    ...(await stableFindings(parts, standing, { revision, served, least: leastOf(served) })),
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
