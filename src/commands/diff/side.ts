// One side of `mlship diff`: a stored version, or what a channel serves.
import { servingIn } from "../../artifacts/channel.ts";
import { fetchBlob, fetchVersion } from "../../artifacts/fetch.ts";
import type { ObjectStore } from "../../artifacts/ports.ts";
import type { Blob, Release } from "../../artifacts/release.ts";
import { isVersion } from "../../artifacts/semver.ts";
import type { Served } from "../../cluster/served.ts";
import type { Digest } from "../../digest.ts";
import { MlshipError } from "../../errors.ts";
import type { Lock } from "../../image/lock/lock.ts";
import { parseLock } from "../../image/lock/text.ts";
import type { FileSet } from "../../model/model.ts";
import type { CalledAs } from "../../model/signature-change.ts";
import { reportSchema, type Report } from "../../validation/report.ts";
import { requireChannelName } from "../channel-name.ts";
import type { Project } from "../project.ts";
import { servedOf } from "../ship/served-store.ts";

/** All that two sides are compared by. */
export interface Side {
  /** As it was asked for: a version, a channel, or `.` */
  asked: string;
  version: string;
  /** Null for what is not released. */
  release: Digest | null;
  report: Report;
  signature: CalledAs;
  model: FileSet & { format: string };
  environment: {
    /** Of the Python environment that it was judged in. */
    digest: Digest;
    python: string;
    /** Of mlship's server in it. */
    server: Digest;
    /** mlship.lock; null where there is none. */
    lock: Lock | null;
    /** Pins of that environment; null where they are not known. */
    requirements: string | null;
  };
  /** Reference by digest; null where none is known. */
  image: string | null;
  /** How it is served on a cluster; null where it is not. */
  served: Pick<Served, "serve" | "deploy" | "model"> | null;
  /** Null outside git. */
  code: { commit: string; dirty: boolean } | null;
}

/**
 * The side that a version or a channel stands for.
 * @throws MlshipError `version.unknown`, `diff.nothing-serves`, `channel.name`, exit 2
 */
export async function storedSide(store: ObjectStore, project: Project, asked: string): Promise<Side> {
  const { name } = project.config;
  const channel = isVersion(asked) ? project.channel : requireChannelName(asked);
  const version = isVersion(asked) ? asked : await servingVersion(store, name, channel);
  return await sideOf(store, await fetchVersion(store, name, version), { asked, channel });
}

async function servingVersion(store: ObjectStore, name: string, channel: string): Promise<string> {
  const version = await servingIn(store, name, channel);
  if (version !== null) return version;
  throw new MlshipError({
    code: "diff.nothing-serves",
    what: `no version of ${name} serves in channel ${channel}`,
    fix: "name two versions, or another channel, such as mlship diff 1.0.0 1.1.0",
    exit: "usage",
  });
}

async function sideOf(
  store: ObjectStore,
  release: Release,
  { asked, channel }: { asked: string; channel: string },
): Promise<Side> {
  const { name, version, bundle, model, python, lock } = release;
  const textOf = async (blob: Blob) => Buffer.from(await fetchBlob(store, blob)).toString("utf8");
  const [report, requirements, lockText, served] = await Promise.all([
    textOf(release.report.file),
    textOf(python.requirements),
    lock === undefined ? null : textOf(lock.file),
    servedOf(store, name, version),
  ]);
  const last = served.findLast((one) => one.channel === channel) ?? served.at(-1);
  return {
    asked,
    version,
    release: release.digest,
    report: reportSchema.parse(JSON.parse(report)),
    signature: bundle,
    model: { ...model, format: bundle.format },
    environment: {
      digest: python.digest,
      python: python.python,
      server: python.server.digest,
      lock: lockText === null ? null : parseLock(lockText).lock,
      requirements,
    },
    image: last?.document.image ?? release.image?.reference ?? null,
    served: last?.document ?? null,
    code: release.lineage,
  };
}
