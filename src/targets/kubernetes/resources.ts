// Where the API server keeps objects of each kind: API group, version, and the resource's name.
import type { Kind } from "./ports.ts";

/** How a kind is addressed. */
export interface Resource {
  /** API group; empty for the core group. */
  group: string;
  version: string;
  /** As in paths and in Roles: `deployments`. */
  plural: string;
  isNamespaced: boolean;
}

function core(plural: string): Resource {
  return { group: "", version: "v1", plural, isNamespaced: true };
}

function grouped(group: string, version: string, plural: string): Resource {
  return { group, version, plural, isNamespaced: true };
}

/** Every kind that mlship reads or writes. */
export const resources: Readonly<Record<Kind, Resource>> = {
  ConfigMap: core("configmaps"),
  Deployment: grouped("apps", "v1", "deployments"),
  Endpoints: core("endpoints"),
  Event: core("events"),
  HorizontalPodAutoscaler: grouped("autoscaling", "v2", "horizontalpodautoscalers"),
  HTTPRoute: grouped("gateway.networking.k8s.io", "v1", "httproutes"),
  Job: grouped("batch", "v1", "jobs"),
  Lease: grouped("coordination.k8s.io", "v1", "leases"),
  LimitRange: core("limitranges"),
  Namespace: { ...core("namespaces"), isNamespaced: false },
  NetworkPolicy: grouped("networking.k8s.io", "v1", "networkpolicies"),
  Pod: core("pods"),
  PodDisruptionBudget: grouped("policy", "v1", "poddisruptionbudgets"),
  PodMonitor: grouped("monitoring.coreos.com", "v1", "podmonitors"),
  ReplicaSet: grouped("apps", "v1", "replicasets"),
  ResourceQuota: core("resourcequotas"),
  Role: grouped("rbac.authorization.k8s.io", "v1", "roles"),
  RoleBinding: grouped("rbac.authorization.k8s.io", "v1", "rolebindings"),
  Service: core("services"),
  ServiceAccount: core("serviceaccounts"),
};

/** Whether mlship knows a kind. */
export function isKind(kind: string): kind is Kind {
  return Object.hasOwn(resources, kind);
}

/** `apps/v1`, or `v1` for the core group. */
export function apiVersionOf({ group, version }: Resource): string {
  return group === "" ? version : `${group}/${version}`;
}

/** Path of the collection that objects of a kind are in. */
export function pathOf(kind: Kind, namespace: string): string {
  const { group, version, plural, isNamespaced } = resources[kind];
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  return isNamespaced ? `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}` : `${root}/${plural}`;
}
