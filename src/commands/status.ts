// `mlship status`: what runs where and why. Looks, and changes nothing.
import { readChannel, serving, type ChannelEntry } from "../artifacts/channel.ts";
import type { Holder, Observed } from "../rollout/ports.ts";
import { isFinished, type Rollout } from "../rollout/record.ts";
import type { Host } from "./host.ts";
import { openProject } from "./project.ts";
import type { ProjectOptions, Result, ResultDocument } from "./result.ts";
import { openTarget } from "./target.ts";

/** mlship.status/v1 */
export interface StatusDocument extends ResultDocument, Observed {
  schema: "mlship.status/v1";
  /** When it was looked at, ISO 8601. */
  at: string;
  name: string;
  channel: string;
  place: string;
  /** The version that the channel's log says serves. */
  expected: string | null;
  /** The last entry of the channel's log. */
  last: (Pick<ChannelEntry, "action" | "version" | "reason" | "actor"> & { at: string }) | null;
  /** A rollout that is not finished. */
  rollout: (Pick<Rollout, "id" | "phase" | "step" | "share" | "reason"> & { version: string }) | null;
  /** Who drives it; null when nobody does. */
  driver: Holder | null;
}

/** What serves now, beside what should. */
export async function status(host: Host, selection: ProjectOptions): Promise<Result<StatusDocument>> {
  const project = await openProject(host, selection);
  const { name } = project.config;
  const store = await host.store(project.config.artifacts.store);
  const target = await openTarget(project, host, store);
  const entries = await readChannel(store, name, project.channel);
  const last = entries.at(-1);
  const record = await target.records.load();
  const unfinished = record !== null && !isFinished(record) ? record : null;
  const document: StatusDocument = {
    schema: "mlship.status/v1",
    at: host.clock.now().toISOString(),
    name,
    channel: project.channel,
    place: target.place,
    ...(await target.observe()),
    expected: serving(entries),
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
    },
    driver: await target.lock.holder(),
  };
  return { document, exit: "done" };
}
