// Kubernetes objects as far as the rules look into them.
import type { KubernetesObject } from "../../../../src/cluster/manifest.ts";

export interface Container {
  name: string;
  image: string;
  imagePullPolicy?: string;
  command?: string[];
  args?: string[];
  ports?: { name?: string; containerPort: number; hostPort?: number }[];
  env?: { name: string; value?: string; valueFrom?: unknown }[];
  envFrom?: unknown[];
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  securityContext?: Record<string, unknown> & { capabilities?: { add?: string[]; drop?: string[] } };
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[];
  livenessProbe?: Probe;
  readinessProbe?: Probe;
  startupProbe?: Probe;
}
export interface Probe {
  httpGet: { path: string; port: string | number };
}
export interface Pod extends Record<string, unknown> {
  containers: Container[];
  initContainers?: Container[];
  securityContext?: Record<string, unknown>;
  volumes?: Record<string, unknown>[];
  serviceAccountName?: string;
  automountServiceAccountToken?: boolean;
}
type Labels = Record<string, string>;
/** Any kind; members that a kind does not have are not looked at there. */
export interface Thing {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Labels; annotations?: Labels };
  automountServiceAccountToken?: boolean;
  data?: Record<string, string>;
  rules?: unknown[];
  spec: Record<string, unknown> & {
    type?: string;
    replicas?: number;
    selector: Labels & { matchLabels?: Labels };
    podSelector: { matchLabels: Labels };
    template: { metadata: { labels: Labels; annotations?: Labels }; spec: Pod };
    strategy: { type: string; rollingUpdate?: { maxUnavailable: number | string } };
    ports: { port: number; targetPort: string | number }[];
    scaleTargetRef: { kind: string; name: string };
    minReplicas: number;
    maxReplicas: number;
    minAvailable?: number;
    maxUnavailable?: number;
    unhealthyPodEvictionPolicy?: string;
    ingress: unknown[];
    egress: unknown[];
    externalIPs?: string[];
  };
}

/** The objects for reading and breaking: a copy, all of it. */
export function viewOf(objects: readonly KubernetesObject[]): Thing[] {
  return structuredClone(objects) as unknown as Thing[];
}

/** The one object of a kind. */
export function one(things: readonly Thing[], kind: string): Thing {
  const [found, ...more] = things.filter((thing) => thing.kind === kind);
  if (found === undefined || more.length > 0) throw new Error(`not one ${kind}`);
  return found;
}
export const all = (things: readonly Thing[], kind: string) => things.filter((thing) => thing.kind === kind);
export const templateOf = (things: readonly Thing[]) => one(things, "Deployment").spec.template;
export const podOf = (things: readonly Thing[]) => templateOf(things).spec;
export const containersOf = (things: readonly Thing[]) => [
  ...(podOf(things).initContainers ?? []),
  ...podOf(things).containers,
];
/** The container that serves. */
export function serverOf(things: readonly Thing[]): Container {
  const [server] = podOf(things).containers;
  if (server === undefined) throw new Error("no container");
  return server;
}
export const selects = (selector: Labels | undefined, labels: Labels | undefined) =>
  selector !== undefined &&
  Object.keys(selector).length > 0 &&
  Object.entries(selector).every(([name, value]) => labels?.[name] === value);
