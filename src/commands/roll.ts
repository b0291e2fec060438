// Rolls a release out on a target and shows how it goes: shared by deploy and rollback.
import type { Release } from "../artifacts/release.ts";
import type { Driving, News } from "../rollout/driver.ts";
import { drive, reconcile } from "../rollout/engine.ts";
import { beginRollout, type RolloutPlan, type RolloutValues } from "../rollout/plan.ts";
import type { Revision, Target } from "../rollout/ports.ts";
import type { Failure, Rollout } from "../rollout/record.ts";
import { holderOf } from "./host.ts";
import { openLedger } from "./ledger.ts";
import type { Project } from "./project.ts";
import type { Listener, OpenEvents } from "./rollout-events.ts";
import type { Prospects } from "./prospects.ts";
import { showRollout } from "./show-rollout.ts";
import { productionOf, readAgain, type Site } from "./site.ts";
import { fetchGolden } from "./target.ts";

/** The outcome of a rollout as documents carry it. */
export interface RolloutSummary {
  outcome: Exclude<Rollout["outcome"], null>;
  why: Failure | null;
  verdict: Rollout["verdict"];
  /** Rows that were replayed before any user request, and how the answers compared. */
  golden: Rollout["golden"];
  interrupted: boolean;
  /** The last line that the canary's servers logged, when it failed requests. */
  lastWords: string | null;
}

/** What the project says about its rollouts, and what they can count on where they happen. */
export function rolloutValues(
  { config, channel }: Project,
  { reachable, requestsPerSecond }: Prospects,
): RolloutValues {
  const { steps, intervalMs, maxHarm, maxSlowdown, maxShift } = config.deploy.canary;
  const { holdMs, bakeMs, startTimeoutMs, prometheus } = config.deploy.canary;
  return {
    name: config.name,
    channel,
    strategy: config.deploy.strategy,
    steps,
    intervalMs,
    maxHarm,
    maxSlowdown,
    maxShift,
    reachable,
    holdMs,
    bakeMs,
    startTimeoutMs,
    requestsPerSecond,
    watched: prometheus && { queries: prometheus.queries, namespace: config.deploy.namespace },
  };
}

/**
 * Serves again what should serve, and finishes or takes back what a killed command left.
 * @returns what was found and done, in sentences, and the site as it is afterwards
 * @throws MlshipError `rollout.locked`, exit 6, when another command drives a rollout now
 */
export async function setRight(site: Site): Promise<{ found: string[]; site: Site }> {
  const recovered = await site.target.recover();
  const { said } = await reconcile(drivingOf(site, () => {}));
  const found = [...recovered, ...said];
  for (const sentence of found) site.host.progress.note(sentence);
  // What was finished or taken back has its entry in the log by now.
  return { found, site: said.length === 0 ? site : await readAgain(site) };
}

/** Drives a planned rollout of a release to its end. */
export async function roll(
  site: Site,
  plan: RolloutPlan,
  release: Release,
  { reason, events }: { reason: string; events: OpenEvents },
): Promise<RolloutSummary> {
  const { host, store, target } = site;
  const { name, channel, to } = plan;
  const listeners = [showRollout(host.progress), events({ name, channel, version: to.version })];
  const driving = drivingOf(site, (news) => tellAll(listeners, news));
  const { prometheus } = site.project.config.deploy.canary;
  const isAsked = prometheus !== undefined && plan.plan.queries !== undefined;
  const metrics = isAsked ? await host.metrics(prometheus.url) : null;
  const golden = await fetchGolden(store, release);
  const begun = beginRollout(plan, {
    id: host.nonce(),
    reason,
    holder: driving.holder,
    now: host.clock.now(),
  });
  try {
    const rollout = await drive({ ...driving, metrics, rollout: begun, golden });
    const { outcome, why, verdict, interrupted } = rollout;
    for (const listener of listeners) listener.end(rollout);
    const lastWords = verdict !== null && verdict.canaryErrors > 0 ? await lastLine(target, to) : null;
    return { outcome: outcome ?? "failed", why, verdict, golden: rollout.golden, interrupted, lastWords };
  } catch (error) {
    for (const listener of listeners) listener.end(null);
    throw error;
  }
}

function tellAll(listeners: Listener[], news: News): void {
  for (const listener of listeners) listener.news(news);
}

async function lastLine(target: Target, revision: Revision): Promise<string | null> {
  const line = (await target.logs(revision, 1)).trim();
  // Without the time and the number of the server, which stand before every line.
  return line === "" ? null : line.replace(/^\S+Z \[\d+\] */, "");
}

function drivingOf(site: Site, onEvent: (news: News) => void): Driving {
  const { project, host, store, target, doing } = site;
  const { clock, signal } = host;
  const ledger = openLedger(store, project, productionOf(site));
  return { target, ledger, holder: holderOf(host, doing), clock, signal, onEvent };
}
