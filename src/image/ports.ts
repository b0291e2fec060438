// What the image room needs from the outside world: registries, builders, and an engine that runs images.
import type { Readable } from "node:stream";
import type { Platform } from "../config/image-keys.ts";
import type { Digest } from "../digest.ts";
import type { Columns, Predictions } from "../validation/ports.ts";
import type { BuildPlan } from "./plan/plan.ts";
import type { Reference } from "./oci/reference.ts";

/** A manifest or index as the registry stores it, byte for byte. */
export interface StoredManifest {
  bytes: Uint8Array;
  mediaType: string;
  digest: Digest;
}

/** Bytes on the way to a registry. */
export interface UploadBlob {
  digest: Digest;
  /** Bytes. */
  size: number;
  /** The bytes from an offset on; called again when an upload was cut. */
  open(from: number): Readable;
  /** Another repository of the same registry that may have the blob: then it need not travel. */
  mountFrom?: string | undefined;
}

/** A manifest that a registry has taken. */
export interface PushedManifest {
  /** As the registry reports it. */
  digest: Digest;
  /** Whether the registry lists it among the referrers of its `subject` by itself. */
  listed: boolean;
}

/**
 * One registry, with the credentials that Docker has for it.
 * All methods throw MlshipError `registry.*`, exit 5: unreachable, denied, missing repository, too
 * large, rate limit; each says how to fix it.
 */
export interface Registry {
  /** By digest when the reference has one, by tag otherwise. Null when there is none. */
  manifest(reference: Reference): Promise<StoredManifest | null>;
  /** A small blob, such as an image's configuration; its digest is checked. */
  blob(reference: Reference, digest: Digest): Promise<Uint8Array>;
  hasBlob(reference: Reference, digest: Digest): Promise<boolean>;
  /**
   * Uploads a blob in pieces and goes on where a cut upload ended.
   * @param onBytes told how many bytes more the registry has taken
   * @returns false when the registry took it over from `mountFrom`, and no byte travelled
   */
  pushBlob(reference: Reference, blob: UploadBlob, onBytes: (bytes: number) => void): Promise<boolean>;
  /** @param name a tag, or the manifest's own digest. */
  pushManifest(reference: Reference, manifest: StoredManifest, name: string): Promise<PushedManifest>;
  /** Manifests whose `subject` is this digest (OCI 1.1 referrers); those of registries without them too. */
  referrers(reference: Reference, subject: Digest): Promise<Descriptor[]>;
}

/** An OCI descriptor. */
export interface Descriptor {
  mediaType: string;
  digest: Digest;
  size: number;
  platform?: { architecture: string; os: string; variant?: string };
  artifactType?: string;
  annotations?: Record<string, string>;
}

/** A secret that a build may read, by its name in the Dockerfile. The value is in this variable of the environment. */
export interface BuildSecret {
  id: string;
  variable: string;
}

/** What a build tells while it runs. */
export type BuildEvent =
  /** An instruction began, ended, or was taken from the cache. */
  | { kind: "step"; id: string; name: string; state: "started" | "done" | "cached" | "failed" }
  /** A line that an instruction printed. */
  | { kind: "output"; id: string; line: string };

export interface BuildRequest {
  plan: BuildPlan;
  /** Absolute folder: Dockerfile and all that it copies, nothing else. */
  contextFolder: string;
  /** Absolute folder that does not exist yet: gets an OCI image layout (oci-layout, index.json, blobs). */
  layoutFolder: string;
  secrets: readonly BuildSecret[];
  /** Takes nothing from the cache: what `--verify` and the first build of a doubt need. */
  noCache: boolean;
  /**
   * Whether the files of layers may carry times of their own, so that the builder has to set them: an
   * instruction of somebody's own template leaves them. It costs another compression of every layer.
   */
  hasTimes: boolean;
  onEvent: (event: BuildEvent) => void;
}

/**
 * Carries a build plan out: whoever can turn plan and context into an OCI image layout is a builder.
 * `docker buildx` and the Docker Engine are two; one that needs no engine can be a third.
 */
export interface Builder {
  /** For people and for the record: `buildx testbed, BuildKit v0.31.2`, `Docker Engine 26.1.5`. */
  readonly name: string;
  /** Platforms that it can build the plan for. */
  readonly platforms: readonly Platform[];
  /**
   * Writes the layout; nothing of it stays when the build fails or is interrupted.
   * @throws MlshipError `build.*`: `build.failed`, exit 5, with the instruction and its output;
   *   `build.disk-full`, `build.engine-lost` …
   */
  build(request: BuildRequest): Promise<void>;
}

/** Whose images and containers these are, so that what a killed build left is found. */
export interface Owner {
  /** The project on this machine: a few hexadecimal digits. */
  project: string;
  /** One run of `mlship build`. */
  build: string;
}

/**
 * An engine that runs images on this machine.
 * All methods throw MlshipError `docker.*`, exit 5, for an engine that is not there, or refuses.
 */
export interface Engine {
  /** `Docker Engine 26.1.5` */
  readonly name: string;
  /** The platform that it runs images of without emulation. */
  readonly platform: Platform;
  /** Takes the image of one platform out of an OCI layout. @returns the engine's name for it. */
  load(layoutFolder: string, platform: Platform, owner: Owner): Promise<string>;
  /**
   * Starts it read-only, as its own user, without privileges, without a way out to any network,
   * with one port on loopback.
   */
  start(image: string, limits: Limits, owner: Owner): Promise<Container>;
  /** Removes an image that `load` took in. */
  remove(image: string): Promise<void>;
  /** Removes what builds of this project left, except those that go on. */
  sweep(project: string, alive: readonly string[]): Promise<void>;
}

/** What a container may use, and where it is asked. */
export interface Limits {
  /** Bytes. */
  memory: number;
  /** Processes and threads. */
  pids: number;
  /** The port that it listens on. */
  port: number;
  /** A folder that it sees, read-only: the model, where it is no layer of the image. */
  files: { from: string; to: string } | null;
}

/** A container that runs. Removed by `remove` whatever has become of it. */
export interface Container {
  /** Where its port answers on this machine: `http://127.0.0.1:32768`. */
  readonly url: string;
  /** Whether it runs, and how it ended when it does not. */
  state(): Promise<{ running: boolean; exitCode: number | null; outOfMemory: boolean }>;
  /** The last lines that it printed. */
  logs(lines: number): Promise<string>;
  /** Resident memory in bytes. */
  memory(): Promise<number>;
  /** Sends SIGTERM and waits for the end. @returns its exit code; null when it had to be killed. */
  stop(graceMs: number): Promise<number | null>;
  remove(): Promise<void>;
}

/** Asks a server for predictions. */
export type Ask = (url: string, columns: Columns, timeoutMs: number) => Promise<Predictions>;

/** A server as its users see it. */
export interface Asking {
  /** Whether it answers that it is ready. */
  isReady(url: string): Promise<boolean>;
  /** @throws MlshipError `image.no-answer`, exit 3, when it refuses, fails, or breaks the connection. */
  ask: Ask;
}
