// Questions about objects and how they belong together.
import type { Fact } from "./facts.ts";
import { all, one, podOf, selects, serverOf, templateOf, type Thing } from "./view.ts";

const nameOf = (things: Thing[], kind: string) => one(things, kind).metadata.name;
const every = (things: Thing[], holds: (thing: Thing) => boolean) => things.every(holds);
const added = (kind: string, spec: object) => (things: Thing[]) =>
  things.push({ apiVersion: "v1", kind, metadata: { name: "x", namespace: "ml" }, spec } as unknown as Thing);
const workloads = new Set([
  "Pod",
  "ReplicaSet",
  "Job",
  "CronJob",
  "DaemonSet",
  "StatefulSet",
  "ReplicationController",
]);
const stable = new Set([
  "v1",
  "apps/v1",
  "autoscaling/v2",
  "policy/v1",
  "networking.k8s.io/v1",
  "monitoring.coreos.com/v1",
  "gateway.networking.k8s.io/v1",
]);
const labelsOf = (things: Thing[]) => templateOf(things).metadata.labels;
const noRoles = (things: Thing[]) => every(things, ({ kind }) => !/Role/.test(kind));

export const objectFacts = {
  nameSpace: {
    holds: (things) => every(things, ({ metadata }) => metadata.namespace !== undefined),
    breaks: (things) => delete one(things, "Service").metadata.namespace,
  },
  ownNameSpace: {
    holds: (things) =>
      every(things, ({ metadata }) => !["default", "kube-system", ""].includes(metadata.namespace ?? "")),
    breaks: (things) => (one(things, "Deployment").metadata.namespace = "default"),
  },
  stableVersions: {
    holds: (things) => every(things, ({ apiVersion }) => stable.has(apiVersion)),
    breaks: (things) => (one(things, "Deployment").apiVersion = "extensions/v1beta1"),
  },
  noNakedPods: {
    holds: (things) => every(things, ({ kind }) => !workloads.has(kind)),
    breaks: added("Pod", {}),
  },
  commonLabels: {
    holds: (things) =>
      every(things, ({ metadata }) =>
        ["name", "instance", "component", "managed-by"].every(
          (name) => `app.kubernetes.io/${name}` in (metadata.labels ?? {}),
        ),
      ),
    breaks: (things) => delete one(things, "Service").metadata.labels,
  },
  instanceIsName: {
    holds: (things) => {
      const { name, labels } = one(things, "Deployment").metadata;
      return labels?.["app.kubernetes.io/instance"] === name;
    },
    breaks: (things) => (one(things, "Deployment").metadata.name = "other"),
  },
  selectorMatches: {
    holds: (things) => selects(one(things, "Deployment").spec.selector.matchLabels, labelsOf(things)),
    breaks: (things) => (one(things, "Deployment").spec.selector.matchLabels = { a: "b" }),
  },
  rollingUpdate: {
    holds: (things) => one(things, "Deployment").spec.strategy.type === "RollingUpdate",
    breaks: (things) => (one(things, "Deployment").spec.strategy = { type: "Recreate" }),
  },
  noReplicas: {
    holds: (things) => one(things, "Deployment").spec.replicas === undefined,
    breaks: (things) => (one(things, "Deployment").spec.replicas = 3),
  },
  scalerTarget: {
    holds: (things) => {
      const { kind, name } = one(things, "HorizontalPodAutoscaler").spec.scaleTargetRef;
      return nameOf(things, kind) === name;
    },
    breaks: (things) => (one(things, "HorizontalPodAutoscaler").spec.scaleTargetRef.name = "other"),
  },
  threeReplicas: {
    holds: (things) => one(things, "HorizontalPodAutoscaler").spec.minReplicas >= 3,
    breaks: (things) => (one(things, "HorizontalPodAutoscaler").spec.minReplicas = 1),
  },
  roomToScale: {
    holds: (things) => {
      const { minReplicas, maxReplicas } = one(things, "HorizontalPodAutoscaler").spec;
      return maxReplicas > minReplicas;
    },
    breaks: (things) => (one(things, "HorizontalPodAutoscaler").spec.maxReplicas = 3),
  },
  budget: {
    holds: (things) =>
      selects(all(things, "PodDisruptionBudget")[0]?.spec.selector.matchLabels, labelsOf(things)),
    breaks: (things) => (one(things, "PodDisruptionBudget").kind = "Other"),
  },
  budgetAllowsOne: {
    holds: (things) => (one(things, "PodDisruptionBudget").spec.maxUnavailable ?? 0) >= 1,
    breaks: (things) => (one(things, "PodDisruptionBudget").spec.maxUnavailable = 0),
  },
  budgetBelowLeast: {
    holds: (things) =>
      (one(things, "PodDisruptionBudget").spec.minAvailable ?? 0) <
      one(things, "HorizontalPodAutoscaler").spec.minReplicas,
    breaks: (things) => (one(things, "PodDisruptionBudget").spec.minAvailable = 3),
  },
  budgetEvictsUnhealthy: {
    holds: (things) => one(things, "PodDisruptionBudget").spec.unhealthyPodEvictionPolicy === "AlwaysAllow",
    breaks: (things) => delete one(things, "PodDisruptionBudget").spec.unhealthyPodEvictionPolicy,
  },
  isolated: {
    holds: (things) =>
      selects(all(things, "NetworkPolicy")[0]?.spec.podSelector.matchLabels, labelsOf(things)),
    breaks: (things) => (one(things, "NetworkPolicy").spec.podSelector.matchLabels = { a: "b" }),
  },
  isolatedByOneLabel: {
    holds: (things) => Object.keys(one(things, "NetworkPolicy").spec.podSelector.matchLabels).length === 1,
    breaks: (things) => Object.assign(one(things, "NetworkPolicy").spec.podSelector.matchLabels, { a: "b" }),
  },
  isolatedBothWays: {
    holds: (things) => {
      const { ingress, egress } = one(things, "NetworkPolicy").spec;
      return ingress.length > 0 && egress.length > 0 && !JSON.stringify([ingress, egress]).includes("{}");
    },
    breaks: (things) => (one(things, "NetworkPolicy").spec.egress = [{}]),
  },
  serviceReaches: {
    holds: (things) => selects(one(things, "Service").spec.selector, labelsOf(things)),
    breaks: (things) => (one(things, "Service").spec.selector = { a: "b" }),
  },
  servicePorts: {
    holds: (things) =>
      one(things, "Service").spec.ports.every(({ targetPort }) =>
        (serverOf(things).ports ?? []).some(
          (port) => port.name === targetPort || port.containerPort === targetPort,
        ),
      ),
    breaks: (things) => (one(things, "Service").spec.ports = [{ port: 80, targetPort: "other" }]),
  },
  serviceInside: {
    holds: (things) => one(things, "Service").spec.type === "ClusterIP",
    breaks: (things) => (one(things, "Service").spec.type = "NodePort"),
  },
  noExternalAddress: {
    holds: (things) => one(things, "Service").spec.externalIPs === undefined,
    breaks: (things) => (one(things, "Service").spec.externalIPs = ["1.2.3.4"]),
  },
  accountExists: {
    holds: (things) => nameOf(things, "ServiceAccount") === podOf(things).serviceAccountName,
    breaks: (things) => (podOf(things).serviceAccountName = "other"),
  },
  noAccountToken: {
    holds: (things) => one(things, "ServiceAccount").automountServiceAccountToken === false,
    breaks: (things) => delete one(things, "ServiceAccount").automountServiceAccountToken,
  },
  monitorReaches: {
    holds: (things) =>
      all(things, "PodMonitor").every(({ spec }) => selects(spec.selector.matchLabels, labelsOf(things))),
    breaks: added("PodMonitor", { selector: { matchLabels: { a: "b" } } }),
  },
  routeReaches: {
    holds: (things) =>
      all(things, "HTTPRoute").every(({ spec }) =>
        JSON.stringify(spec).includes(`"backendRefs":[{"name":"${nameOf(things, "Service")}","port":80}]`),
      ),
    breaks: added("HTTPRoute", { rules: [{ backendRefs: [{ name: "other", port: 80 }] }] }),
  },
  noRights: { holds: noRoles, breaks: added("ClusterRole", {}) },
  noIngress: {
    holds: (things) => all(things, "Ingress").length === 0,
    breaks: added("Ingress", {}),
  },
  noSecretData: {
    holds: (things) =>
      all(things, "ConfigMap").every(
        ({ data }) => !/password|token|secret|PRIVATE KEY|AKIA/i.test(JSON.stringify(data ?? {})),
      ),
    breaks: (things) =>
      things.push({ ...one(things, "Service"), kind: "ConfigMap", data: { password: "x" } }),
  },
} satisfies Record<string, Fact>;
