// What has to be there before a model can be rolled out on its target, and how it gets there.
import type { Digest } from "../../digest.ts";
import type { Release } from "../../artifacts/release.ts";
import type { Revision } from "../../rollout/ports.ts";
import type { Locking } from "../candidate.ts";
import type { Judgement } from "../judge.ts";
import type { Site } from "../site.ts";
import { shipToMachine } from "./to-machine.ts";

/** What a dry run says. */
export interface Foreseen {
  /** What would be rolled out. */
  revision: Revision;
  /** What would be made before that, in words and in order; what is there already is said to be. */
  steps: string[];
}

/** All that a rollout needs, made and stored. */
export interface Shipped {
  release: Release;
  revision: Revision;
  /** Reference of the image with its digest; null where none is needed. */
  image: string | null;
  /** Digest of how it is served; null where the release says it all. */
  served: Digest | null;
}

/** The way from a judgement to what can be rolled out. */
export interface Shipping {
  /** Finds out what is missing in mlship.yaml before the long work begins. @throws MlshipError exit 2 */
  check(): void;
  /** The lock that the model is judged in. */
  locking(how: { dryRun: boolean }): Locking;
  /** What `prepare` would do. Stores and sends nothing. */
  foresee(judgement: Judgement): Promise<Foreseen>;
  /** How a release that was made earlier runs here again. @throws MlshipError `rollback.no-image`, exit 2 */
  recall(release: Release): Promise<Shipped>;
  /** Makes, sends and stores; what is there already is left as it is. */
  prepare(judgement: Judgement): Promise<Shipped>;
}

/** The shipping that belongs to the project's target. */
export async function shippingOf(site: Site): Promise<Shipping> {
  if (site.project.config.deploy.target === "local") return shipToMachine(site);
  // Building and pushing is much code that this machine's own servers do not need.
  const { shipToCluster } = await import("./to-cluster.ts");
  return shipToCluster(site);
}
