// What the user must be allowed to do in the namespace, and the Role that allows exactly that.
import { dump } from "js-yaml";
import { MlshipError } from "../../../errors.ts";
import type { Served } from "../../../cluster/served.ts";
import type { Api, Kind } from "../ports.ts";
import { resources } from "../resources.ts";

/** Verbs on one resource. */
export interface Right {
  /** API group; empty for the core group. */
  group: string;
  /** As in a Role: `pods/proxy`. */
  resource: string;
  verbs: readonly string[];
}

/** What is done with objects that mlship makes: `stop` removes each of them again. */
const own = ["get", "list", "create", "update", "patch", "delete"] as const;
const look = ["get", "list"] as const;

/** Kinds that every deployment has objects of. */
const always: readonly Kind[] = [
  "ConfigMap",
  "Deployment",
  "HorizontalPodAutoscaler",
  "Job",
  "Lease",
  "NetworkPolicy",
  "PodDisruptionBudget",
  "Service",
  "ServiceAccount",
];

/** Every right that `deploy`, `rollback`, `status` and `stop` need for this model. */
export function neededRights({ deploy }: Pick<Served, "deploy">): Right[] {
  const isGateway = deploy.canary.split === "gateway";
  const sometimes: [Kind, boolean][] = [
    ["HTTPRoute", isGateway || deploy.route !== null],
    ["PodMonitor", deploy.monitor === "podMonitor"],
    // The guardian gets a Role of its own; nobody can grant more than they have.
    ["Role", isGateway],
    ["RoleBinding", isGateway],
  ];
  return [
    ...always.map((kind) => right(kind, own)),
    // `stop` looks for what an earlier configuration made.
    ...sometimes.map(([kind, isWritten]) => right(kind, isWritten ? own : look)),
    // Created in a rehearsal only: how a pod would be refused is found out before the first write.
    right("Pod", ["get", "list", "create", "patch"]),
    { group: "", resource: "pods/log", verbs: ["get"] },
    { group: "", resource: "pods/proxy", verbs: ["get", "create"] },
    // Since version 1.30 kubectl asks with GET, before with POST.
    { group: "", resource: "pods/portforward", verbs: ["get", "create"] },
    right("Event", ["get", "list", "create"]),
    ...(["Endpoints", "ReplicaSet", "ResourceQuota"] as const).map((kind) => right(kind, look)),
  ];
}

function right(kind: Kind, verbs: readonly string[]): Right {
  const { group, plural } = resources[kind];
  return { group, resource: plural, verbs };
}

/** The rights that the user does not have. */
export async function lackingRights(api: Pick<Api, "can">, rights: readonly Right[]): Promise<Right[]> {
  const asked = await Promise.all(
    rights.map(async ({ group, resource, verbs }) => {
      const may = await Promise.all(verbs.map((verb) => api.can(verb, group, resource)));
      return { group, resource, verbs: verbs.filter((_, index) => may[index] === false) };
    }),
  );
  return asked.filter(({ verbs }) => verbs.length > 0);
}

/** The Role as YAML, with the same verbs of a group in one rule. */
export function roleOf(rights: readonly Right[], name: string, namespace: string): string {
  const rules = new Map<string, { apiGroups: string[]; resources: string[]; verbs: string[] }>();
  for (const { group, resource, verbs } of rights) {
    const key = `${group} ${verbs.join()}`;
    const rule = rules.get(key) ?? { apiGroups: [group], resources: [], verbs: [...verbs] };
    rule.resources.push(resource);
    rules.set(key, rule);
  }
  return dump(
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "Role",
      metadata: { name, namespace },
      rules: [...rules.values()],
    },
    { noRefs: true, flowLevel: 4, lineWidth: -1 },
  );
}

/** The finding that rights are lacking, with the whole Role; null when all are there. */
export async function checkRights(
  api: Pick<Api, "can">,
  { namespace, needed }: { namespace: string; needed: readonly Right[] },
): Promise<MlshipError | null> {
  const lacking = await lackingRights(api, needed);
  if (lacking.length === 0) return null;
  const told = lacking.map(
    ({ group, resource, verbs }) => `${verbs.join(", ")} ${group === "" ? resource : `${resource}.${group}`}`,
  );
  return new MlshipError({
    code: "preflight.rights",
    what: `the user may not do all that a deployment needs in namespace ${namespace}`,
    why: told.join("; "),
    fix: `have this Role applied, and bound to the user with \`kubectl -n ${namespace} create rolebinding mlship --role=mlship --user=NAME\`:\n${roleOf(needed, "mlship", namespace)}`,
    exit: "unavailable",
  });
}
