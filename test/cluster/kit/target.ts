// A target for one revision of the kit's model, as a command would open it: real kubectl, real cluster.
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import path from "node:path";
import { makeServed } from "../../../src/cluster/served-document.ts";
import type { Served } from "../../../src/cluster/served.ts";
import { digestBytes } from "../../../src/digest.ts";
import type { Holder, Revision } from "../../../src/rollout/ports.ts";
import { revisionOf } from "../../../src/rollout/revision.ts";
import { KubernetesTarget } from "../../../src/targets/kubernetes/kubernetes-target.ts";
import type { Cluster } from "../../../src/targets/kubernetes/ports.ts";
import { openCluster } from "../../../src/tools/kubectl/open.ts";
import type { Site, Variant } from "../kit.ts";

/** A revision of the kit's model, with what it is made from. */
export interface Release {
  revision: Revision;
  served: Served;
}

/** The release of a variant; equal variants are one revision. */
export function releaseOf(site: Site, variant: Variant = {}): Release {
  const parts = site.served(variant);
  const release = digestBytes(`release ${parts.version}`);
  const document = makeServed(parts, release);
  const revision = revisionOf(parts.name, parts.version, release, document.digest);
  return { revision, served: { ...parts, revision: revision.id } };
}

/** Who holds the lock in tests. */
export function holderCalled(doing: string): Holder {
  const since = "2026-01-01T00:00:00.000Z";
  return {
    id: randomBytes(8).toString("hex"),
    user: "test",
    host: "testbed",
    pid: process.pid,
    doing,
    since,
  };
}

/** A target as one process has it. */
export interface Opened {
  target: KubernetesTarget;
  cluster: Cluster;
  /** What it told people. */
  told: string[];
}

/** Opens the site's target. @param releases that this process can make; the cluster may know more */
export async function openKitTarget(
  site: Site,
  releases: readonly Release[],
  env: Record<string, string | undefined> = process.env,
): Promise<Opened> {
  const cluster = await openCluster({
    context: null,
    namespace: site.namespace,
    node: process.execPath,
    leash: path.resolve("src/leash.ts"),
    env,
    temporary: tmpdir(),
  });
  const told: string[] = [];
  const deploy = releases[0]?.served.deploy ?? site.served().deploy;
  const target = new KubernetesTarget(cluster, {
    name: site.name,
    channel: "production",
    deploy,
    blueprints: {
      servedBy: (wanted) =>
        Promise.resolve(releases.find(({ revision }) => revision.id === wanted.id)?.served ?? null),
    },
    resolve: digestIn,
    access: () => Promise.resolve(),
    check: () => Promise.resolve(),
    holder: holderCalled("mlship test"),
    told: (text) => told.push(text),
    signal: new AbortController().signal,
  });
  return { target, cluster, told };
}

/** The reference of an image of the testbed's registry, with its digest. */
async function digestIn(image: string): Promise<string> {
  const [, registry = "", name = "", tag = ""] = /^([^/]+)\/(.+):([^:]+)$/.exec(image) ?? [];
  const accept =
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.v2+json";
  const answer = await fetch(`http://${registry}/v2/${name}/manifests/${tag}`, {
    method: "HEAD",
    headers: { accept },
  });
  const digest = answer.headers.get("docker-content-digest");
  if (!answer.ok || digest === null) throw new Error(`the registry does not have ${image}`);
  return `${registry}/${name}@${digest}`;
}
