// Where a verb that concerns what serves works: project, store, target and the end of the channel's log, opened together.
import { readLast, type ChannelEntry } from "../artifacts/channel.ts";
import type { ObjectStore } from "../artifacts/ports.ts";
import type { Target } from "../rollout/ports.ts";
import { confirmPlace } from "./confirm-place.ts";
import type { Host } from "./host.ts";
import { openStoreToChange } from "./open-store.ts";
import { openProject, type Project } from "./project.ts";
import type { ProjectOptions } from "./result.ts";
import { openTarget } from "./target.ts";

/** Where a command works. */
export interface Site {
  project: Project;
  host: Host;
  store: ObjectStore;
  target: Target;
  /** The last entry of the channel's log when it was read; null when there was none. */
  last: ChannelEntry | null;
  /** The command: `mlship deploy`. */
  doing: string;
}

/** Opens the site to look at it. @throws MlshipError `config.*`, `store.*`, `kubernetes.*` */
export async function openSite(host: Host, selection: ProjectOptions, doing: string): Promise<Site> {
  const project = await openProject(host, selection);
  return await siteOf(project, host, await host.store(project.config.artifacts), doing);
}

/**
 * Opens the site to change it. A place that may be the wrong one is asked about first.
 * @param agreed `--yes`: nothing is asked
 * @throws MlshipError as `openSite`; `place.unconfirmed`, exit 2.
 */
export async function openSiteToChange(
  host: Host,
  selection: ProjectOptions,
  doing: string,
  agreed: boolean,
): Promise<Site> {
  const project = await openProject(host, selection);
  await confirmPlace(project, host, doing, agreed);
  return await siteOf(project, host, await openStoreToChange(host, project), doing);
}

async function siteOf(project: Project, host: Host, store: ObjectStore, doing: string): Promise<Site> {
  const target = await openTarget(project, host, store, doing);
  const last = await readLast(store, project.config.name, project.channel);
  return { project, host, store, target, last, doing };
}

/** The site with the log as it is now. */
export async function readAgain(site: Site): Promise<Site> {
  const { store, project } = site;
  return { ...site, last: await readLast(store, project.config.name, project.channel) };
}

/** The version that the channel's log says serves; null when none does. */
export function productionOf({ last }: Site): string | null {
  return last?.to ?? null;
}
