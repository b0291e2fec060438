// Which bucket a store's address names.

/** A bucket, and where in it the store is. */
export interface Bucket {
  /** S3 and what speaks like it, or Google's storage. */
  kind: "s3" | "gs";
  name: string;
  /** Without slashes at its ends; empty when the whole bucket is the store. */
  prefix: string;
}

const address = /^(s3|gs):\/\/([^/]+)(?:\/(.*))?$/;

/** The bucket of `s3://BUCKET/PREFIX` or `gs://BUCKET/PREFIX`; null for a folder. */
export function bucketOf(store: string): Bucket | null {
  const [, kind, name, prefix = ""] = address.exec(store) ?? [];
  if (name === undefined) return null;
  return { kind: kind === "gs" ? "gs" : "s3", name, prefix: prefix.replaceAll(/^\/+|\/+$/g, "") };
}
