// What the API server would say to the objects: asked of it, without writing anything.
import { MlshipError } from "../../../errors.ts";
import type { Api, KubeObject } from "../ports.ts";

/** Codes that say that the API server, or what it asks, would not have the object. */
const refusals = new Set(["kubernetes.refused", "kubernetes.denied"]);

/** Rehearses one object. @param what the object is, in words: `a server's pod`. */
export async function rehearse(
  api: Pick<Api, "rehearse">,
  object: KubeObject,
  what: string,
): Promise<MlshipError | null> {
  try {
    await api.rehearse(object);
    return null;
  } catch (error) {
    // Fields that another manager has are looked at where objects have owners.
    if (error instanceof MlshipError && error.code === "kubernetes.conflict") return null;
    if (!(error instanceof MlshipError) || !refusals.has(error.code)) throw error;
    return new MlshipError({
      code: "preflight.refused",
      what: `the cluster would refuse ${what}`,
      ...(error.why === undefined ? {} : { why: error.why }),
      fix: "change what it names with deploy.resources or deploy.patches, or have the namespace's policy changed",
      exit: "unavailable",
      cause: error,
    });
  }
}

/**
 * A pod as the Deployment's template makes it, to rehearse Pod Security, LimitRange and what else
 * admits pods. Its ServiceAccount is the namespace's own: the model's may not be there yet.
 */
export function podOf(name: string, template: { labels: Record<string, string>; spec: object }): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: template.labels },
    spec: { ...template.spec, serviceAccountName: "default" },
  };
}
