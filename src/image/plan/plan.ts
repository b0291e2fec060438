// The build plan: what an image is made of, layer by layer, as data that any builder can carry out.
import type { Platform } from "../../config/image-keys.ts";
import { digestDocument, type Digest } from "../../digest.ts";
import type { ReadLock } from "../lock/lock.ts";

/** The layers above the base, in this order: what changes least comes first. */
export const layerNames = ["environment", "server", "model", "runtime"] as const;
export type LayerName = (typeof layerNames)[number];

/** One layer above the base. */
export interface PlannedLayer {
  name: LayerName;
  /** Digest over everything that the layer's bytes follow from: equal inputs give equal bytes. */
  inputs: Digest;
  /** For people: `23 packages`, `model.joblib, 1.2 MB`. */
  about: string;
}

/** The configuration of the image, beside what it inherits from its base. */
export interface ImageConfig {
  /** `65532:65532` */
  user: string;
  workingDir: string;
  env: Record<string, string>;
  entrypoint: string[];
  healthcheck: { test: string[]; intervalMs: number; timeoutMs: number; startPeriodMs: number };
  stopSignal: "SIGTERM";
  exposedPort: number;
  labels: Record<string, string>;
}

/** `mlship.build-plan/v1` */
export interface BuildPlan {
  schema: "mlship.build-plan/v1";
  name: string;
  version: string;
  platforms: Platform[];
  base: {
    /** In full, with tag: `docker.io/library/python:3.12-slim`. */
    reference: string;
    /** Of the index, or of the manifest where there is no index. */
    digest: Digest;
    platforms: Partial<Record<Platform, Digest>>;
  };
  layers: PlannedLayer[];
  /** Per platform the same but for what the platform decides. */
  config: ImageConfig;
  /** Digest of the Dockerfile's text. */
  dockerfile: Digest;
  /** Seconds since 1970 that every file and the configuration carry. */
  sourceDateEpoch: 0;
  /** Digests of the documents that the image is built from. */
  evidence: { model: Digest; lock: Digest; report: Digest };
  /** What the first build of the plan is labelled with, and what a later one need not be: no part of the digest. */
  volatile: {
    /** Commit of the project; `-dirty` behind it when files differ from it. */
    revision: string | null;
    /** Where the project's source is: `https://github.com/acme/fraud`. */
    source: string | null;
  };
  digest: Digest;
}

/** What a plan is made of. */
export interface PlanParts {
  name: string;
  version: string;
  lock: ReadLock;
  layers: PlannedLayer[];
  config: ImageConfig;
  /** Digest of the Dockerfile's text. */
  dockerfile: Digest;
  model: Digest;
  report: Digest;
  revision: string | null;
  source: string | null;
}

/** Puts the parts together; the digest is over all of them but revision and source. */
export function makePlan({
  name,
  version,
  lock: read,
  layers,
  config,
  dockerfile,
  ...parts
}: PlanParts): BuildPlan {
  const { reference, digest, platforms } = read.lock.base;
  const manifests: BuildPlan["base"]["platforms"] = {};
  for (const platform of read.lock.inputs.platforms) {
    const found = platforms[platform];
    if (found !== undefined) manifests[platform] = found.manifest;
  }
  const plan = {
    schema: "mlship.build-plan/v1" as const,
    name,
    version,
    platforms: read.lock.inputs.platforms,
    base: { reference, digest, platforms: manifests },
    layers,
    config,
    dockerfile,
    sourceDateEpoch: 0 as const,
    evidence: { model: parts.model, lock: read.digest, report: parts.report },
    volatile: { revision: parts.revision, source: parts.source },
  };
  return { ...plan, digest: digestDocument(plan) };
}

/** Build arguments that a builder passes on: what the Dockerfile cannot say, because it lies in the repository. */
export function buildArguments({ volatile: { revision, source } }: BuildPlan): Record<string, string> {
  return {
    SOURCE_DATE_EPOCH: "0",
    ...(revision === null ? {} : { REVISION: revision }),
    ...(source === null ? {} : { SOURCE: source }),
  };
}
