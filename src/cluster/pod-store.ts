// Whether pods can read the project's store, and how they reach it.
import type { ArtifactSettings } from "../config/config.ts";
import { MlshipError } from "../errors.ts";
import type { PodStore } from "./served.ts";

/**
 * The store as pods reach it.
 * @throws MlshipError `cluster.store`, exit 2, for a store that they cannot read: one that is no S3
 *   bucket, or whose objects only a key of this machine opens.
 */
export function podStoreOf({ store, encryption, s3 }: ArtifactSettings): PodStore {
  if (!store.startsWith("s3://")) {
    throw unreadable(
      `artifacts.store is ${JSON.stringify(store)}, which pods cannot read`,
      "set artifacts.store to s3://BUCKET/PREFIX, or image.delivery to baked",
    );
  }
  if (encryption !== null) {
    throw unreadable(
      "artifacts.encryption keeps the model's key on this machine",
      "set image.delivery to baked, or encrypt by artifacts.s3.encryption: kms instead",
    );
  }
  if (s3.encryption === "customer") {
    throw unreadable(
      "artifacts.s3.encryption is customer, whose key pods do not have",
      "set image.delivery to baked, or artifacts.s3.encryption to kms",
    );
  }
  return { store, endpoint: s3.endpoint, region: s3.region, pathStyle: s3.pathStyle };
}

function unreadable(why: string, fix: string): MlshipError {
  return new MlshipError({
    code: "cluster.store",
    what: "image.delivery is s3, and pods cannot fetch the model from the store",
    why,
    fix,
    exit: "usage",
  });
}
