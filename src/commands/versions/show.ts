// `mlship versions show`: all that is known of one version.
import { fetchNamed, servingEverywhere } from "../../artifacts/channels.ts";
import { fetchBlob, fetchLock } from "../../artifacts/fetch.ts";
import type { Release } from "../../artifacts/release.ts";
import type { Digest } from "../../digest.ts";
import { reportSchema, type Report } from "../../validation/report.ts";
import type { Host } from "../host.ts";
import { openProject } from "../project.ts";
import type { ProjectOptions, Result, ResultDocument } from "../result.ts";
import { servedOf } from "../ship/served-store.ts";

/** How a version was given to a cluster. */
export interface ServedImage {
  channel: string;
  /** Reference with its digest. */
  image: string;
  /** Of the served document. */
  digest: Digest;
}

/** mlship.details/v1 */
export interface DetailsDocument extends ResultDocument {
  schema: "mlship.details/v1";
  /** When it was looked at, ISO 8601. */
  at: string;
  store: string;
  release: Release;
  report: Report;
  /** Distributions of its environment: `numpy==2.1.0`. */
  packages: string[];
  /** The channels that it serves in. */
  channels: string[];
  served: ServedImage[];
}

/** The version, or the one that serves in a channel. @param typed `1.4.0` or `production` */
export async function showReleased(
  typed: string,
  host: Host,
  selection: ProjectOptions,
): Promise<Result<DetailsDocument>> {
  const { config } = await openProject(host, selection);
  const store = await host.store(config.artifacts);
  const release = await fetchNamed(store, config.name, typed);
  const { name, version } = release;
  const report = Buffer.from(await fetchBlob(store, release.report.file)).toString("utf8");
  const { requirements } = await fetchLock(store, release);
  const served = await servedOf(store, name, version);
  return {
    document: {
      schema: "mlship.details/v1",
      at: host.clock.now().toISOString(),
      store: store.location,
      release,
      report: reportSchema.parse(JSON.parse(report)),
      packages: [...requirements.matchAll(/^[A-Za-z0-9][\w.-]*==[^\s;\\]+/gm)].map(([pin]) => pin),
      channels: (await servingEverywhere(store, name)).get(version) ?? [],
      served: served.map(({ channel, document: { image, digest } }) => ({ channel, image, digest })),
    },
    exit: "done",
  };
}
