// Strategic merge patches and what they make; kubectl is asked about the same in test/e2e.
import type { JsonObject } from "../../../src/cluster/manifest.ts";

export interface MergeCase {
  name: string;
  kind: string;
  original: JsonObject;
  patch: JsonObject;
  merged: JsonObject;
}

const container = (name: string, more: JsonObject = {}): JsonObject => ({
  name,
  image: `${name}:1`,
  ...more,
});
const deployment = (pod: JsonObject): JsonObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "a", labels: { one: "1", two: "2" } },
  spec: {
    selector: { matchLabels: { one: "1" } },
    template: { metadata: { labels: { one: "1" } }, spec: pod },
  },
});
const podPatch = (spec: JsonObject): JsonObject => ({ spec: { template: { spec } } });
const inPod = (name: string, before: JsonObject, patch: JsonObject, after: JsonObject): MergeCase => ({
  name,
  kind: "Deployment",
  original: deployment(before),
  patch: podPatch(patch),
  merged: deployment(after),
});

const a = container("a");
const b = container("b");
const env = (...names: string[]) => names.map((name) => ({ name, value: `${name}1` }));

export const mergeCases: MergeCase[] = [
  inPod(
    "merges a container by name",
    { containers: [a, b] },
    { containers: [{ name: "b", image: "b:2" }] },
    { containers: [a, { name: "b", image: "b:2" }] },
  ),
  inPod("puts a new container first", { containers: [a] }, { containers: [b] }, { containers: [b, a] }),
  inPod(
    "keeps the order of the patch",
    { containers: [a, b, container("c")] },
    { containers: [{ name: "c" }, { name: "a" }] },
    { containers: [b, container("c"), a] },
  ),
  inPod(
    "removes a container",
    { containers: [a, b] },
    { containers: [{ name: "a", $patch: "delete" }] },
    { containers: [b] },
  ),
  inPod(
    "replaces all containers",
    { containers: [a, b] },
    { containers: [{ $patch: "replace" }, container("c")] },
    { containers: [container("c")] },
  ),
  inPod(
    "merges variables by name",
    { containers: [container("a", { env: env("X", "Y") })] },
    { containers: [{ name: "a", env: [{ name: "Y", value: "2" }] }] },
    { containers: [container("a", { env: [...env("X"), { name: "Y", value: "2" }] })] },
  ),
  inPod(
    "merges ports by number",
    { containers: [container("a", { ports: [{ name: "http", containerPort: 80 }] })] },
    { containers: [{ name: "a", ports: [{ containerPort: 80, name: "web" }, { containerPort: 81 }] }] },
    { containers: [container("a", { ports: [{ name: "web", containerPort: 80 }, { containerPort: 81 }] })] },
  ),
  inPod(
    "merges mounts by path",
    { containers: [container("a", { volumeMounts: [{ name: "v", mountPath: "/v" }] })] },
    { containers: [{ name: "a", volumeMounts: [{ mountPath: "/v", name: "w" }] }] },
    { containers: [container("a", { volumeMounts: [{ name: "w", mountPath: "/v" }] })] },
  ),
  inPod(
    "replaces a list that has no key",
    { containers: [container("a", { args: ["1", "2"] })], tolerations: [{ key: "x", operator: "Exists" }] },
    { containers: [{ name: "a", args: ["3"] }], tolerations: [{ key: "y", operator: "Exists" }] },
    { containers: [container("a", { args: ["3"] })], tolerations: [{ key: "y", operator: "Exists" }] },
  ),
  inPod(
    "merges volumes by name, what is left of the old source with it",
    { containers: [a], volumes: [{ name: "v", emptyDir: { sizeLimit: "1Mi" } }] },
    {
      volumes: [
        { name: "v", emptyDir: { medium: "Memory" } },
        { name: "w", emptyDir: {} },
      ],
    },
    {
      containers: [a],
      volumes: [
        { name: "v", emptyDir: { sizeLimit: "1Mi", medium: "Memory" } },
        { name: "w", emptyDir: {} },
      ],
    },
  ),
  inPod(
    "keeps only the keys of a volume that are to be retained",
    { containers: [a], volumes: [{ name: "v", emptyDir: { sizeLimit: "1Mi" } }] },
    { volumes: [{ name: "v", $retainKeys: ["name", "configMap"], configMap: { name: "c" } }] },
    { containers: [a], volumes: [{ name: "v", configMap: { name: "c" } }] },
  ),
  inPod(
    "replaces a map",
    { containers: [a], nodeSelector: { x: "1", y: "2" } },
    { nodeSelector: { $patch: "replace", z: "3" } },
    { containers: [a], nodeSelector: { z: "3" } },
  ),
  inPod(
    "removes a member",
    { containers: [a], nodeSelector: { x: "1", y: "2" } },
    { nodeSelector: { x: null } },
    { containers: [a], nodeSelector: { y: "2" } },
  ),
  inPod(
    "merges spread constraints by topology",
    {
      containers: [a],
      topologySpreadConstraints: [{ topologyKey: "zone", maxSkew: 1, whenUnsatisfiable: "ScheduleAnyway" }],
    },
    { topologySpreadConstraints: [{ topologyKey: "zone", maxSkew: 2 }] },
    {
      containers: [a],
      topologySpreadConstraints: [{ topologyKey: "zone", maxSkew: 2, whenUnsatisfiable: "ScheduleAnyway" }],
    },
  ),
  inPod(
    "merges init containers and pull secrets by name",
    { containers: [a], initContainers: [b], imagePullSecrets: [{ name: "one" }] },
    { initContainers: [{ name: "b", image: "b:2" }], imagePullSecrets: [{ name: "two" }] },
    {
      containers: [a],
      initContainers: [{ name: "b", image: "b:2" }],
      imagePullSecrets: [{ name: "two" }, { name: "one" }],
    },
  ),
  {
    name: "merges labels and adds finalizers",
    kind: "Service",
    original: {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "a", labels: { one: "1", two: "2" }, finalizers: ["a/x"] },
      spec: { ports: [{ name: "http", port: 80, targetPort: "http" }] },
    },
    patch: {
      metadata: { labels: { two: null, three: "3" }, finalizers: ["a/x"] },
      spec: { ports: [{ port: 80, targetPort: 8080 }] },
    },
    merged: {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "a", labels: { one: "1", three: "3" }, finalizers: ["a/x"] },
      spec: { ports: [{ name: "http", port: 80, targetPort: 8080 }] },
    },
  },
  {
    name: "replaces the selector of a disruption budget",
    kind: "PodDisruptionBudget",
    original: {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: "a" },
      spec: { maxUnavailable: 1, selector: { matchLabels: { one: "1" } } },
    },
    patch: { spec: { selector: { matchLabels: { two: "2" } } } },
    merged: {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: "a" },
      spec: { maxUnavailable: 1, selector: { matchLabels: { two: "2" } } },
    },
  },
  {
    name: "replaces the lists of a network policy",
    kind: "NetworkPolicy",
    original: {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { name: "a" },
      spec: { podSelector: {}, egress: [{ ports: [{ port: 53 }] }] },
    },
    patch: { spec: { egress: [{ ports: [{ port: 443 }] }] } },
    merged: {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { name: "a" },
      spec: { podSelector: {}, egress: [{ ports: [{ port: 443 }] }] },
    },
  },
];
