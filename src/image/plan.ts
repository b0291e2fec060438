// The build plan: what an image is made of, layer by layer, as data that any builder can carry out.
import type { Platform } from "../config/image-keys.ts";
import type { Digest } from "../digest.ts";

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
  digest: Digest;
}
