// What is left of a model's routers: all of them once the split is another, old configurations while it is not.
import { namesOf } from "../../../cluster/names.ts";
import type { Served } from "../../../cluster/served.ts";
import type { Fence } from "../lock/fence.ts";
import type { Cluster, Kind, KubeObject } from "../ports.ts";
import { usersSelector } from "./blueprint.ts";
import { select } from "./stable-service.ts";

/** What a router is made of, in the order in which it goes. */
const kinds: readonly Kind[] = [
  "Deployment",
  "PodDisruptionBudget",
  "NetworkPolicy",
  "ServiceAccount",
  "ConfigMap",
];
/** Configurations that stay beside the one that is used, for `kubectl rollout undo` of the router. */
const kept = 2;

/**
 * Removes them, once users are led past them.
 * @param served how the stable revision is served now
 * @param stable its id
 */
export async function tidyRouters(
  { cluster, fence }: { cluster: Pick<Cluster, "api">; fence: Fence },
  served: Served,
  stable: string,
): Promise<void> {
  const { users, router } = namesOf(served.name);
  const { api } = cluster;
  const owned = `app.kubernetes.io/managed-by=mlship,app.kubernetes.io/name=${router}`;
  if (served.deploy.canary.split === "router") {
    const deployment = await api.read("Deployment", router);
    if (deployment === null) return;
    for (const name of outdated(deployment, await api.list("ConfigMap", owned))) {
      await fence.remove("ConfigMap", name);
    }
    return;
  }
  const service = await api.read("Service", users);
  if (service === null || select(service, usersSelector(served, stable)) !== null) return;
  for (const kind of kinds) {
    for (const { metadata } of await api.list(kind, owned)) await fence.remove(kind, metadata.name);
  }
}

/** Configurations that the router's pods do not mount any more, without the last few. */
function outdated(deployment: KubeObject, configs: readonly KubeObject[]): string[] {
  const mounted = JSON.stringify(deployment["spec"]);
  const born = ({ metadata }: KubeObject) => metadata.creationTimestamp ?? "";
  const others = configs
    .filter(({ metadata }) => !mounted.includes(`"${metadata.name}"`))
    .toSorted((a, b) => born(a).localeCompare(born(b)));
  return others.slice(0, Math.max(0, others.length - kept)).map(({ metadata }) => metadata.name);
}
