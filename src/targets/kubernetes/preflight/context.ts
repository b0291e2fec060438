// Which cluster is meant, and whether a person should say so again before anything is changed there.
import { MlshipError } from "../../../errors.ts";
import type { Kubeconfig } from "../ports.ts";

/** The cluster that a command would act on. */
export interface AssessedContext {
  context: string;
  /** Address of the API server. */
  server: string;
  namespace: string;
  /** Why a person should confirm it, in sentences; empty when the choice is plain. */
  doubts: string[];
}

/** Words that people give to clusters that users depend on. */
const production = /(^|[^a-z])(prod|production|prd|live)([^a-z]|$)/i;

/**
 * The context that a command would use, and what speaks against using it unasked: the kubeconfig has
 * several and none was chosen, or a name looks like production.
 * @param wanted `context` from `deploy.context`; null to take kubectl's own choice.
 * @throws MlshipError as `chooseContext`
 */
export function assessContext(
  kubeconfig: Kubeconfig,
  wanted: { context: string | null; namespace: string },
): AssessedContext {
  const context = chooseContext(kubeconfig, wanted.context);
  const { namespace } = wanted;
  const doubts: string[] = [];
  const others = kubeconfig.contexts.filter(({ name }) => name !== context).map(({ name }) => name);
  if (wanted.context === null && others.length > 0) {
    doubts.push(
      `the kubeconfig has other contexts too (${others.join(", ")}), and deploy.context does not say which is meant`,
    );
  }
  for (const [what, name] of Object.entries({ context, namespace })) {
    if (production.test(name)) doubts.push(`the ${what} ${name} looks like production`);
  }
  const server = kubeconfig.contexts.find(({ name }) => name === context)?.server ?? "";
  return { context, server, namespace, doubts };
}

/**
 * The wanted context, or the current one, when the kubeconfig has it.
 * @throws MlshipError `kubernetes.context`, exit 2, with the contexts there are; `kubernetes.kubeconfig`, exit 5.
 */
export function chooseContext({ current, contexts }: Kubeconfig, wanted: string | null): string {
  const names = contexts.map(({ name }) => name);
  if (names.length === 0) {
    throw new MlshipError({
      code: "kubernetes.kubeconfig",
      what: "kubectl knows no cluster",
      why: "there is no kubeconfig, or it has no context",
      fix: "get the cluster's kubeconfig and name it in KUBECONFIG; `kubectl config get-contexts` then shows it",
      exit: "unavailable",
    });
  }
  const chosen = wanted ?? current;
  if (chosen !== null && names.includes(chosen)) return chosen;
  throw new MlshipError({
    code: "kubernetes.context",
    what: chosen === null ? "no context is chosen" : `the kubeconfig has no context ${chosen}`,
    why: `it has ${names.join(", ")}`,
    fix: "set deploy.context in mlship.yaml to one of them",
    exit: "usage",
  });
}
