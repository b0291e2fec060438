// Opens the store that a location names: a folder of this machine or a bucket, encrypted or not.
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { isInBucket } from "../artifacts/location.ts";
import type { ObjectStore, Sweeper } from "../artifacts/ports.ts";
import type { ArtifactSettings } from "../config/config.ts";
import type { S3Options } from "./s3/open.ts";
import type { StoreKeys } from "./sealing/store-key.ts";

/** What a store is opened with. */
export interface StoreOptions {
  /** The folder that people see paths from. */
  cwd: string;
  /** Folder of this user for what can be made again. */
  cacheFolder: string;
  s3: S3Options;
}

/** @throws MlshipError `store.*`, exit 2 or 5, for a place that cannot be reached. */
export async function openStore(settings: ArtifactSettings, options: StoreOptions): Promise<ObjectStore> {
  const store = await openPlace(settings, options);
  const { encryption, s3 } = settings;
  if (encryption === null) {
    const { createKeylessStore } = await import("./sealing/keyless-store.ts");
    return createKeylessStore(store);
  }
  const [{ createSealedStore }, keys] = await Promise.all([
    import("./sealing/sealed-store.ts"),
    openKeys(encryption, s3, options.s3.signal),
  ]);
  return createSealedStore(store, keys, join(options.cacheFolder, "sealing"));
}

async function openPlace(settings: ArtifactSettings, { cwd, s3 }: StoreOptions): Promise<ObjectStore> {
  if (isInBucket(settings.store)) return (await import("./s3/open.ts")).openS3Store(settings, s3);
  const { createFolderStore } = await import("./folder-store.ts");
  return createFolderStore(...folderOf(settings, cwd));
}

/** What `mlship gc` alone may do to a store. @throws as {@link openStore} */
export async function openSweeper(settings: ArtifactSettings, { cwd, s3 }: StoreOptions): Promise<Sweeper> {
  if (isInBucket(settings.store)) return (await import("./s3/open.ts")).openS3Sweeper(settings, s3);
  const { createFolderSweeper } = await import("./folder-sweeper.ts");
  return createFolderSweeper(...folderOf(settings, cwd));
}

async function openKeys(
  { keyFile, kmsKey }: NonNullable<ArtifactSettings["encryption"]>,
  { region, profile }: ArtifactSettings["s3"],
  signal: AbortSignal,
): Promise<StoreKeys> {
  if (keyFile !== null) {
    const { openKeyFile } = await import("./sealing/key-file.ts");
    return await openKeyFile(keyFile);
  }
  if (kmsKey === null) throw new TypeError("an encryption names a key");
  const { openKmsKey } = await import("./sealing/kms-key.ts");
  return openKmsKey({ kmsKey, region, profile, signal });
}

/** A folder, and how people should see it. */
function folderOf({ store }: ArtifactSettings, cwd: string): [folder: string, shown: string] {
  const folder = store.startsWith("file:") ? fileURLToPath(store) : store;
  const shown = relative(cwd, folder);
  return [folder, shown.startsWith("..") ? folder : `./${shown}`];
}
