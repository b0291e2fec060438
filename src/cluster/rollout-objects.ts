// The objects of a rollout: what mlship makes in a cluster, step by step, with the patches of mlship.yaml in place.
import { MlshipError } from "../errors.ts";
import { autoscaler } from "./kinds/autoscaler.ts";
import { canaryJob, type CanarySize } from "./kinds/canary-job.ts";
import { filesOfModel } from "./pod/delivery.ts";
import { deployment } from "./kinds/deployment.ts";
import { disruptionBudget } from "./kinds/disruption-budget.ts";
import type { KubernetesObject, Manifest } from "./manifest.ts";
import { channelAnnotation, noInstance } from "./names.ts";
import { networkPolicy } from "./kinds/network-policy.ts";
import { applyPatches } from "./patches/patches.ts";
import { anywhere, placementOf, type Placement } from "./pod/placement.ts";
import { podMonitor } from "./kinds/pod-monitor.ts";
import { refuseControlCharacters, refuseHiddenCharacters } from "./refuse.ts";
import { route } from "./kinds/route.ts";
import { routerObjects, type RouterParts } from "./router/router-objects.ts";
import type { Served } from "./served.ts";
import { serviceAccount } from "./kinds/service-account.ts";
import { canaryService, stableService, usersService } from "./kinds/services.ts";

/** When an object is made, and how it may change afterwards. */
type Part = "base" | "users" | "stable" | "canary" | "files" | "deployment" | "full" | "router";

/** Stands in for what only the cluster knows, so that patches of the router are found without it. */
const unknownRouter: RouterParts = { image: "haproxy", stable: "192.0.2.1", canary: "192.0.2.2" };

/** ServiceAccount, NetworkPolicy and, where asked for, PodMonitor and HTTPRoute. @throws MlshipError as {@link fullSetOf} */
export function baseObjectsOf(served: Served): KubernetesObject[] {
  return objectsIn(served, ["base"]);
}

/**
 * The users' Service.
 * @param channel that it belongs to
 * @param stable id of the stable revision; null before there is one
 */
export function usersServiceOf(
  served: Served,
  { channel, stable }: { channel: string; stable: string | null },
): KubernetesObject {
  const object = oneOf(served, "users", stable ?? noInstance);
  const { metadata } = object;
  const annotations = metadata["annotations"];
  const others =
    typeof annotations === "object" && annotations !== null && !Array.isArray(annotations) ? annotations : {};
  return { ...object, metadata: { ...metadata, annotations: { ...others, [channelAnnotation]: channel } } };
}

/** The Service `S-stable`, reaching nothing yet: made once, then only its selector changes. */
export function stableServiceOf(served: Served): KubernetesObject {
  return oneOf(served, "stable");
}

/** The Service `S-canary`, reaching nothing yet: made once, then only its selector changes. */
export function canaryServiceOf(served: Served): KubernetesObject {
  return oneOf(served, "canary");
}

/** The list of the model's files, where they are fetched: the pods of canary and full set need it. */
export function filesOf(served: Served): KubernetesObject[] {
  return objectsIn(served, ["files"]);
}

/**
 * Files, Deployment, autoscaler and disruption budget of a revision. The Deployment has no
 * `replicas`: who makes it says how many.
 * @throws MlshipError exit 2: `deploy.patch-*`, `cluster.replicas`, `cluster.control-character`,
 *   `cluster.too-many-files`, `cluster.store`, `cluster.router-*`.
 */
export function fullSetOf(served: Served): KubernetesObject[] {
  return objectsIn(served, ["files", "deployment", "full"]);
}

/** The Job whose pods try a revision out; it needs what {@link filesOf} gives. @throws MlshipError as {@link fullSetOf} */
export function canaryJobOf(served: Served, size: CanarySize): KubernetesObject {
  return canaryJob(served, oneOf(served, "deployment"), size);
}

/** The router's objects, in an order that they can be applied in. @throws MlshipError as {@link fullSetOf} */
export function routerObjectsOf(served: Served, router: RouterParts): KubernetesObject[] {
  return patched(served, noInstance, router)
    .filter(({ part }) => part === "router")
    .map(({ object }) => object);
}

/** What a patch may name beside the objects that `mlship generate` writes. */
export function rolloutOnly(served: Served): Manifest[] {
  const parts = [...ownParts(served, noInstance), ...routerPart(served, unknownRouter, anywhere)];
  return parts.filter(({ patchedByName }) => patchedByName === true);
}

interface Placed extends Manifest {
  part: Part;
}

function objectsIn(served: Served, parts: readonly Part[]): KubernetesObject[] {
  return patched(served, noInstance, unknownRouter)
    .filter(({ part }) => parts.includes(part))
    .map(({ object }) => object);
}

function oneOf(served: Served, part: Part, stable = noInstance): KubernetesObject {
  const found = patched(served, stable, unknownRouter).find((manifest) => manifest.part === part);
  if (found !== undefined) return found.object;
  throw new MlshipError({
    code: "deploy.patch-invalid",
    what: `a patch of mlship.yaml takes away the ${part === "deployment" ? "Deployment" : `Service for ${part}`}`,
    why: "mlship cannot roll a version out without it",
    fix: "remove the patch with $patch: delete from deploy.patches",
    exit: "usage",
  });
}

/** The servers come first: the router's pods go where a patch of the Deployment lets theirs go. */
function patched(served: Served, stable: string, router: RouterParts): Placed[] {
  const own = ownParts(served, stable);
  for (const { object } of own) refuseControlCharacters(object);
  const unplaced = [...own, ...routerPart(served, router, anywhere)];
  // A stored document may patch an object that only the split of its own time had. That each patch
  // finds its object is checked when a document is made.
  const has = ({ kind, name }: { kind: string; name?: string | undefined }) =>
    unplaced.some(({ object }) => object.kind === kind && object.metadata.name === name);
  const patches = served.deploy.patches.filter((patch) => patch.name === undefined || has(patch));
  const servers = applyPatches(unplaced, patches);
  const deployed = servers.find(({ part }) => part === "deployment");
  const placement = deployed === undefined ? anywhere : placementOf(deployed.object);
  const all = applyPatches([...own, ...routerPart(served, router, placement)], patches);
  for (const { object } of all) refuseHiddenCharacters(object);
  return all;
}

function ownParts(served: Served, stable: string): Placed[] {
  const as = (part: Part, ...manifests: Manifest[]) => manifests.map((manifest) => ({ ...manifest, part }));
  return [
    ...as("base", serviceAccount(served), networkPolicy(served), ...podMonitor(served), ...route(served)),
    ...as("users", usersService(served, stable)),
    ...as("stable", stableService(served)),
    ...as("canary", canaryService(served)),
    ...as("files", ...filesOfModel(served)),
    ...as("deployment", deployment(served)),
    ...as("full", autoscaler(served), disruptionBudget(served)),
  ];
}

function routerPart(served: Served, router: RouterParts, placement: Placement): Placed[] {
  if (served.deploy.canary.split !== "router") return [];
  return routerObjects(served, router, placement).map((manifest) => ({ ...manifest, part: "router" }));
}
