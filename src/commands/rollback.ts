// `mlship rollback`: the version before serves again at once; or any released one, with the care of a deploy.
import { fetchVersion } from "../artifacts/fetch.ts";
import { findPrevious } from "../artifacts/previous.ts";
import { MlshipError } from "../errors.ts";
import { planRollback, planRollout, type RolloutPlan } from "../rollout/plan.ts";
import { isFinished } from "../rollout/record.ts";
import { askDriver, drivenNow } from "./ask-driver.ts";
import { exitOfRollout } from "./deploy.ts";
import type { Host } from "./host.ts";
import { beginCounting, nothingNeeded } from "./prospects.ts";
import type { ProjectOptions, Result, ResultDocument } from "./result.ts";
import { roll, rolloutValues, setRight, type RolloutSummary } from "./roll.ts";
import { openEvents, type OpenEvents } from "./rollout-events.ts";
import { shippingOf } from "./ship/shipping.ts";
import { openSiteToChange, productionOf, type Site } from "./site.ts";
import { writeSummary } from "./step-summary.ts";

/** Where to, and how. */
export interface RollbackOptions {
  /** The version; the one before by default. */
  to: string | undefined;
  /** Goes to `to` in one step, without a canary. */
  now: boolean;
  /** A place that may be the wrong one is not asked about. */
  yes: boolean;
  /** File that events are appended to. */
  events: string | undefined;
}

/** mlship.rollback/v1 */
export interface RollbackDocument extends ResultDocument {
  schema: "mlship.rollback/v1";
  name: string;
  channel: string;
  place: string;
  from: string | null;
  /** Null when there was no version before the one whose rollout was taken back. */
  to: string | null;
  found: string[];
  /** The rollout under way that was taken back, which was all that had to be done; else null. */
  tookBack: { version: string; driver: string | null } | null;
  /** Null when a rollout under way was taken back. */
  plan: RolloutPlan | null;
  /** Null when the version serves already, or a rollout under way was taken back. */
  rollout: RolloutSummary | null;
  serving: string | null;
  endpoint: string | null;
}

/**
 * Goes back to the version before, or to `to`. Without `to`, a rollout under way is taken back: by the
 * process that drives it, or here when that died.
 */
export async function rollback(
  options: RollbackOptions,
  host: Host,
  selection: ProjectOptions,
): Promise<Result<RollbackDocument>> {
  const { to, now, yes } = options;
  const events = openEvents(options.events, host);
  const opened = await openSiteToChange(host, selection, "mlship rollback", yes);
  if (to === undefined) {
    const taken = await takeBackDriven(opened);
    if (taken !== null) return { document: taken, exit: "done" };
  }
  const before = await opened.target.records.load();
  const { found, site } = await setRight(opened);
  const after = await site.target.records.load();
  const wasLeft = before !== null && !isFinished(before) && after?.outcome !== "promoted";
  if (to === undefined && wasLeft) {
    const tookBack = { version: before.to.version, driver: null };
    const document = await documentOf(site, {
      found,
      tookBack,
      from: before.to.version,
      to: before.from?.version ?? null,
    });
    return { document, exit: "done" };
  }
  return await goBack(site, { to, now, found, events });
}

/** Asks the living driver to take its rollout back; null when there is none, or it was too late for that. */
async function takeBackDriven(site: Site): Promise<RollbackDocument | null> {
  const driven = await drivenNow(site);
  if (driven === null) return null;
  const { record, driver } = driven;
  const outcome = await askDriver(site, "abort", driven);
  if (outcome === null || outcome === "promoted") return null;
  const tookBack = {
    version: record.to.version,
    driver: `${driver.user}@${driver.host} (${driver.doing})`,
  };
  return await documentOf(site, {
    found: [],
    tookBack,
    from: record.to.version,
    to: record.from?.version ?? null,
  });
}

async function goBack(
  site: Site,
  { to, now, found, events }: Pick<RollbackOptions, "to" | "now"> & { found: string[]; events: OpenEvents },
): Promise<Result<RollbackDocument>> {
  const { project, store, target } = site;
  const { name } = project.config;
  const from = productionOf(site);
  const wanted = to ?? (await findPrevious(store, name, project.channel));
  if (wanted === null) throw nothingBefore(name, from);
  const release = await fetchVersion(store, name, wanted);
  const shipping = await shippingOf(site);
  const { revision, image } = await shipping.recall(release);
  const { stable } = await target.observe();
  // The version before has proved itself; what served longer ago is tried out like a new one.
  const isDirect = to === undefined || now;
  const prospects = isDirect ? nothingNeeded : await (await beginCounting(site)).end();
  const planWay = isDirect ? planRollback : planRollout;
  const plan = planWay(rolloutValues(project, prospects), revision, stable);
  const reason = `rollback from ${from ?? "nothing"}`;
  const rollout = plan.kind === "none" ? null : await roll(site, plan, release, { reason, events });
  const document = await documentOf(site, { found, tookBack: null, from, to: wanted, plan, rollout });
  await writeSummary(site.host, { ...document, what: `${name} ${wanted}`, image });
  return { document, exit: rollout === null ? "done" : exitOfRollout(rollout) };
}

async function documentOf(
  { project, target }: Site,
  known: Pick<RollbackDocument, "from" | "to" | "found" | "tookBack"> & Partial<RollbackDocument>,
): Promise<RollbackDocument> {
  const { stable, endpoint } = await target.observe();
  return {
    schema: "mlship.rollback/v1",
    name: project.config.name,
    channel: project.channel,
    place: target.place,
    plan: null,
    rollout: null,
    ...known,
    serving: stable?.version ?? null,
    endpoint,
  };
}

function nothingBefore(name: string, production: string | null): MlshipError {
  return new MlshipError({
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
