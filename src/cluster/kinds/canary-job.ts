// The Job whose pods try a revision out. Kubernetes itself ends them when nobody raises its deadline: the fuse.
import type { JsonValue } from "../../config/kubernetes-keys.ts";
import { MlshipError } from "../../errors.ts";
import type { JsonObject, KubernetesObject } from "../manifest.ts";
import {
  canaryName,
  noInstance,
  revisionMetadata,
  revisionLabels,
  roleLabel,
  trafficLabel,
} from "../names.ts";
import type { Served } from "../served.ts";

/**
 * More pods than a canary will ever end: one that ends well, because its node was drained, is made
 * anew, and does not complete the Job.
 */
const completions = 1_000_000;

/** How many pods a canary has, and how long they live unless the deadline is raised. */
export interface CanarySize {
  pods: number;
  /** After the Job's start. */
  deadlineSeconds: number;
}

/**
 * The canary Job of a revision, made of the pod template of its Deployment, patches included: what is
 * tried is what will run. Its pods have labels of their own, so that no Deployment, autoscaler or
 * disruption budget of the full set ever counts them.
 * @param deployment with the patches of mlship.yaml
 * @throws MlshipError `deploy.patch-invalid`, exit 2, when a patch left no pod template
 */
export function canaryJob(
  served: Served,
  deployment: KubernetesObject,
  { pods, deadlineSeconds }: CanarySize,
): KubernetesObject {
  const name = canaryName(served.revision);
  const template = mapOf(mapOf(deployment["spec"])["template"]);
  const { metadata, spec } = { metadata: mapOf(template["metadata"]), spec: mapOf(template["spec"]) };
  const own = {
    ...revisionLabels(served),
    "app.kubernetes.io/instance": name,
    [roleLabel]: "canary",
  };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { ...revisionMetadata(served), name, labels: own },
    spec: {
      parallelism: pods,
      completions,
      // A pod that fails again and again is judged by mlship, which tells why; this ends it when nobody looks.
      backoffLimit: 6,
      activeDeadlineSeconds: deadlineSeconds,
      template: {
        metadata: {
          ...metadata,
          labels: { ...mapOf(metadata["labels"]), ...own, [trafficLabel]: noInstance },
        },
        spec: { ...mapOf(renamed(spec, served.revision, name)), restartPolicy: "OnFailure" },
      },
    },
  };
}

/** The pod's own rules about its fellows mean the canary's. */
function renamed(value: JsonValue, from: string, to: string): JsonValue {
  if (Array.isArray(value)) return value.map((element) => renamed(element, from, to));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      key === "app.kubernetes.io/instance" && member === from ? to : renamed(member, from, to),
    ]),
  );
}

function mapOf(value: JsonValue | undefined): JsonObject {
  if (value === undefined) return {};
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new MlshipError({
    code: "deploy.patch-invalid",
    what: "a patch of mlship.yaml leaves the Deployment without a pod template",
    why: "the canary's pods are made from it",
    fix: "correct deploy.patches in mlship.yaml; mlship generate shows the Deployment with it",
    exit: "usage",
  });
}
