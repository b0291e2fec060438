// Whether the cluster is new enough, and whether the namespace is there to stay.
import { z } from "zod";
import { MlshipError } from "../../../errors.ts";
import type { Api } from "../ports.ts";

/**
 * Oldest Kubernetes that mlship works with: field validation of server-side apply is on from here
 * (GA in 1.27), and a Job's deadline can be raised while it runs.
 */
const oldest = { major: 1, minor: 27 };

const namespaceSchema = z.looseObject({ status: z.looseObject({ phase: z.string().optional() }).optional() });

/** @param version of the API server: `v1.36.3`, `v1.27.4-gke.900`. */
export function checkVersion(version: string): MlshipError | null {
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined || minor === undefined) return null;
  const isNew = Number(major) > oldest.major || Number(minor) >= oldest.minor;
  if (isNew) return null;
  return new MlshipError({
    code: "preflight.version",
    what: `the cluster is Kubernetes ${version}, and mlship needs 1.27 or later`,
    fix: "upgrade the cluster, or deploy to another one",
    exit: "unavailable",
  });
}

/** Whether objects can be made in the namespace. One that may not be read is taken to be there. */
export async function checkNamespace(
  api: Pick<Api, "read">,
  { namespace, context }: { namespace: string; context: string },
): Promise<MlshipError | null> {
  let found;
  try {
    found = await api.read("Namespace", namespace);
  } catch (error) {
    if (error instanceof MlshipError && error.code === "kubernetes.denied") return null;
    throw error;
  }
  if (found === null) {
    return new MlshipError({
      code: "kubernetes.namespace",
      what: `there is no namespace ${namespace} in the cluster of context ${context}`,
      fix: `\`kubectl --context ${context} create namespace ${namespace}\`, or change deploy.namespace`,
      exit: "unavailable",
    });
  }
  const { status } = namespaceSchema.parse(found);
  if (found.metadata.deletionTimestamp === undefined && status?.phase !== "Terminating") return null;
  return new MlshipError({
    code: "preflight.terminating",
    what: `namespace ${namespace} is being removed`,
    fix: "wait until it is gone and create it again, or change deploy.namespace",
    exit: "unavailable",
  });
}
