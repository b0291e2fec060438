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
