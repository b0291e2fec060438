// What would make a rollout fail on this cluster, found before anything is written, and told all at once.
import { z } from "zod";
import { canaryName, namesOf } from "../../../cluster/names.ts";
import type { Served } from "../../../cluster/served.ts";
import { MlshipError } from "../../../errors.ts";
import type { Registry } from "../../../image/ports.ts";
import { baseOf, canaryJobOf, canaryPods, fullSetOf, leastOf } from "../fleet/blueprint.ts";
import { replicasIn } from "../fleet/full-set.ts";
import { instanceOf } from "../fleet/stable-service.ts";
import type { Api, Cluster, Kind, KubeObject } from "../ports.ts";
import { added, demandOf } from "./demand.ts";
import { checkImage } from "./image.ts";
import { checkOverlaps } from "./overlaps.ts";
import { checkOwners } from "./owners.ts";
import { checkNamespace, checkVersion } from "./place.ts";
import { checkQuotas } from "./quota.ts";
import { podOf, rehearse } from "./rehearsal.ts";
import { checkRights, neededRights } from "./rights.ts";

/** What is about to be rolled out. */
export interface Intended {
  served: Served;
  channel: string;
  /** Null where no registry can be asked. */
  registry: Pick<Registry, "manifest"> | null;
}

type Findings = (MlshipError | null)[];
type Place = Pick<Cluster, "api" | "context" | "namespace" | "version">;

const workloadSchema = z.looseObject({
  spec: z.looseObject({
    template: z.looseObject({
      metadata: z.looseObject({ labels: z.record(z.string(), z.string()) }),
      spec: z.looseObject({}),
    }),
  }),
});

/**
 * Looks whether this user can deploy to this namespace at all: what can be known without a release, so
 * before one is judged, built and pushed. Writes nothing.
 * @throws MlshipError `preflight.rights`, exit 5, with the Role that suffices; `preflight.version`,
 *   `preflight.terminating`, `kubernetes.namespace`, exit 5.
 */
export async function checkAccess(cluster: Place, deploy: Served["deploy"]): Promise<void> {
  const { api, namespace } = cluster;
  report([checkVersion(cluster.version), await checkNamespace(api, cluster)]);
  report([await checkRights(api, { namespace, needed: neededRights({ deploy }) })]);
}

/**
 * Looks at everything that can be known before the first write. Writes nothing.
 * @throws MlshipError the finding; `preflight.failed`, exit 5, with all of them when there are several.
 */
export async function checkCluster(cluster: Place, intended: Intended): Promise<void> {
  const { api } = cluster;
  // Without access the rest cannot be looked at.
  await checkAccess(cluster, intended.served.deploy);
  const [short, refused, ...others] = await Promise.all([
    room(api, intended),
    admission(api, intended),
    ownership(api, intended),
    neighbours(api, intended),
    images(intended),
  ]);
  // A quota that is too small for all pods may be too small for the first one.
  const own = refused.filter((one) => short.length === 0 || !/exceeded quota/.test(one?.why ?? ""));
  report([...short, ...own, ...others.flat()]);
}

/** Objects that are there already under the names that a rollout writes. */
async function ownership(api: Api, { served, channel }: Intended): Promise<Findings> {
  const { users, stable, canary, router } = namesOf(served.name);
  const { revision } = served;
  const written: [Kind, string][] = [
    ["Service", users],
    ["Service", stable],
    ["Service", canary],
    ["ServiceAccount", users],
    ["NetworkPolicy", users],
    ["Deployment", router],
    ["Deployment", revision],
    ["HorizontalPodAutoscaler", revision],
    ["PodDisruptionBudget", revision],
    ["Job", canaryName(revision)],
  ];
  const found = await Promise.all(written.map(([kind, name]) => api.read(kind, name)));
  return found.flatMap((object) => (object === null ? [] : checkOwners(object, channel)));
}

/** What admission says to the objects and to the pods that controllers will make of them. */
async function admission(api: Api, { served }: Intended): Promise<Findings> {
  const own = [...baseOf(served), ...fullSetOf(served)];
  const { labels, template } = templateOf(served);
  return await Promise.all([
    ...own.map((object) => rehearse(api, object, `${object.kind} ${object.metadata.name}`)),
    rehearse(
      api,
      podOf(`${served.revision}-rehearsal`, { labels, spec: template }),
      "the pods of this version",
    ),
  ]);
}

/** Quotas: the canary and the full set come beside stable, and only the canary goes before stable does. */
async function room(api: Api, { served }: Intended): Promise<Findings> {
  const quotas = await api.list("ResourceQuota");
  if (quotas.length === 0) return [];
  const stable = await stableReplicas(api, served);
  const wanted = Math.max(leastOf(served), stable);
  const hasSteps = stable > 0 && served.deploy.strategy === "canary" && served.deploy.canary.steps[0] !== 100;
  const pods = wanted + (hasSteps ? canaryPods(served, stable) : 0);
  const there = await Promise.all(
    [served.revision, canaryName(served.revision)].map((instance) =>
      api.list("Pod", `app.kubernetes.io/instance=${instance}`),
    ),
  );
  const more = Math.max(0, pods - there.flat().length);
  return checkQuotas(quotas, added(new Map(), demandOf(templateOf(served).template), more));
}

async function stableReplicas(api: Api, { name }: Served): Promise<number> {
  const stable = instanceOf(await api.read("Service", namesOf(name).stable));
  const deployment = stable === null ? null : await api.read("Deployment", stable);
  return deployment === null ? 0 : replicasIn(deployment);
}

async function neighbours(api: Api, { served }: Intended): Promise<Findings> {
  const [scalers, deployments] = await Promise.all([
    api.list("HorizontalPodAutoscaler"),
    api.list("Deployment"),
  ]);
  const canary = workloadSchema.parse(canaryJobOf(served, { stable: 1, deadlineSeconds: 30 }));
  const pods = [templateOf(served).labels, canary.spec.template.metadata.labels];
  return checkOverlaps({ scalers, deployments, revision: served.revision, pods });
}

async function images({ served, registry }: Intended): Promise<Findings> {
  if (registry === null) return [];
  const { model, image } = served;
  const all = [image, ...(model.kind === "image-volume" ? [model.reference] : [])];
  return await Promise.all(all.map((one) => checkImage(registry, one)));
}

function templateOf(served: Served): { labels: Record<string, string>; template: object } {
  const isDeployment = ({ kind }: KubeObject) => kind === "Deployment";
  const { spec } = workloadSchema.parse(fullSetOf(served).find(isDeployment));
  return { labels: spec.template.metadata.labels, template: spec.template.spec };
}

/** @throws MlshipError when there is a finding. */
function report(findings: Findings): void {
  const found = findings.filter((one) => one !== null);
  const [first] = found;
  if (first === undefined) return;
  if (found.length === 1) throw first;
  throw new MlshipError({
    code: "preflight.failed",
    what: `${found.length} things stand in the way of this rollout`,
    why: "nothing was changed",
    fix: "mend each of them, then run the command again",
    exit: "unavailable",
    problems: found.map(({ what, why, fix }) => ({
      what: why === undefined ? what : `${what}: ${why}`,
      ...(fix === undefined ? {} : { fix }),
    })),
  });
}
