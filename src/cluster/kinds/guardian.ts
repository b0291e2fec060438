// The guardian: a Job beside a canary behind a Gateway that takes traffic off it when nobody drives the rollout any more.
import type { JsonObject, KubernetesObject } from "../manifest.ts";
import { namesOf } from "../names.ts";
import { containerSecurity, podSecurity } from "../pod/security.ts";

/** Port on which the guardian says that it sees the API server. */
const readinessPort = 8080;

/** What a guardian watches, and with what. */
export interface Guarded {
  /** Name of the model. */
  name: string;
  namespace: string;
  /** The canary's Job. */
  job: string;
  /** HTTPRoutes that may be lent. */
  routes: readonly string[];
  /** Image of the model's server: its guardian is in it. */
  image: string;
  /** What pods of this cluster need that is no matter of the model: pull secrets, tolerations, node selector. */
  placed: JsonObject;
  /** Whether pods here may ask for local storage. */
  countsStorage: boolean;
}

/**
 * ServiceAccount, Role, RoleBinding and Job, in an order that they can be made in. The Role names every
 * object that it lets read or write; only Events, which have no names beforehand, are left open.
 */
export function guardianObjects(guarded: Guarded): KubernetesObject[] {
  const { guardian } = namesOf(guarded.name);
  const metadata = metadataOf(guarded);
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata, automountServiceAccountToken: false },
    { apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata, rules: rulesOf(guarded) },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: guardian },
      subjects: [{ kind: "ServiceAccount", name: guardian, namespace: guarded.namespace }],
    },
    { apiVersion: "batch/v1", kind: "Job", metadata, spec: jobOf(guarded) },
  ];
}

function metadataOf({ name, namespace }: Guarded): KubernetesObject["metadata"] {
  const { guardian } = namesOf(name);
  const labels = {
    "app.kubernetes.io/name": name,
    "app.kubernetes.io/instance": guardian,
    "app.kubernetes.io/component": "guardian",
    "app.kubernetes.io/managed-by": "mlship",
  };
  return { name: guardian, namespace, labels };
}

function rulesOf({ name, job, routes }: Guarded): JsonObject[] {
  const { users, stable, rollout } = namesOf(name);
  return [
    rule("coordination.k8s.io", "leases", [rollout], ["get", "update"]),
    rule("gateway.networking.k8s.io", "httproutes", routes, ["get", "update"]),
    rule("", "services", [users, stable], ["get", "update"]),
    rule("batch", "jobs", [job], ["get", "delete"]),
    { apiGroups: [""], resources: ["events"], verbs: ["create"] },
  ];
}

function rule(group: string, resource: string, names: readonly string[], verbs: string[]): JsonObject {
  return { apiGroups: [group], resources: [resource], resourceNames: [...names], verbs };
}

function jobOf(guarded: Guarded): JsonObject {
  const { guardian } = namesOf(guarded.name);
  const labels = {
    // Not the model's name: its NetworkPolicy would keep the guardian from the API server.
    "app.kubernetes.io/name": guardian,
    "app.kubernetes.io/instance": guardian,
    "app.kubernetes.io/component": "guardian",
    "app.kubernetes.io/managed-by": "mlship",
  };
  return {
    // One that is evicted or killed is started again, as often as that happens.
    backoffLimit: 1000,
    template: {
      metadata: { labels },
      spec: {
        ...guarded.placed,
        serviceAccountName: guardian,
        automountServiceAccountToken: true,
        enableServiceLinks: false,
        restartPolicy: "OnFailure",
        terminationGracePeriodSeconds: 5,
        securityContext: podSecurity,
        containers: [containerOf(guarded)],
      },
    },
  };
}

function containerOf({ name, job, routes, image, countsStorage }: Guarded): JsonObject {
  const { users, stable, canary, rollout } = namesOf(name);
  const options = { lease: rollout, service: users, stable, canary, job, port: String(readinessPort) };
  const storage = countsStorage ? { "ephemeral-storage": "64Mi" } : {};
  return {
    name: "guardian",
    image,
    imagePullPolicy: "Always",
    command: ["python3", "-m", "mlship_server", "guard"],
    args: [
      ...Object.entries(options).map(([option, value]) => `--${option}=${value}`),
      ...routes.map((route) => `--route=${route}`),
    ],
    ports: [{ name: "ready", containerPort: readinessPort, protocol: "TCP" }],
    // Ready means that it sees the Lease: no traffic is sent to a canary before.
    readinessProbe: {
      httpGet: { path: "/ready", port: "ready" },
      periodSeconds: 2,
      timeoutSeconds: 2,
      failureThreshold: 5,
    },
    resources: {
      requests: { cpu: "20m", memory: "64Mi", ...storage },
      limits: { cpu: "200m", memory: "64Mi", ...storage },
    },
    securityContext: containerSecurity,
  };
}
