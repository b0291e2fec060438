// Why a write under the lock is refused.
import { MlshipError } from "../../../errors.ts";
import type { Kind, KubeObject } from "../ports.ts";

/**
 * Refuses to write an object that somebody else made.
 * @throws MlshipError `kubernetes.foreign`, exit 7
 */
export function refuseForeign({ kind, metadata }: KubeObject): void {
  if (metadata.labels?.["app.kubernetes.io/managed-by"] === "mlship") return;
  throw new MlshipError({
    code: "kubernetes.foreign",
    what: `${kind} ${metadata.name} is there and is not mlship's`,
    why: "it has no label app.kubernetes.io/managed-by=mlship",
    fix: `rename the model or remove the object: kubectl -n ${metadata.namespace ?? "NAMESPACE"} delete ${kind.toLowerCase()} ${metadata.name}`,
    exit: "attention",
  });
}

/** The error of a driver that has lost its lock. */
export function lockLost(why: string): MlshipError {
  return new MlshipError({
    code: "rollout.lock-lost",
    what: "another process has taken over this rollout",
    why,
    fix: "see `mlship status`, then run the command again",
    exit: "attention",
  });
}

/** The error of a write to something that is gone. */
export function missing(kind: Kind, name: string): MlshipError {
  return new MlshipError({
    code: "kubernetes.missing",
    what: `${kind} ${name} is not there any more`,
    why: "something other than mlship removed it",
    fix: "run the command again: it makes what is missing anew",
    exit: "attention",
  });
}

/** The error of a write that always came second. */
export function contended(object: string, times: number, cause: unknown): MlshipError {
  return new MlshipError({
    code: "kubernetes.contended",
    what: `${object} could not be written: another writer came first ${times} times`,
    fix: "find out what keeps writing it: kubectl get with --show-managed-fields names the writers",
    exit: "attention",
    cause,
  });
}

/** Whether the API server refused a write because another writer came before. */
export function isStale(error: unknown): boolean {
  return error instanceof MlshipError && error.code === "kubernetes.stale";
}
