// What a bad answer of the API server means, in words that name who may do what about it.
import { z } from "zod";
import { MlshipError } from "../../errors.ts";
import type { Reply } from "./socket-http.ts";
import { isOfKubectl } from "./repeat.ts";

/** What was asked. */
export interface Asked {
  /** As in a Role: `patch`. */
  verb: string;
  /** `deployment fraud`, for people. */
  object: string;
  /** As in a Role: `deployments.apps`. */
  resource: string;
  namespace: string;
  context: string;
}

const statusSchema = z.object({
  kind: z.literal("Status"),
  message: z.string().default(""),
  reason: z.string().default(""),
  details: z
    .object({
      name: z.string().optional(),
      kind: z.string().optional(),
      causes: z
        .array(
          z.object({
            reason: z.string().optional(),
            message: z.string().optional(),
            field: z.string().optional(),
          }),
        )
        .optional(),
    })
    .optional(),
});
type Status = z.infer<typeof statusSchema>;

/** The API server's own account of a failure; null when the body is something else. */
export function statusOf({ body }: Reply): Status | null {
  try {
    return statusSchema.parse(JSON.parse(body));
  } catch {
    // Not the API server's words: a pod's, or kubectl's.
    return null;
  }
}

/** The error for an answer that is not 2xx. */
export function faultOf(reply: Reply, asked: Asked): MlshipError {
  if (isOfKubectl(reply)) return notReached(reply.body.trim(), asked);
  const status = statusOf(reply);
  const said = status?.message ?? reply.body.slice(0, 500);
  if (reply.status === 401) return unknownUser(said, asked);
  if (reply.status === 403 && isDenial(said)) return denied(said, asked);
  if (reply.status === 409) return conflictOrStale(status, said, asked);
  if ([429, 502, 503, 504].includes(reply.status)) return notReached(said, asked);
  if (reply.status === 404 && /namespaces ".*" not found/.test(said)) return namespaceMissing(asked);
  return new MlshipError({
    code: "kubernetes.refused",
    what: `the API server refused to ${asked.verb} ${asked.object} in namespace ${asked.namespace}`,
    why: said || `it answered ${reply.status}`,
    fix: "change what it names, in mlship.yaml or in the cluster, and run the command again",
    exit: "unavailable",
  });
}

/** The error for a call that got no answer. */
export function notReached(why: string, asked: Asked): MlshipError {
  if (/getting credentials|executable .* (not found|failed)/.test(why)) return unknownUser(why, asked);
  const mayBeDone = ["get", "list"].includes(asked.verb) ? "" : "; whether it was carried out is not known";
  return new MlshipError({
    code: "kubernetes.unreachable",
    what: `the cluster of context ${asked.context} does not answer (${asked.verb} ${asked.object})`,
    why: `${why}${mayBeDone}`,
    fix: `check the network and VPN: \`kubectl --context ${asked.context} get --raw /version\` must answer`,
    exit: "unavailable",
  });
}

/** The error for an object that is not as it was when it was read. */
export function stale(asked: Asked, why: string): MlshipError {
  return new MlshipError({
    code: "kubernetes.stale",
    what: `${asked.object} in namespace ${asked.namespace} was changed by somebody else`,
    why,
    fix: "run the command again: it begins with what is there now",
    exit: "attention",
  });
}

/** Quota, Pod Security and a namespace that goes away are 403 too, and no lack of rights. */
function isDenial(said: string): boolean {
  return /\bcannot [a-z]+ (resource|path)\b|attempting to grant RBAC permissions/.test(said);
}

function denied(said: string, { verb, resource, namespace, context }: Asked): MlshipError {
  return new MlshipError({
    code: "kubernetes.denied",
    what: `the user of context ${context} may not ${verb} ${resource} in namespace ${namespace}`,
    why: said,
    fix: "have a Role with this right bound to the user; `mlship deploy` looks for all that it needs and prints the whole Role",
    exit: "unavailable",
  });
}

function unknownUser(said: string, { context }: Asked): MlshipError {
  return new MlshipError({
    code: "kubernetes.credentials",
    what: `the cluster does not accept the credentials of context ${context}`,
    why: said,
    fix: `log in again, until \`kubectl --context ${context} auth whoami\` answers`,
    exit: "unavailable",
  });
}

function namespaceMissing({ namespace, context }: Asked): MlshipError {
  return new MlshipError({
    code: "kubernetes.namespace",
    what: `there is no namespace ${namespace} in the cluster of context ${context}`,
    fix: `\`kubectl --context ${context} create namespace ${namespace}\`, or change deploy.namespace`,
    exit: "unavailable",
  });
}

function conflictOrStale(status: Status | null, said: string, asked: Asked): MlshipError {
  const causes = (status?.details?.causes ?? []).filter(({ reason }) => reason === "FieldManagerConflict");
  if (causes.length === 0) return stale(asked, said);
  return new MlshipError({
    code: "kubernetes.conflict",
    what: `${asked.object} in namespace ${asked.namespace} is also written by another program`,
    why: causes.map(({ message, field }) => `${message ?? "conflict"} at ${field ?? "a field"}`).join("; "),
    fix: `let that program leave the field alone, then run the command again`,
    exit: "attention",
    problems: causes.map(({ message, field }) => ({
      what: `${field ?? "a field"}: ${message ?? "conflict"}`,
    })),
  });
}
