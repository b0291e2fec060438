// The Deployment: the servers of one revision.
import { deliveryOf } from "../pod/delivery.ts";
import { lifecycleOf, type Lifecycle } from "../pod/lifecycle.ts";
import type { JsonObject, Manifest } from "../manifest.ts";
import {
  evidenceAnnotations,
  revisionLabels,
  revisionMetadata,
  revisionSelector,
  stableName,
  trafficLabel,
} from "../names.ts";
import { probes } from "../pod/probes.ts";
import { resources, temporarySpace } from "../pod/resources.ts";
import { containerSecurity, podSecurity } from "../pod/security.ts";
import { containerPort, modelFolder, type Served } from "../served.ts";

/** The Deployment of a revision. It has no `replicas`: the autoscaler owns that number. */
export function deployment(served: Served): Manifest {
  const { minReady, progressDeadline } = lifecycleOf(served);
  return {
    file: "deployment.yaml",
    about: [
      "The servers of this revision. Each release has a Deployment of its own, so that the old one keeps running until the new one has proved itself.",
      "There is no replicas field: the autoscaler owns the number, and applying this file again must not reset it.",
      "A pod is replaced only after its successor has been ready for a while: maxUnavailable 0, maxSurge 1, minReadySeconds.",
      "A pod that ends sleeps first, until no proxy sends it requests any more, then answers what it has (--drain-seconds). The grace period covers both and the longest request.",
      "Requests equal limits, so that a server has what it was measured with whatever its neighbours do.",
    ],
    object: {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: revisionMetadata(served),
      spec: {
        selector: { matchLabels: revisionSelector(served) },
        revisionHistoryLimit: 2,
        minReadySeconds: minReady,
        progressDeadlineSeconds: progressDeadline,
        strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        template: {
          metadata: {
            labels: { ...revisionLabels(served), [trafficLabel]: served.revision },
            annotations: evidenceAnnotations(served),
          },
          spec: pod(served),
        },
      },
    },
  };
}

function pod(served: Served): JsonObject {
  const { volumes, initContainers } = deliveryOf(served);
  return {
    serviceAccountName: stableName(served.name),
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: lifecycleOf(served).grace,
    securityContext: podSecurity,
    ...spread(served),
    ...(initContainers.length === 0 ? {} : { initContainers }),
    containers: [server(served)],
    volumes: [{ name: "tmp", emptyDir: { sizeLimit: `${temporarySpace}Mi` } }, ...volumes],
  };
}

/** Two servers on one node, or all in one zone, are lost together: avoided where there is a choice. */
function spread(served: Served): JsonObject {
  const labelSelector = { matchLabels: revisionSelector(served) };
  const apart = { topologyKey: "kubernetes.io/hostname", labelSelector };
  return {
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: apart }],
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
  };
}

function server(served: Served): JsonObject {
  const lifecycle = lifecycleOf(served);
  return {
    name: "server",
    image: served.image,
    imagePullPolicy: "Always",
    args: argsOf(lifecycle),
    ports: [{ name: "http", containerPort, protocol: "TCP" }],
    ...probes(lifecycle),
    lifecycle: { preStop: { sleep: { seconds: lifecycle.sleep } } },
    resources: resources(served),
    securityContext: containerSecurity,
    volumeMounts: [{ name: "tmp", mountPath: "/tmp" }, ...deliveryOf(served).mounts],
  };
}

/** Options of the server, after the ones that the image's entry point has: of two the last one counts. */
function argsOf({ timeout, drain }: Lifecycle): string[] {
  const options = {
    model: modelFolder,
    host: "0.0.0.0",
    port: String(containerPort),
    timeout: String(timeout),
    "drain-seconds": String(drain),
  };
  return Object.entries(options).map(([name, value]) => `--${name}=${value}`);
}
