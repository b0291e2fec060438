// `mlship history`: the channel's log, newest first: what was promoted, refused and taken back, and why.
import { readNewest, type ChannelEntry } from "../artifacts/channel.ts";
import { requireChannelName } from "./channel-name.ts";
import type { Host } from "./host.ts";
import { countOf, type NewestOptions } from "./newest.ts";
import { openProject } from "./project.ts";
import type { ProjectOptions, Result, ResultDocument } from "./result.ts";

/** Which part of which log. */
export interface HistoryOptions extends NewestOptions {
  /** Instead of the project's own. */
  channel: string | undefined;
}

/** mlship.history/v1 */
export interface HistoryDocument extends ResultDocument {
  schema: "mlship.history/v1";
  /** When it was looked at, ISO 8601. */
  at: string;
  name: string;
  channel: string;
  store: string;
  /** How many entries the channel has. */
  total: number;
  /** Newest first. */
  entries: ChannelEntry[];
}

/** The newest entries of a channel's log, their hash chain checked. */
export async function history(
  options: HistoryOptions,
  host: Host,
  selection: ProjectOptions,
): Promise<Result<HistoryDocument>> {
  const count = countOf(options);
  const project = await openProject(host, selection);
  const channel = options.channel === undefined ? project.channel : requireChannelName(options.channel);
  const { artifacts, name } = project.config;
  const store = await host.store(artifacts);
  const entries = (await readNewest(store, name, channel, count)).toReversed();
  return {
    document: {
      schema: "mlship.history/v1",
      at: host.clock.now().toISOString(),
      name,
      channel,
      store: store.location,
      total: entries[0]?.seq ?? 0,
      entries,
    },
    exit: "done",
  };
}
