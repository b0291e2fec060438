// Which lists of which kinds are merged by a key: the `patchMergeKey`s of the Kubernetes API.

/**
 * How a field is merged. A list without `key` and `union` is replaced as a whole; a map is merged
 * unless it is `replaced`.
 */
export interface Shape {
  /** Elements of the list with an equal value here are the same element. */
  key?: string;
  /** A list of plain values: new ones are added. */
  union?: true;
  /** A map that is replaced as a whole. */
  replaced?: true;
  /** Fields of the map, or of the list's elements. */
  fields?: Readonly<Record<string, Shape>>;
}

/** What is not listed: maps are merged, lists replaced. */
export const plain: Shape = {};

const container: Readonly<Record<string, Shape>> = {
  env: { key: "name" },
  ports: { key: "containerPort" },
  volumeMounts: { key: "mountPath" },
  volumeDevices: { key: "devicePath" },
};

const metadata: Shape = {
  fields: { finalizers: { union: true }, ownerReferences: { key: "uid" } },
};

const pod: Shape = {
  fields: {
    containers: { key: "name", fields: container },
    initContainers: { key: "name", fields: container },
    ephemeralContainers: { key: "name", fields: container },
    volumes: { key: "name" },
    imagePullSecrets: { key: "name" },
    hostAliases: { key: "ip" },
    resourceClaims: { key: "name" },
    schedulingGates: { key: "name" },
    topologySpreadConstraints: { key: "topologyKey" },
  },
};

const spec = (fields: Readonly<Record<string, Shape>>): Shape => ({
  fields: { metadata, spec: { fields } },
});

/**
 * By kind, from the struct tags of k8s.io/api v0.36. Kinds of the API's extensions have none: the
 * API server replaces their lists.
 */
const shapes: Readonly<Record<string, Shape>> = {
  Deployment: spec({ template: { fields: { metadata, spec: pod } } }),
  Service: spec({ ports: { key: "port" } }),
  ServiceAccount: { fields: { metadata, secrets: { key: "name" } } },
  PodDisruptionBudget: spec({ selector: { replaced: true } }),
};

/** How objects of a kind are merged. */
export function shapeOf(kind: string): Shape {
  return Object.hasOwn(shapes, kind) ? (shapes[kind] ?? plain) : { fields: { metadata } };
}
