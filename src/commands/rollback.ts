// `mlship rollback`: the version before serves again, after the same check with labelled rows.
import { previousOf, readChannel, serving } from "../artifacts/channel.ts";
import { fetchVersion } from "../artifacts/fetch.ts";
import { MlshipError } from "../errors.ts";
import { planRollback, type RolloutPlan } from "../rollout/plan.ts";
import { revisionOf } from "../rollout/revision.ts";

import { exitOfRollout } from "./deploy.ts";
import type { Host } from "./host.ts";
import { openProject } from "./project.ts";
import type { ProjectOptions, Result, ResultDocument } from "./result.ts";
import { roll, rolloutValues, setRight, type RolloutSummary } from "./roll.ts";
import { openTarget } from "./target.ts";

/** mlship.rollback/v1 */
export interface RollbackDocument extends ResultDocument {
  schema: "mlship.rollback/v1";
  name: string;
  channel: string;
  from: string | null;
  to: string;
  found: string[];
  plan: RolloutPlan;
  /** Null when the version serves already. */
  rollout: RolloutSummary | null;
  serving: string | null;
  endpoint: string | null;
}

/** Goes back to the version before, or to `to`. */
export async function rollback(
  { to }: { to: string | undefined },
  host: Host,
  selection: ProjectOptions,
): Promise<Result<RollbackDocument>> {
  const project = await openProject(host, selection);
  const { name } = project.config;
  const store = await host.store(project.config.artifacts.store);
  const target = await openTarget(project, host, store);
  const entries = await readChannel(store, name, project.channel);
  const production = serving(entries);
  const wanted = to ?? previousOf(entries);
  if (wanted === null) {
    throw new MlshipError({
      code: "rollback.nothing",
      what: `there is no version of ${name} to go back to`,
      why:
        production === null
          ? "nothing was ever promoted"
          : `${production} is the only version that ever served`,
      fix: "see mlship history, or name a stored version with --to VERSION",
      exit: "usage",
    });
  }
  const release = await fetchVersion(store, name, wanted);
  const site = { project, host, store, target, production, doing: "mlship rollback" };
  const found = await setRight(site);
  const { stable } = await target.observe();
  const plan = planRollback(rolloutValues(project), revisionOf(name, wanted, release.digest), stable);
  const rollout =
    plan.kind === "none" ? null : await roll(site, plan, release, `rollback from ${production ?? "nothing"}`);
  const now = await target.observe();
  const document = {
    schema: "mlship.rollback/v1",
    name,
    channel: project.channel,
    from: production,
    to: wanted,
    found,
    plan,
    rollout,
    serving: now.stable?.version ?? null,
    endpoint: now.endpoint,
  } as const;
  return { document, exit: rollout === null ? "done" : exitOfRollout(rollout) };
}
