// The router's objects: two HAProxy pods in front of stable and canary, and what they need.
import { canonicalJson, digestBytes } from "../../digest.ts";
import { lifecycleOf } from "../pod/lifecycle.ts";
import type { JsonObject, KubernetesObject, Manifest } from "../manifest.ts";
import { derivedName, modelSelector, namesOf } from "../names.ts";
import type { Placement } from "../pod/placement.ts";
import { containerSecurity, podSecurity } from "../pod/security.ts";
import { containerPort, type Served } from "../served.ts";
import {
  haproxyConfig,
  routerDrain,
  routerLivePath,
  routerPorts,
  routerReadyPath,
  type RouterAddresses,
} from "./haproxy-config.ts";
import { routerFolder, shareFile, shareText } from "./share.ts";

const file = "haproxy.cfg";
/** Two, on two nodes where there are two: one may go, and one still answers. */
const routers = 2;
/** Time for the kubelet to notice the end. */
const marginSeconds = 5;

/** What a router is made of beside the release. */
export interface RouterParts extends RouterAddresses {
  /** Reference of the image, with its digest. */
  image: string;
}

/**
 * The router's objects in an order that they can be applied in. The ConfigMap is named after its
 * content: another configuration is a rolling update, and the router never runs with half of one.
 * @throws MlshipError exit 2: `cluster.router-address`, `cluster.router-word`.
 */
export function routerObjects(served: Served, parts: RouterParts, placement: Placement): Manifest[] {
  const files = { [file]: haproxyConfig(served, parts), [shareFile]: shareText };
  const mark = digestBytes(canonicalJson(files)).slice("sha256:".length, "sha256:".length + 8);
  const configName = derivedName(namesOf(served.name).users, `router-${mark}`);
  return [
    account(served),
    networkPolicy(served),
    configMap(served, configName, files),
    deployment(served, pod(served, configName, parts.image, placement)),
    disruptionBudget(served),
  ].map((manifest) => ({ ...manifest, patchedByName: true }));
}

/** Label that the router's pods have, and nothing else of the model. */
export function routerSelector({ name }: Served): Record<string, string> {
  return { "app.kubernetes.io/name": namesOf(name).router };
}

function metadata(served: Served, name = namesOf(served.name).router): KubernetesObject["metadata"] {
  return { name, namespace: served.deploy.namespace, labels: labels(served) };
}

function labels(served: Served): JsonObject {
  return {
    ...routerSelector(served),
    "app.kubernetes.io/instance": namesOf(served.name).router,
    "app.kubernetes.io/component": "router",
    "app.kubernetes.io/part-of": served.name,
    "app.kubernetes.io/managed-by": "mlship",
  };
}

function account(served: Served): Manifest {
  return {
    file: "router-service-account.yaml",
    about: ["The routers' own account. It has no rights and its token is not mounted."],
    object: {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: metadata(served),
      automountServiceAccountToken: false,
    },
  };
}

function networkPolicy(served: Served): Manifest {
  const ports = [routerPorts.users, routerPorts.health].map((port) => ({ protocol: "TCP", port }));
  return {
    file: "router-network-policy.yaml",
    about: [
      "In come users' requests and the kubelet's question, out go requests to the model's pods and nothing else: the router knows its Services by address, so it does not ask the DNS.",
      "The runtime API, which sets the share, listens inside the pod only.",
    ],
    object: {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: metadata(served),
      spec: {
        podSelector: { matchLabels: routerSelector(served) },
        policyTypes: ["Ingress", "Egress"],
        ingress: [{ ports }],
        egress: [
          {
            to: [{ podSelector: { matchLabels: modelSelector(served) } }],
            ports: [{ protocol: "TCP", port: containerPort }],
          },
        ],
      },
    },
  };
}

function configMap(served: Served, name: string, data: Record<string, string>): Manifest {
  return {
    file: "router-config.yaml",
    about: ["The router's configuration, named after its content. The canary has no share in it."],
    object: {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: metadata(served, name),
      immutable: true,
      data,
    },
  };
}

function deployment(served: Served, spec: JsonObject): Manifest {
  return {
    file: "router-deployment.yaml",
    about: [
      "Two routers in front of the model. One that starts sends nothing to a canary: the share is set in its memory, by mlship, and is gone when it ends.",
      "A router that ends answers on while proxies still send it requests, then each open connection's next request, and closes.",
    ],
    object: {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: metadata(served),
      spec: {
        replicas: routers,
        selector: { matchLabels: routerSelector(served) },
        revisionHistoryLimit: 2,
        minReadySeconds: 5,
        progressDeadlineSeconds: 300,
        strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        template: { metadata: { labels: labels(served) }, spec },
      },
    },
  };
}

function pod(
  served: Served,
  configName: string,
  image: string,
  { placed, countsStorage }: Placement,
): JsonObject {
  const { sleep } = lifecycleOf(served);
  const labelSelector = { matchLabels: routerSelector(served) };
  return {
    ...placed,
    serviceAccountName: namesOf(served.name).router,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: sleep + routerDrain(served) + marginSeconds,
    securityContext: podSecurity,
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 100, podAffinityTerm: { topologyKey: "kubernetes.io/hostname", labelSelector } },
        ],
      },
    },
    topologySpreadConstraints: [
      {
        topologyKey: "topology.kubernetes.io/zone",
        maxSkew: 1,
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector,
      },
    ],
    containers: [router(image, sleep, countsStorage)],
    volumes: [{ name: "config", configMap: { name: configName, defaultMode: 0o444 } }],
  };
}

function router(image: string, sleep: number, countsStorage: boolean): JsonObject {
  // 1000 connections with two buffers of 64 KiB each, and HAProxy itself.
  const given = { memory: "256Mi", ...(countsStorage ? { "ephemeral-storage": "192Mi" } : {}) };
  const ask = (path: string) => ({ httpGet: { path, port: "health" }, timeoutSeconds: 2 });
  return {
    name: "router",
    image,
    imagePullPolicy: "Always",
    command: ["haproxy", "-db", "-f", `${routerFolder}/${file}`],
    ports: [
      { name: "http", containerPort: routerPorts.users, protocol: "TCP" },
      { name: "health", containerPort: routerPorts.health, protocol: "TCP" },
    ],
    startupProbe: { ...ask(routerReadyPath), periodSeconds: 1, failureThreshold: 30 },
    livenessProbe: { ...ask(routerLivePath), periodSeconds: 10, failureThreshold: 3 },
    readinessProbe: { ...ask(routerReadyPath), periodSeconds: 2, failureThreshold: 2 },
    lifecycle: { preStop: { sleep: { seconds: sleep } } },
    // What it needs is little; what it may take in a burst of requests is not.
    resources: { requests: { cpu: "100m", ...given }, limits: { cpu: "1", ...given } },
    securityContext: containerSecurity,
    volumeMounts: [{ name: "config", mountPath: routerFolder, readOnly: true }],
  };
}

function disruptionBudget(served: Served): Manifest {
  return {
    file: "router-disruption-budget.yaml",
    about: ["One router at a time is taken away when nodes are drained."],
    object: {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: metadata(served),
      spec: {
        maxUnavailable: 1,
        unhealthyPodEvictionPolicy: "AlwaysAllow",
        selector: { matchLabels: routerSelector(served) },
      },
    },
  };
}
