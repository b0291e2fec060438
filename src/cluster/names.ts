// Names and labels of the objects, within Kubernetes' limits.
import { digestBytes } from "../digest.ts";
import type { JsonObject, KubernetesObject } from "./manifest.ts";
import type { Served } from "./served.ts";

/** Longest DNS label (RFC 1035), and longest value of a label. */
const longest = 63;

/**
 * Name of the objects that stay when a version is replaced. A Service's name must start with a
 * letter (RFC 1035), which a model's need not.
 */
export function stableName(name: string): string {
  if (/^[a-z]/.test(name)) return name;
  if (name.length + 2 <= longest) return `m-${name}`;
  const mark = digestBytes(name).slice("sha256:".length, "sha256:".length + 6);
  return `m-${name.slice(0, longest - 9).replaceAll(/-+$/g, "")}-${mark}`;
}

/**
 * Name of an object that belongs to another one: `fraud` and `canary` give `fraud-canary`. One that
 * would be too long is cut and told apart by a digest of the whole.
 */
export function derivedName(base: string, part: string): string {
  const whole = `${base}-${part}`;
  if (whole.length <= longest) return whole;
  const mark = digestBytes(whole).slice("sha256:".length, "sha256:".length + 6);
  const room = longest - part.length - mark.length - 2;
  return `${base.slice(0, room).replaceAll(/-+$/g, "")}-${mark}-${part}`;
}

/** Objects of a model that stay from version to version, by what they are for. */
export function namesOf(name: string): {
  /** Service that users send to; also the model's ServiceAccount, NetworkPolicy, PodMonitor, HTTPRoute. */
  users: string;
  /** Service of the stable revision: its selector is the truth about which one that is. */
  stable: string;
  /** Service of the canary's pods. */
  canary: string;
  /** Deployment, disruption budget, NetworkPolicy and ServiceAccount of the router. */
  router: string;
  /** Lease that is the lock, and ConfigMap that is the record. */
  rollout: string;
  /** ConfigMap of what a person asks of the driver. */
  wish: string;
  /** Job, ServiceAccount, Role and RoleBinding that watch the lock where a Gateway splits. */
  guardian: string;
} {
  const users = stableName(name);
  return {
    users,
    stable: derivedName(users, "stable"),
    canary: derivedName(users, "canary"),
    router: derivedName(users, "router"),
    rollout: derivedName(users, "rollout"),
    wish: derivedName(users, "wish"),
    guardian: derivedName(users, "guardian"),
  };
}

/** Name of the Job whose pods try a revision out, and their value of `app.kubernetes.io/instance`. */
export function canaryName(revision: string): string {
  return derivedName(revision, "canary");
}

/** Name of the ConfigMap that says how a revision becomes objects. */
export function servedName(revision: string): string {
  return derivedName(revision, "served");
}

/** Instance in the selector of a Service that is to reach nothing; no revision is called this. */
export const noInstance = "none";

/** Says of a pod which revision's traffic it takes part in, where the split is `replicas`. */
export const trafficLabel = "mlship.dev/traffic";

/** Annotation of `S-stable`: the revision that was stable before, and is warm still. */
export const previousAnnotation = "mlship.dev/previous";

/** Annotation of the users' Service: the channel that it belongs to. */
export const channelAnnotation = "mlship.dev/channel";

/** Label of pods that try a revision out: `canary`. */
export const roleLabel = "mlship.dev/role";

/** Selects every object of a model, as kubectl takes it: what mlship made and may remove. */
export function ownedSelector(name: string): string {
  return `app.kubernetes.io/managed-by=mlship,app.kubernetes.io/name in (${name},${namesOf(name).router})`;
}

/**
 * Selector of `S-stable`, `S-canary` and, where a Gateway splits, of the users' Service.
 * @param instance a revision, a {@link canaryName}, or {@link noInstance}
 */
export function instanceSelector(name: string, instance: string): Record<string, string> {
  return { "app.kubernetes.io/name": name, "app.kubernetes.io/instance": instance };
}

/**
 * Selector of the users' Service where the split is `replicas`. Pods of a full set are born with
 * their own revision as {@link trafficLabel}, those of a canary with {@link noInstance}: changed on a
 * live canary pod to the stable revision, it joins. So promotion is one write to the Service here
 * too, and pods that an autoscaler adds are always on the right side.
 */
export function trafficSelector(name: string, revision: string): Record<string, string> {
  // Without a stable revision nobody answers: not a canary's pods either, which have `none`.
  const taking = revision === noInstance ? "nobody" : revision;
  return { "app.kubernetes.io/name": name, [trafficLabel]: taking };
}

/** A version as the value of a label: at most 63 characters that end in a letter or digit. */
export function versionLabel(version: string): string {
  if (version.length <= longest) return version;
  const mark = digestBytes(version).slice("sha256:".length, "sha256:".length + 6);
  return `${version.slice(0, longest - 7).replaceAll(/[^A-Za-z0-9]+$/g, "")}-${mark}`;
}

/** The label that every pod of the model has, whatever its revision. */
export function modelSelector({ name }: Served): JsonObject {
  return { "app.kubernetes.io/name": name };
}

/** The label that the pods of this revision alone have. */
export function revisionSelector({ revision }: Served): JsonObject {
  return { "app.kubernetes.io/instance": revision };
}

/** Labels of the revision's objects and of its pods. */
export function revisionLabels(served: Served): JsonObject {
  return {
    ...modelSelector(served),
    ...revisionSelector(served),
    "app.kubernetes.io/version": versionLabel(served.version),
    "app.kubernetes.io/component": "model-server",
    "app.kubernetes.io/managed-by": "mlship",
  };
}

/** Digests of what the image was built from, for people and for tools that check. */
export function evidenceAnnotations({ evidence }: Served): JsonObject {
  return {
    "mlship.dev/plan": evidence.plan,
    "mlship.dev/model": evidence.model,
    "mlship.dev/lock": evidence.lock,
    "mlship.dev/report": evidence.report,
  };
}

/** Metadata of an object that belongs to one revision. */
export function revisionMetadata(served: Served): KubernetesObject["metadata"] {
  return {
    name: served.revision,
    namespace: served.deploy.namespace,
    labels: revisionLabels(served),
    annotations: evidenceAnnotations(served),
  };
}

/** Metadata of an object that all revisions share. */
export function stableMetadata(served: Served): KubernetesObject["metadata"] {
  const name = stableName(served.name);
  return {
    name,
    namespace: served.deploy.namespace,
    labels: {
      ...modelSelector(served),
      "app.kubernetes.io/instance": name,
      "app.kubernetes.io/component": "model-server",
      "app.kubernetes.io/managed-by": "mlship",
    },
  };
}
