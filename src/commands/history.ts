// `mlship history`: the channel's log, newest first: what was promoted, refused and taken back, and why.
import { readChannel, type ChannelEntry } from "../artifacts/channel.ts";
import type { Host } from "./host.ts";
import { openProject } from "./project.ts";
import type { ProjectOptions, Result, ResultDocument } from "./result.ts";

/** mlship.history/v1 */
export interface HistoryDocument extends ResultDocument {
  schema: "mlship.history/v1";
  /** When it was looked at, ISO 8601. */
  at: string;
  name: string;
  channel: string;
  store: string;
  /** Newest first. */
  entries: ChannelEntry[];
}

/** The ledger of the project's channel, its hash chain checked. */
export async function history(host: Host, selection: ProjectOptions): Promise<Result<HistoryDocument>> {
  const { config, channel } = await openProject(host, selection);
  const store = await host.store(config.artifacts);
  const entries = (await readChannel(store, config.name, channel)).toReversed();
  return {
    document: {
      schema: "mlship.history/v1",
      at: host.clock.now().toISOString(),
      name: config.name,
      channel,
      store: store.location,
      entries,
    },
    exit: "done",
  };
}
