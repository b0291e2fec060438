// The kinds of objects that mlship writes, as values.
import type { Kind, KubeObject } from "./ports.ts";

const kinds: Record<Kind, true> = {
  ConfigMap: true,
  Deployment: true,
  Endpoints: true,
  Event: true,
  HorizontalPodAutoscaler: true,
  HTTPRoute: true,
  Job: true,
  Lease: true,
  LimitRange: true,
  Namespace: true,
  NetworkPolicy: true,
  Pod: true,
  PodDisruptionBudget: true,
  PodMonitor: true,
  ReplicaSet: true,
  ResourceQuota: true,
  Role: true,
  RoleBinding: true,
  Service: true,
  ServiceAccount: true,
};

function isKind(kind: string): kind is Kind {
  return Object.hasOwn(kinds, kind);
}

/**
 * Kind and name of an object that mlship writes.
 * @throws TypeError for a kind that it does not know
 */
export function identityOf({ kind, metadata }: KubeObject): { kind: Kind; name: string } {
  if (isKind(kind)) return { kind, name: metadata.name };
  throw new TypeError(`mlship does not write objects of kind ${kind}`);
}
