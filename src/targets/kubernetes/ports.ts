// What the Kubernetes target needs from the outside world: the API server's objects, and a way into a pod.
import type { JsonValue } from "../../config/kubernetes-keys.ts";
import type { Revision } from "../../rollout/ports.ts";
import type { Served } from "../../cluster/served.ts";

/** Kinds that mlship reads or writes; each in one API version. */
export type Kind =
  | "ConfigMap"
  | "Deployment"
  | "Endpoints"
  | "Event"
  | "HorizontalPodAutoscaler"
  | "HTTPRoute"
  | "Job"
  | "Lease"
  | "LimitRange"
  | "Namespace"
  | "NetworkPolicy"
  | "Pod"
  | "PodDisruptionBudget"
  | "PodMonitor"
  | "ReplicaSet"
  | "ResourceQuota"
  | "Role"
  | "RoleBinding"
  | "Service"
  | "ServiceAccount";

/** An object as the API server gives it. What lies below `spec` and `status` is read through schemas. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    generation?: number;
    creationTimestamp?: string;
    deletionTimestamp?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    [key: string]: JsonValue | undefined;
  };
  [key: string]: unknown;
}

/** What a write or a removal depends on. The API server refuses it otherwise. */
export interface Precondition {
  uid?: string;
  resourceVersion?: string;
}

/**
 * Objects of one namespace. What meets 429, 5xx or a broken connection is tried again for 8 s. A write
 * that may have been carried out although no answer came ends right: the object is read and compared
 * before the write is called refused or stale. `text` alone is sent once.
 * @throws MlshipError `kubernetes.unreachable` (exit 5), `kubernetes.credentials` (exit 5),
 *   `kubernetes.namespace` (exit 5: there is no such namespace), `kubernetes.denied` (exit 5, naming verb and
 *   resource), `kubernetes.stale` (exit 7: a precondition does not hold any more, or 409 on a replace),
 *   `kubernetes.conflict` (exit 7: another field manager owns a field, naming it and the field),
 *   `kubernetes.refused` (exit 5, with the API server's words: admission, quota, invalid).
 */
export interface Api {
  /** Null when there is none, or the cluster has no such kind. */
  read(kind: Kind, name: string): Promise<KubeObject | null>;
  /** Empty when the cluster has no such kind. @param selector as kubectl takes it: `app.kubernetes.io/name=fraud`. */
  list(kind: Kind, selector?: string): Promise<KubeObject[]>;
  /** Null when an object of this name is there already. */
  create(object: KubeObject): Promise<KubeObject | null>;
  /**
   * Server-side apply. `metadata.resourceVersion` is a precondition.
   * @param manager field manager; `mlship` unless given.
   */
  apply(object: KubeObject, manager?: string): Promise<KubeObject>;
  /** As `apply`, taking over fields of other managers: only for objects that mlship made. */
  seize(object: KubeObject, manager?: string): Promise<KubeObject>;
  /** Writes the whole object; its `resourceVersion` is a precondition, and must be there. `kubernetes.stale` when it is gone. */
  replace(object: KubeObject): Promise<KubeObject>;
  /** JSON merge patch. `resourceVersion` in it is a precondition. */
  patch(kind: Kind, name: string, patch: { [key: string]: JsonValue }): Promise<KubeObject>;
  /** Server-side dry run of `apply`: throws what the real one would. */
  rehearse(object: KubeObject): Promise<void>;
  /** Removes in the background, dependents too. False when there was none. */
  remove(kind: Kind, name: string, precondition?: Precondition): Promise<boolean>;
  /** Text of a path below the namespace: `pods/NAME/log?tailLines=20`, `pods/NAME:8080/proxy/metrics`. */
  text(path: string, options?: { body?: string; timeoutMs?: number }): Promise<string>;
  /** Whether the user may do this here. */
  can(verb: string, group: string, resource: string): Promise<boolean>;
  /** The API server's clock, in ms since 1970, as its last answer told it: the only clock that objects are compared with. */
  now(): number;
}

/** A port inside a pod, reachable from this process until closed; broken when the pod goes. */
export interface Tunnel {
  /** Port of 127.0.0.1. */
  readonly port: number;
  /** False once the tunnel broke. A pod that is gone is noticed with the next connection, not before. */
  readonly open: boolean;
  close(): void;
}

/** Opens ways into pods that do not lead over the pod network. */
export interface Tunnels {
  /** @throws MlshipError `kubernetes.tunnel`, exit 5. */
  open(pod: string, port: number): Promise<Tunnel>;
}

/** A cluster as one user reaches it, in one namespace. */
export interface Cluster {
  /** Name of the kubeconfig's context. */
  readonly context: string;
  readonly namespace: string;
  /** Version of the API server: `v1.36.3`. */
  readonly version: string;
  readonly api: Api;
  readonly tunnels: Tunnels;
  /** Milliseconds that never go back. */
  monotonic(): number;
  sleep(ms: number): Promise<void>;
  /** Ends what was started for it. */
  close(): void;
}

/** What the user's kubeconfig knows. */
export interface Kubeconfig {
  /** The context that kubectl uses by itself; null when it has none. */
  current: string | null;
  contexts: { name: string; server: string; namespace: string }[];
}

/** How a revision becomes objects, for one that the cluster has never seen. */
export interface Blueprints {
  /** Null when nobody here knows it. */
  servedBy(revision: Revision): Promise<Served | null>;
}
