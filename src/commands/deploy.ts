// `mlship deploy`: from mlship.yaml to traffic. Judges, stores, starts, checks, shifts, promotes or takes back.
import { readChannel, serving } from "../artifacts/channel.ts";
import type { Release } from "../artifacts/release.ts";
import type { Exit } from "../errors.ts";
import { planRollout, type RolloutPlan } from "../rollout/plan.ts";
import { revisionOf } from "../rollout/revision.ts";
import type { Report } from "../validation/report.ts";
import type { Host } from "./host.ts";
import { judge } from "./judge.ts";
import { appendRefusal } from "./ledger.ts";
import { openProject, withStaging } from "./project.ts";
import { storeRelease } from "./release.ts";
import type { ProjectOptions, Result, ResultDocument } from "./result.ts";
import { roll, rolloutValues, setRight, type RolloutSummary, type Site } from "./roll.ts";
import { openTarget } from "./target.ts";
import { exitOf } from "./validate.ts";

/** mlship.deploy/v1: what was decided, and what came of it. */
export interface DeployDocument extends ResultDocument {
  schema: "mlship.deploy/v1";
  name: string;
  version: string;
  channel: string;
  /** Where it was to run, for people. */
  place: string;
  /** What an earlier command had left, and what was done about it. */
  found: string[];
  report: Report;
  /** Null when the verdict was not pass, and in a dry run. */
  release: Release["digest"] | null;
  /** Null when the verdict was not pass. */
  plan: RolloutPlan | null;
  /** Null when nothing was rolled out: refused, a dry run, or it serves already. */
  rollout: RolloutSummary | null;
  /** The version that serves now, and where. */
  serving: string | null;
  endpoint: string | null;
}

/** Ships the project's model. `dryRun` ends with the plan, before anything is stored or started. */
export async function deploy(
  { dryRun }: { dryRun: boolean },
  host: Host,
  selection: ProjectOptions,
): Promise<Result<DeployDocument>> {
  const project = await openProject(host, selection);
  const { name, version } = project.config;
  const store = await host.store(project.config.artifacts.store);
  const target = await openTarget(project, host, store);
  host.progress.note(`${name} ${version} to ${target.place}, channel ${project.channel}`);
  const production = serving(await readChannel(store, name, project.channel));
  const site: Site = { project, host, store, target, production, doing: "mlship deploy" };
  const found = dryRun ? [] : await setRight(site);
  return await withStaging(project, host, async (folder) => {
    const judgement = await judge(project, host, folder, { store, production, reuse: true });
    const { report, bundle } = judgement;
    const document = async (more: Partial<DeployDocument>): Promise<DeployDocument> => {
      const { stable, endpoint } = await target.observe();
      const now = { serving: stable?.version ?? null, endpoint };
      const none = { release: null, plan: null, rollout: null };
      return {
        schema: "mlship.deploy/v1",
        name,
        version,
        channel: project.channel,
        place: target.place,
        found,
        report,
        ...none,
        ...more,
        ...now,
      };
    };
    if (report.verdict !== "pass") {
      const reason = report.gates
        .filter(({ status }) => status !== "pass")
        .map(({ why }) => why)
        .join("; ");
      const evidence = { report: report.digest, model: report.model.digest, dataset: report.dataset.digest };
      if (!dryRun) await appendRefusal(store, project, host, { expected: production, reason, evidence });
      return { document: await document({}), exit: exitOf[report.verdict] };
    }
    const { stable } = await target.observe();
    if (dryRun) {
      // A release that does not exist yet is named by what it is made of.
      const plan = planRollout(rolloutValues(project), revisionOf(name, version, bundle.digest), stable);
      return { document: await document({ plan }), exit: "done" };
    }
    host.signal.throwIfAborted();
    const { release } = await storeRelease(project, host, store, judgement, production);
    const plan = planRollout(rolloutValues(project), revisionOf(name, version, release.digest), stable);
    const shipped = { release: release.digest, plan };
    if (plan.kind === "none") return { document: await document(shipped), exit: "done" };
    // What is stored may stay: it is whole, and the next deploy finds it. Nothing is begun any more.
    host.signal.throwIfAborted();
    const rollout = await roll(site, plan, release, `deploy of ${version}`);
    return { document: await document({ ...shipped, rollout }), exit: exitOfRollout(rollout) };
  });
}

/** How a rollout ends the process. */
export function exitOfRollout({ outcome, why, interrupted }: RolloutSummary): Exit {
  if (outcome === "promoted") return interrupted ? "interrupted" : "done";
  return why?.exit ?? "attention";
}
