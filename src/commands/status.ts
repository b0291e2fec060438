// `mlship status`: what runs where and why. Looks, and changes nothing.
import type { ChannelEntry } from "../artifacts/channel.ts";
import type { Holder, Observed } from "../rollout/ports.ts";
import { isFinished, type Rollout } from "../rollout/record.ts";
import type { Host } from "./host.ts";
import type { ProjectOptions, Result, ResultDocument } from "./result.ts";
import { viewOf, type RolloutView } from "./rollout-view.ts";
import { openSite, productionOf, readAgain, type Site } from "./site.ts";
import { watchRollout } from "./watch-rollout.ts";

/** mlship.status/v1 */
export interface StatusDocument extends ResultDocument, Observed {
  schema: "mlship.status/v1";
  /** When it was looked at, ISO 8601. */
  at: string;
  name: string;
  channel: string;
  place: string;
  /** What splits the traffic; null on this machine, where the gateway does. */
  split: string | null;
  /** The version that the channel's log says serves. */
  expected: string | null;
  /** The last entry of the channel's log. */
  last: (Pick<ChannelEntry, "action" | "version" | "reason" | "actor"> & { at: string }) | null;
  /** A rollout that is not finished. */
  rollout:
    | (Pick<Rollout, "id" | "phase" | "step" | "share" | "reason"> & { version: string; view: RolloutView })
    | null;
  /** Who drives it; null when nobody does. */
  driver: Holder | null;
}

/** What serves now, beside what should. `watch` follows a rollout until it ends, or Ctrl-C. */
export async function status(
  { watch }: { watch: boolean },
  host: Host,
  selection: ProjectOptions,
): Promise<Result<StatusDocument>> {
  const site = await openSite(host, selection, "mlship status");
  if (!watch) return { document: await statusOf(site), exit: "done" };
  const isOver = await watchRollout(site);
  return { document: await statusOf(await readAgain(site)), exit: isOver ? "done" : "interrupted" };
}

async function statusOf(site: Site): Promise<StatusDocument> {
  const { project, host, target, last } = site;
  const { name, deploy } = project.config;
  const record = await target.records.load();
  const unfinished = record !== null && !isFinished(record) ? record : null;
  return {
    schema: "mlship.status/v1",
    at: host.clock.now().toISOString(),
    name,
    channel: project.channel,
    place: target.place,
    split: deploy.target === "kubernetes" ? deploy.canary.split : null,
    ...(await target.observe()),
    expected: productionOf(site),
    last: last
      ? {
          action: last.action,
          version: last.version,
          reason: last.reason,
          actor: last.actor,
          at: last.volatile.at,
        }
      : null,
    rollout: unfinished && {
      id: unfinished.id,
      version: unfinished.to.version,
      phase: unfinished.phase,
      step: unfinished.step,
      share: unfinished.share,
      reason: unfinished.reason,
      view: viewOf(unfinished),
    },
    driver: await target.lock.holder(),
  };
}
