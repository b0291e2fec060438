// An object store in a bucket: objects appear whole or not at all, and are never replaced.
import type { ObjectStore } from "../../artifacts/ports.ts";
import { checkKey } from "../object-key.ts";
import { sourceChanged } from "../source-changed.ts";
import type { Bucket } from "./bucket.ts";
import { downloadObject } from "./download.ts";
import { headObject } from "./head.ts";
import { putLarge } from "./large.ts";
import { listObjects } from "./listing.ts";
import { isLarge } from "./part-plan.ts";
import type { Protection } from "./protection.ts";
import { getWhole, putSmall } from "./small.ts";
import { SmallFiles } from "./small-files.ts";

export function createS3Store(bucket: Bucket, protection: Protection): ObjectStore {
  const location = bucket.location.shown;
  const files = new SmallFiles();

  return {
    location,
    async create(key, body, onBytes = () => {}) {
      checkKey(key, location);
      if (!(body instanceof Uint8Array) && isLarge(body.size)) {
        return await putLarge(bucket, protection, key, body, onBytes);
      }
      const content = body instanceof Uint8Array ? { bytes: body } : await files.read(body.file);
      if ("digest" in content && "digest" in body && content.digest !== body.digest)
        throw sourceChanged(body.file, body.digest, key);
      const outcome = await putSmall(bucket, protection, key, content);
      onBytes(content.bytes.length);
      return outcome;
    },
    async read(key) {
      checkKey(key, location);
      return await getWhole(bucket, protection, key);
    },
    async download(key, file, onBytes = () => {}) {
      checkKey(key, location);
      return await downloadObject(bucket, protection, key, file, onBytes);
    },
    async size(key) {
      checkKey(key, location);
      return (await headObject(bucket, protection, key))?.size ?? null;
    },
    async *list(prefix, after = "") {
      for await (const { key } of listObjects(bucket, prefix, after)) yield key;
    },
  };
}
