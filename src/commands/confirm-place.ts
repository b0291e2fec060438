// Asks before a cluster is changed that may be the wrong one.
import { MlshipError } from "../errors.ts";
import { assessContext } from "../targets/kubernetes/preflight/context.ts";
import type { Host } from "./host.ts";
import type { Project } from "./project.ts";

/**
 * Says which cluster is meant, and has it confirmed where that is in doubt: the context was not chosen
 * although there are several, or a name looks like production. Other targets are never in doubt.
 * @param agreed `--yes`
 * @throws MlshipError `place.unconfirmed`, exit 2; as `assessContext`
 */
export async function confirmPlace(
  { config }: Project,
  host: Host,
  doing: string,
  agreed: boolean,
): Promise<void> {
  if (config.deploy.target !== "kubernetes") return;
  const { context, server, namespace, doubts } = assessContext(await host.kubeconfig(), config.deploy);
  host.progress.note(`context ${context} (${server}), namespace ${namespace}`);
  if (doubts.length === 0 || agreed) return;
  for (const doubt of doubts) host.progress.note(doubt);
  const question = `${doing} of ${config.name} in context ${context}, namespace ${namespace}?`;
  if (host.interactive && (await host.confirm(question))) return;
  throw new MlshipError({
    code: "place.unconfirmed",
    what: `nothing was changed in context ${context}, namespace ${namespace}`,
    why: [host.interactive ? "you did not say yes" : "there is no terminal to ask on", ...doubts].join("; "),
    fix: "add --yes when this is the place that you mean; else set deploy.context and deploy.namespace",
    exit: "usage",
  });
}
