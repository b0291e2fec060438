// `mlship versions`: what was released, newest first, and where it serves.
import { servingEverywhere } from "../../artifacts/channels.ts";
import { fetchVersion } from "../../artifacts/fetch.ts";
import { inParallel } from "../../artifacts/in-parallel.ts";
import type { Release } from "../../artifacts/release.ts";
import { listVersions } from "../../artifacts/versions.ts";
import type { Host } from "../host.ts";
import { countOf, type NewestOptions } from "../newest.ts";
import { openProject } from "../project.ts";
import type { ProjectOptions, Result, ResultDocument } from "../result.ts";

/** One line of the list. */
export interface ListedVersion extends Pick<Release, "version" | "parent"> {
  /** When and by whom it was released; ISO 8601. */
  at: string;
  actor: string;
  release: Release["digest"];
  verdict: Release["report"]["verdict"];
  headline: Release["report"]["headline"];
  /** Bytes of the model. */
  size: number;
  /** The channels that it serves in. */
  channels: string[];
}

/** mlship.versions/v1 */
export interface VersionsDocument extends ResultDocument {
  schema: "mlship.versions/v1";
  /** When it was looked at, ISO 8601. */
  at: string;
  name: string;
  store: string;
  /** How many versions there are. */
  total: number;
  /** Newest first, in the order of semantic versions. */
  versions: ListedVersion[];
}

/** The newest versions of the project's model. */
export async function listReleased(
  options: NewestOptions,
  host: Host,
  selection: ProjectOptions,
): Promise<Result<VersionsDocument>> {
  const count = countOf(options);
  const { config } = await openProject(host, selection);
  const { name } = config;
  const store = await host.store(config.artifacts);
  const all = (await listVersions(store, name)).toReversed();
  const serving = await servingEverywhere(store, name);
  const listed = async (version: string): Promise<ListedVersion> => {
    const { volatile, digest, report, model, parent } = await fetchVersion(store, name, version);
    const { at, actor } = volatile;
    const { verdict, headline } = report;
    const channels = serving.get(version) ?? [];
    return { version, at, actor, release: digest, verdict, headline, size: model.size, channels, parent };
  };
  return {
    document: {
      schema: "mlship.versions/v1",
      at: host.clock.now().toISOString(),
      name,
      store: store.location,
      total: all.length,
      versions: await inParallel(all.slice(0, count), listed, { signal: host.signal }),
    },
    exit: "done",
  };
}
