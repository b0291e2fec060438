// What doctor looks at of a cluster: which one is meant, and whether this user can deploy to it.
import { checkAccess } from "../../targets/kubernetes/preflight/preflight.ts";
import { assessContext } from "../../targets/kubernetes/preflight/context.ts";
import type { Host } from "../host.ts";
import type { Project } from "../project.ts";
import type { Check } from "./check.ts";

/** kubectl, the context, the namespace, and every right that a deployment needs. */
export function clusterCheck({ config }: Project, host: Host): Check {
  const { deploy } = config;
  const { context, namespace } = deploy;
  return {
    name: "cluster",
    async look() {
      const assessed = assessContext(await host.kubeconfig(), { context, namespace });
      const cluster = await host.cluster({ context, namespace });
      await checkAccess(cluster, deploy);
      return {
        found: `context ${assessed.context} at ${assessed.server}, Kubernetes ${cluster.version}; deployments to namespace ${namespace} are allowed`,
        advice: assessed.doubts.length === 0 ? null : assessed.doubts.join("; "),
      };
    },
  };
}
