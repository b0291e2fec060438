// An object store in a bucket: objects appear whole or not at all, and are never replaced.
import { readFile } from "node:fs/promises";
import type { ObjectBody, ObjectStore } from "../../artifacts/ports.ts";
import { digestBytes } from "../../digest.ts";
import { checkKey } from "../object-key.ts";
import { sourceChanged } from "../source-changed.ts";
import type { Bucket } from "./bucket.ts";
import { downloadObject } from "./download.ts";
import { listObjects } from "./listing.ts";
import type { Protection } from "./protection.ts";
import { getWhole, putSmall } from "./small.ts";
import { header } from "./wire.ts";

export function createS3Store(bucket: Bucket, protection: Protection): ObjectStore {
  const location = bucket.location.shown;

  return {
    location,
    async create(key, body, onBytes = () => {}) {
      checkKey(key, location);
      const bytes = await bytesOf(body, key);
      const outcome = await putSmall(bucket, protection, key, bytes);
      onBytes(bytes.length);
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
      return await sizeOf(bucket, protection, key);
    },
    async *list(prefix, after = "") {
      for await (const { key } of listObjects(bucket, prefix, after)) yield key;
    },
  };
}

async function bytesOf(body: ObjectBody, key: string): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body;
  const bytes = await readFile(body.file);
  if (digestBytes(bytes) !== body.digest) throw sourceChanged(body.file, body.digest, key);
  return bytes;
}

/** Bytes of an object, or null when there is none. */
async function sizeOf(bucket: Bucket, protection: Protection, key: string): Promise<number | null> {
  const action = "s3:GetObject";
  const answer = await bucket.ask({
    action,
    method: "HEAD",
    key,
    headers: protection.touching(),
    expect: [404],
  });
  if (answer.status === 404) return null;
  const length = header(answer, "content-length");
  if (length === null || !/^\d+$/.test(length))
    throw bucket.badAnswer(action, "it does not say how long the object is");
  return Number(length);
}
