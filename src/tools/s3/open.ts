// Opens a bucket: finds the account, the server and the protection, all on first use of the SDK.
import type { ObjectStore, Sweeper } from "../../artifacts/ports.ts";
import type { ArtifactSettings } from "../../config/config.ts";
import { openAccount } from "./account.ts";
import { Bucket } from "./bucket.ts";
import { parseLocation } from "../../artifacts/location.ts";
import { openProtection } from "./protection.ts";
import { createS3Store } from "./store.ts";
import { createS3Sweeper } from "./sweeper.ts";
import { createWire } from "./wire.ts";

export interface S3Options {
  signal: AbortSignal;
  /** Version of mlship, for the server's log. */
  version: string;
  sleep(ms: number): Promise<void>;
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds without a byte after which a connection is given up. */
  silenceMs?: number;
}

/** A server that assembles a large object says nothing for a while. */
const usualSilence = 60_000;

/**
 * The store at `settings.store`, an address of a bucket.
 * @throws MlshipError `store.bad-address`, `store.key-file`, `store.encryption`, exit 2. Nothing is
 *   asked of the server yet.
 */
export async function openS3Store(settings: ArtifactSettings, options: S3Options): Promise<ObjectStore> {
  const bucket = await openBucket(settings, options);
  return createS3Store(bucket, await openProtection(bucket, settings.s3));
}

/** What `mlship gc` may do there. @throws as {@link openS3Store} */
export async function openS3Sweeper(settings: ArtifactSettings, options: S3Options): Promise<Sweeper> {
  return createS3Sweeper(await openBucket(settings, options));
}

/** The bucket itself. @throws MlshipError `store.bad-address`, exit 2. */
export async function openBucket({ store, s3 }: ArtifactSettings, options: S3Options): Promise<Bucket> {
  const { signal, version, silenceMs = usualSilence } = options;
  const location = parseLocation(store);
  return new Bucket({
    location,
    account: await openAccount(location, s3),
    wire: createWire({ signal, silenceMs, userAgent: `mlship/${version}` }),
    now: () => options.now(),
    sleep: (ms) => options.sleep(ms),
  });
}
