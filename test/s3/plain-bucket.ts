// A bucket of which mlship.yaml says nothing but its name.
import type { ArtifactSettings } from "../../src/config/config.ts";

/** `artifacts.s3` as it is by default. */
export const plainBucket: ArtifactSettings["s3"] = {
  endpoint: null,
  region: null,
  pathStyle: "auto",
  profile: null,
  encryption: "bucket",
  kmsKey: null,
  customerKeyFile: null,
  lock: null,
};
