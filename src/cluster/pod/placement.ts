// What the pods of a cluster need that is no matter of the model: said once, in patches of the Deployment.
import type { JsonValue } from "../../config/kubernetes-keys.ts";
import type { JsonObject, KubernetesObject } from "../manifest.ts";

/** Fields of a pod that say where it may run and who may pull its image. */
const fields = [
  "imagePullSecrets",
  "nodeSelector",
  "priorityClassName",
  "runtimeClassName",
  "schedulerName",
  "tolerations",
] as const;

/** What the other pods of a model take over from its servers. */
export interface Placement {
  /** Fields of the pod. */
  placed: JsonObject;
  /** Whether pods here ask for local storage: a kubelet that does not count it offers none. */
  countsStorage: boolean;
}

/** Of a Deployment without patches. */
export const anywhere: Placement = { placed: {}, countsStorage: true };

/** The placement of a model's Deployment. @param deployment with the patches of mlship.yaml */
export function placementOf(deployment: KubernetesObject): Placement {
  const pod = below(deployment, "spec", "template", "spec");
  const containers = Array.isArray(pod["containers"]) ? pod["containers"] : [];
  const placed = fields.flatMap((field): [string, JsonValue][] => {
    const value = pod[field];
    return value === undefined ? [] : [[field, value]];
  });
  return {
    placed: Object.fromEntries(placed),
    countsStorage: containers.some(
      (container) => below(container, "resources", "requests")["ephemeral-storage"] !== undefined,
    ),
  };
}

/** The map at a path; an empty one where there is none. */
function below(value: JsonValue, ...path: string[]): JsonObject {
  const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isMap) return {};
  const [key, ...rest] = path;
  return key === undefined ? value : below(value[key] ?? {}, ...rest);
}
