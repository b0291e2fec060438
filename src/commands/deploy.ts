// `mlship deploy`: from mlship.yaml to traffic. Judges, makes and stores what is needed, starts, checks, shifts, promotes or takes back.
import type { BumpWish } from "../artifacts/semver.ts";
import type { Release } from "../artifacts/release.ts";
import type { Digest } from "../digest.ts";
import type { Exit } from "../errors.ts";
import { planRollout, refuseImpossible, wayOf, type RolloutPlan } from "../rollout/plan.ts";
import type { Report } from "../validation/report.ts";
import { reasonsOf } from "../validation/gates/verdict.ts";
import { openNaming, type Bump } from "./bump.ts";
import type { Host } from "./host.ts";
import { judge } from "./judge.ts";
import { appendRefusal } from "./ledger.ts";
import { withStaging } from "./project.ts";
import { beginCounting } from "./prospects.ts";
import type { ProjectOptions, Result, ResultDocument } from "./result.ts";
import { roll, rolloutValues, setRight, type RolloutSummary } from "./roll.ts";
import { openEvents } from "./rollout-events.ts";
import { shippingOf } from "./ship/shipping.ts";
import { checkVersion } from "./release.ts";
import { openSite, openSiteToChange, productionOf, type Site } from "./site.ts";
import { writeSummary } from "./step-summary.ts";
import { exitOf } from "./validate.ts";

/** How a deployment goes. */
export interface DeployOptions {
  /** Ends with the plan, before anything is made, stored or started. */
  dryRun: boolean;
  /** A place that may be the wrong one is not asked about. */
  yes: boolean;
  /** How the version is chosen; undefined where mlship.yaml decides. */
  bump: BumpWish | undefined;
  /** File that events are appended to. */
  events: string | undefined;
}

/** mlship.deploy/v1: what was decided, and what came of it. */
export interface DeployDocument extends ResultDocument {
  schema: "mlship.deploy/v1";
  name: string;
  version: string;
  /** How the version was chosen; null without `--bump`. */
  bump: Bump | null;
  channel: string;
  /** Where it was to run, for people. */
  place: string;
  /** What an earlier command had left, and what was done about it. */
  found: string[];
  report: Report;
  /** What would be made and stored before the rollout, in words; empty unless it is a dry run. */
  before: string[];
  /** Reference of the image with its digest; null where none is needed, and in a dry run. */
  image: string | null;
  /** Digest of how it is served; null where the release says it all, and in a dry run. */
  served: Digest | null;
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

/** Ships the project's model. */
export async function deploy(
  options: DeployOptions,
  host: Host,
  selection: ProjectOptions,
): Promise<Result<DeployDocument>> {
  const { dryRun, yes } = options;
  const events = openEvents(dryRun ? undefined : options.events, host);
  const doing = "mlship deploy";
  const naming = await openNaming(host, selection, options.bump);
  const opened = dryRun
    ? await openSite(host, selection, doing)
    : await openSiteToChange(host, selection, doing, yes);
  const { project, target } = opened;
  const asked = project.config;
  (await shippingOf(opened)).check();
  const what = options.bump === undefined ? `${asked.name} ${asked.version}` : asked.name;
  host.progress.note(`${what} to ${target.place}, channel ${project.channel}`);
  await target.access();
  const { found, site } = dryRun ? { found: [], site: opened } : await setRight(opened);
  const production = () => Promise.resolve(productionOf(site));
  const locking = (await shippingOf(site)).locking({ dryRun });
  const counting = await beginCounting(site);
  return await withStaging(project, host, async (folder) => {
    const judgement = await judge(project, host, folder, {
      store: site.store,
      production,
      reuse: true,
      locking,
    });
    const named = await naming.name(project, site.store, judgement);
    const chosen = { ...site, project: named.project };
    const shown = { found, report: judgement.report, bump: named.bump };
    const document = async (more: Partial<DeployDocument>) => await documentOf(chosen, { ...shown, ...more });
    const { verdict } = judgement.report;
    if (verdict !== "pass") {
      if (!dryRun) await refuse(chosen, judgement.report);
      return { document: await document({}), exit: exitOf[verdict] };
    }
    await checkVersion(named.project, site.store, named.judgement);
    const values = rolloutValues(project, await counting.end());
    const shipping = await shippingOf(chosen);
    if (dryRun) {
      const { revision, steps } = await shipping.foresee(named.judgement);
      const { stable } = await target.observe();
      const plan = planRollout(values, revision, stable);
      return { document: await document({ plan, before: steps }), exit: "done" };
    }
    // What cannot work is refused before an image is made. Whether the same version serves as it is to
    // be served now is known after that.
    const { version } = named.project.config;
    if (counting.stable?.version !== version) refuseImpossible(values, wayOf(values, counting.stable));
    host.signal.throwIfAborted();
    const { release, revision, image, served } = await shipping.prepare(named.judgement);
    await naming.write(named);
    const { stable } = await target.observe();
    const plan = planRollout(values, revision, stable);
    const shipped = { release: release.digest, image, served, plan };
    if (plan.kind === "none") return { document: await document(shipped), exit: "done" };
    // What is stored may stay: it is whole, and the next deploy finds it. Nothing is begun any more.
    host.signal.throwIfAborted();
    const rollout = await roll(chosen, plan, release, { reason: `deploy of ${version}`, events });
    const ended = await document({ ...shipped, rollout });
    await writeSummary(host, { ...ended, what: `${ended.name} ${version}` });
    return { document: ended, exit: exitOfRollout(rollout) };
  });
}

async function documentOf(
  { project, target }: Site,
  known: Pick<DeployDocument, "found" | "report" | "bump"> & Partial<DeployDocument>,
): Promise<DeployDocument> {
  const { stable, endpoint } = await target.observe();
  const { name, version } = project.config;
  return {
    schema: "mlship.deploy/v1",
    name,
    version,
    channel: project.channel,
    place: target.place,
    before: [],
    image: null,
    served: null,
    release: null,
    plan: null,
    rollout: null,
    ...known,
    serving: stable?.version ?? null,
    endpoint,
  };
}

/** Says in the channel's log that a gate refused the version. */
async function refuse(site: Site, report: Report): Promise<void> {
  const reason = reasonsOf(report.gates, report.findings).join("; ");
  const evidence = { report: report.digest, model: report.model.digest, dataset: report.dataset.digest };
  const expected = productionOf(site);
  await appendRefusal(site.store, site.project, site.host, { expected, reason, evidence });
}

/** How a rollout ends the process. */
export function exitOfRollout({ outcome, why, interrupted }: RolloutSummary): Exit {
  if (outcome === "promoted") return interrupted ? "interrupted" : "done";
  return why?.exit ?? "attention";
}
