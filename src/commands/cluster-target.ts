// Opens the target of a project on a cluster, with what it needs of store and registry.
import type { ObjectStore } from "../artifacts/ports.ts";
import { MlshipError } from "../errors.ts";
import { formatReference, parseReference } from "../image/oci/reference.ts";
import type { Target } from "../rollout/ports.ts";
import { checkAccess, checkCluster } from "../targets/kubernetes/preflight/preflight.ts";
import { holderOf, type Host } from "./host.ts";
import type { Project } from "./project.ts";
import { blueprintsIn } from "./ship/served-store.ts";

/**
 * The model's target in its namespace of the cluster.
 * @throws MlshipError `tool.missing`, `kubernetes.*`
 */
export async function openClusterTarget(
  { config, channel }: Project,
  host: Host,
  store: ObjectStore,
  doing: string,
): Promise<Target> {
  const { name, deploy } = config;
  const { context, namespace } = deploy;
  const cluster = await host.cluster({ context, namespace });
  return await host.clusterTarget(cluster, {
    name,
    channel,
    deploy,
    blueprints: blueprintsIn(store, name),
    resolve: (image) => resolveImage(host, image),
    access: () => checkAccess(cluster, deploy),
    async check(served) {
      await checkCluster(cluster, { served, channel, registry: await host.registry() });
    },
    holder: holderOf(host, doing),
    told: (text) => host.progress.note(text),
    signal: host.signal,
  });
}

/** The reference with its digest. @throws MlshipError `registry.*`; `router.no-image`, exit 5 */
async function resolveImage(host: Host, image: string): Promise<string> {
  const reference = parseReference(image);
  if (reference.digest !== null) return image;
  const found = await (await host.registry()).manifest(reference);
  if (found !== null) return formatReference({ ...reference, tag: null, digest: found.digest });
  throw new MlshipError({
    code: "router.no-image",
    what: `there is no image ${image} for the router`,
    fix: "correct deploy.router.image in mlship.yaml, or copy the image there",
    exit: "unavailable",
  });
}
