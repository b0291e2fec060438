// `mlship doctor --policy`: the least that AWS must allow to whoever works with the project's store.
import { policyOf, type IamPolicy, type StoreRole } from "../artifacts/policy.ts";
import type { Host } from "./host.ts";
import { openProject } from "./project.ts";
import type { ProjectOptions, Result, ResultDocument } from "./result.ts";

/** mlship.policy/v1 */
export interface PolicyDocument extends ResultDocument {
  schema: "mlship.policy/v1";
  role: StoreRole;
  /** As IAM takes it. */
  policy: IamPolicy;
}

/** @throws MlshipError `store.no-policy`, exit 2, for a store that IAM does not guard. */
export async function policy(
  role: StoreRole,
  host: Host,
  selection: ProjectOptions,
): Promise<Result<PolicyDocument>> {
  const { config } = await openProject(host, selection);
  const document = { schema: "mlship.policy/v1", role, policy: policyOf(role, config.artifacts) } as const;
  return { document, exit: "done" };
}
