// Where a store in a bucket is: what `s3://BUCKET/PREFIX` and `gs://BUCKET/PREFIX` say.
import { MlshipError } from "../errors.ts";

/** A bucket, and the part of it that belongs to the store. */
export interface Location {
  /** As people should see it, without a slash at the end. */
  shown: string;
  /** Whose way of speaking S3 the bucket's server has. */
  scheme: "s3" | "gs";
  bucket: string;
  /** What every key begins with: empty, or names that each end in a slash. */
  prefix: string;
}

const address = /^(s3|gs):\/\/([A-Za-z0-9][A-Za-z0-9._-]{1,221})(?:\/(.*))?$/;
const segment = /^[A-Za-z0-9!_.*'()=+,@ -]+$/;

/** Whether a store's location names a bucket; else it is a folder of this machine. */
export function isInBucket(store: string): boolean {
  return /^(s3|gs):/.test(store);
}

/** @throws MlshipError `store.bad-address`, exit 2. */
export function parseLocation(url: string): Location {
  const [, scheme, bucket, path = ""] = address.exec(url) ?? [];
  const names = path.replace(/\/$/, "").split("/");
  const isPlain = path === "" || names.every((name) => segment.test(name) && name !== "." && name !== "..");
  if ((scheme !== "s3" && scheme !== "gs") || bucket === undefined || !isPlain) {
    throw new MlshipError({
      code: "store.bad-address",
      what: "artifacts.store does not name a place in a bucket",
      why: "it must be s3://BUCKET or s3://BUCKET/PREFIX, or the same with gs://, without . or .. or empty names",
      fix: "correct artifacts.store in mlship.yaml; credentials and endpoints do not belong into it",
      exit: "usage",
    });
  }
  const inner = path === "" ? "" : names.join("/");
  return {
    shown: `${scheme}://${bucket}${inner === "" ? "" : `/${inner}`}`,
    scheme,
    bucket,
    prefix: inner === "" ? "" : `${inner}/`,
  };
}
