// Opens mlship's own store on a test's S3 server, with pauses a hundredth as long as they are for users.
import { setTimeout as wait } from "node:timers/promises";
import type { ObjectStore, Sweeper } from "../../src/artifacts/ports.ts";
import type { ArtifactSettings } from "../../src/config/config.ts";
import { openS3Store, openS3Sweeper } from "../../src/tools/s3/open.ts";
import type { S3Options } from "../../src/tools/s3/open.ts";
import type { Place } from "./ask.ts";
import { plainBucket } from "./plain-bucket.ts";

/** What the project would say. */
export function settingsFor(
  { url, bucket }: Place,
  s3: Partial<ArtifactSettings["s3"]> = {},
): ArtifactSettings {
  return {
    store: `s3://${bucket}/team`,
    singleWriter: false,
    encryption: null,
    s3: { ...plainBucket, endpoint: url, ...s3 },
  };
}

/** The key that test servers know, where the SDK looks for one first, and no other place to look. */
export const testEnvironment = {
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "testsecret",
  AWS_CONFIG_FILE: "/dev/null",
  AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
  AWS_EC2_METADATA_DISABLED: "true",
};

/** What a store is opened with. */
export const quickly: S3Options = {
  signal: new AbortController().signal,
  version: "0.0.0",
  sleep: (ms) => wait(ms / 100),
  now: Date.now,
  silenceMs: 30_000,
};

/** A store below `team/` in the bucket. */
export async function openStore(
  place: Place,
  s3: Partial<ArtifactSettings["s3"]> = {},
  options: Partial<S3Options> = {},
): Promise<ObjectStore> {
  Object.assign(process.env, testEnvironment);
  return await openS3Store(settingsFor(place, s3), { ...quickly, ...options });
}

/** What `mlship gc` may do there. */
export async function openSweeper(place: Place): Promise<Sweeper> {
  Object.assign(process.env, testEnvironment);
  return await openS3Sweeper(settingsFor(place), quickly);
}
