// Which clusters the user's kubeconfig knows, asked of kubectl, which merges the files of KUBECONFIG.
import { z } from "zod";
import { MlshipError } from "../../errors.ts";
import type { Kubeconfig } from "../../targets/kubernetes/ports.ts";
import { attempt, lastLines } from "../process.ts";
import type { Variables } from "../process.ts";

/** What to do when there is no kubectl. */
export const kubectlMissing =
  "install kubectl (https://kubernetes.io/docs/tasks/tools/) and put it on PATH, 1.27 or later";

const schema = z.object({
  "current-context": z.string().nullish(),
  contexts: z
    .array(
      z.object({
        name: z.string(),
        context: z.object({ cluster: z.string(), namespace: z.string().optional() }),
      }),
    )
    .nullish(),
  clusters: z
    .array(z.object({ name: z.string(), cluster: z.object({ server: z.string().optional() }) }))
    .nullish(),
});

/**
 * The contexts of the kubeconfig. Credentials are not read: kubectl leaves them out.
 * @throws MlshipError `tool.missing`, `kubernetes.kubeconfig`, exit 5.
 */
export async function readKubeconfig(env: Variables, signal?: AbortSignal): Promise<Kubeconfig> {
  const ran = await attempt("kubectl", ["config", "view", "-o", "json"], { env, signal }, kubectlMissing);
  if (ran.exitCode !== 0) {
    throw new MlshipError({
      code: "kubernetes.kubeconfig",
      what: "kubectl cannot read its configuration",
      why: lastLines(ran.stderr, 5),
      fix: "mend the file that `echo $KUBECONFIG` names, or ~/.kube/config",
      exit: "unavailable",
    });
  }
  const found = schema.parse(JSON.parse(ran.stdout));
  const servers = new Map(found.clusters?.map(({ name, cluster }) => [name, cluster.server ?? ""]));
  const contexts = (found.contexts ?? []).map(({ name, context }) => ({
    name,
    server: servers.get(context.cluster) ?? "",
    namespace: context.namespace ?? "default",
  }));
  // kubectl in a pod without a kubeconfig uses the pod's own service account.
  if (contexts.length === 0 && env["KUBERNETES_SERVICE_HOST"]) {
    const server = `https://${env["KUBERNETES_SERVICE_HOST"]}`;
    return { current: inCluster, contexts: [{ name: inCluster, server, namespace: "default" }] };
  }
  return { current: found["current-context"] || null, contexts };
}

/** The context of a pod that has no kubeconfig; kubectl has no name for it. */
const inCluster = "in-cluster";

/** The arguments that choose a context, after its name was checked. */
export function contextArgs({ contexts }: Kubeconfig, context: string): string[] {
  const isOwn = contexts.length === 1 && contexts[0]?.name === inCluster;
  return isOwn ? [] : ["--context", context];
}
