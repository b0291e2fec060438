// `mlship versions tag`: lets a channel stand for a version, where no target serves by it.
import { fetchNamed } from "../../artifacts/channels.ts";
import { tagRelease, type Tagged } from "../../artifacts/tag.ts";
import { requireChannelName } from "../channel-name.ts";
import type { Host } from "../host.ts";
import { openStoreToChange } from "../open-store.ts";
import { openProject } from "../project.ts";
import type { ProjectOptions, Result, ResultDocument } from "../result.ts";

/** What to tag, and why. */
export interface TagOptions {
  /** A version, or the channel whose version is meant. */
  version: string;
  channel: string;
  reason: string | undefined;
}

/** mlship.tag/v1 */
export interface TagDocument extends ResultDocument, Tagged {
  schema: "mlship.tag/v1";
  name: string;
  channel: string;
  version: string;
}

/** Appends the tag to the channel's log. */
export async function tag(
  { version: typed, channel: wanted, reason }: TagOptions,
  host: Host,
  selection: ProjectOptions,
): Promise<Result<TagDocument>> {
  const project = await openProject(host, selection);
  const channel = requireChannelName(wanted);
  const store = await openStoreToChange(host, project);
  const release = await fetchNamed(store, project.config.name, typed);
  const { name, version } = release;
  const tagged = await tagRelease(store, release, channel, {
    reason: reason ?? `tag of ${version}`,
    actor: `${host.actor.user}@${host.actor.host}`,
    nonce: host.nonce(),
    at: host.clock.now().toISOString(),
  });
  return { document: { schema: "mlship.tag/v1", name, channel, version, ...tagged }, exit: "done" };
}
