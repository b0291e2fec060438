// What Kubernetes objects are made from: one release, its image, and how it is to be served.
import type { Config } from "../config/config.ts";
import type { Digest } from "../digest.ts";
import type { ModelFile } from "../model/model.ts";

/** How the model's files get into a pod. */
export type ModelSource =
  /** They are a layer of the image. */
  | { kind: "baked" }
  /** They are an image of their own, files below `app/model`. */
  | { kind: "image-volume"; reference: string }
  /** They are blobs of a store that an init container fetches and verifies. */
  | ({ kind: "s3"; files: readonly ModelFile[] } & PodStore);

/** A store as a pod reaches it; credentials are the pod's own. */
export interface PodStore {
  /** `s3://BUCKET/PREFIX` */
  store: string;
  /** Address of the server; null for AWS, or what the pod's environment says. */
  endpoint: string | null;
  /** Null for what the pod's environment says. */
  region: string | null;
  pathStyle: Config["artifacts"]["s3"]["pathStyle"];
}

/** One release on its way to a cluster. */
export interface Served {
  /** Name of the model: a DNS label. */
  name: string;
  version: string;
  /** Id of the revision, a DNS label that starts with a letter; see `rollout/revision.ts`. */
  revision: string;
  /** Reference of the image, with its digest once it was pushed. */
  image: string;
  model: ModelSource;
  serve: Config["serve"];
  deploy: Config["deploy"];
  /** Digests of the documents that the image is built from. */
  evidence: { plan: Digest; model: Digest; lock: Digest; report: Digest };
}

/** The port that the server listens on in its pod: above 1024, as it is not root. Users come by the Service's. */
export const containerPort = 8080;

/** Where the model's files are in a pod, as in the image. */
export const modelFolder = "/app/model";
