// One Kubernetes object with its file and the words that explain it.
import type { JsonValue } from "../config/kubernetes-keys.ts";

/** A tree of JSON. */
export type JsonObject = { [key: string]: JsonValue };

/** An object as the API server takes it. */
export interface KubernetesObject extends JsonObject {
  apiVersion: string;
  kind: string;
  metadata: JsonObject & { name: string; namespace: string };
}

/** An object on its way into a file. */
export interface Manifest {
  /** Name of its file: `deployment.yaml`. */
  file: string;
  /** What it is for and why it is as it is; one paragraph of plain text each. */
  about: readonly string[];
  object: KubernetesObject;
  /**
   * Whether only a patch that names it changes it: what a rollout adds to the model's own objects.
   * A patch of every Deployment means the servers, not the router.
   */
  patchedByName?: true;
}
