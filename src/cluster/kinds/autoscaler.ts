// The HorizontalPodAutoscaler: how many servers a revision has.
import { MlshipError } from "../../errors.ts";
import type { JsonObject, Manifest } from "../manifest.ts";
import { revisionMetadata } from "../names.ts";
import type { Served } from "../served.ts";

/** Servers at least, when mlship.yaml does not say: one may go and one may fail, and one still answers. */
const leastServers = 3;

/** Servers of a revision, at least and at most. @throws MlshipError `cluster.replicas`, exit 2. */
export function replicasOf({ deploy }: Served): { min: number; max: number } {
  const min = deploy.replicas.min ?? leastServers;
  const { max } = deploy.replicas;
  if (max >= min) return { min, max };
  const origin = deploy.replicas.min === null ? ", which is the default on Kubernetes" : "";
  throw new MlshipError({
    code: "cluster.replicas",
    what: `deploy.replicas.max is ${max}, less than deploy.replicas.min, ${min}${origin}`,
    fix: `set deploy.replicas.max to ${min + 1} or more, or deploy.replicas.min to ${max} or less`,
    exit: "usage",
  });
}

/** The autoscaler of a revision. */
export function autoscaler(served: Served): Manifest {
  const { min, max } = replicasOf(served);
  const { cpu, memory } = served.deploy.replicas;
  return {
    file: "horizontal-pod-autoscaler.yaml",
    about: [
      "How many servers run: more as soon as they use more of their CPU or memory than this, fewer only after five calm minutes and one at a time.",
    ],
    object: {
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata: revisionMetadata(served),
      spec: {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: served.revision },
        minReplicas: min,
        maxReplicas: max,
        metrics: [utilization("cpu", cpu), utilization("memory", memory)],
        behavior: {
          scaleUp: {
            stabilizationWindowSeconds: 0,
            selectPolicy: "Max",
            policies: [
              { type: "Percent", value: 100, periodSeconds: 30 },
              { type: "Pods", value: 2, periodSeconds: 30 },
            ],
          },
          scaleDown: {
            stabilizationWindowSeconds: 300,
            policies: [{ type: "Pods", value: 1, periodSeconds: 60 }],
          },
        },
      },
    },
  };
}

function utilization(name: string, averageUtilization: number): JsonObject {
  return { type: "Resource", resource: { name, target: { type: "Utilization", averageUtilization } } };
}
