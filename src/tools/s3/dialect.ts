// The two ways of saying the same to a server of S3: Amazon's and Google's. They must not be mixed in one request.

export interface Dialect {
  /** Of the signature; its first word begins the key that signs. */
  algorithm: "AWS4-HMAC-SHA256" | "GOOG4-HMAC-SHA256";
  /** Service and end of the signature's scope. */
  service: string;
  terminator: string;
  /** What the headers of this way of speaking begin with. */
  prefix: "x-amz-" | "x-goog-";
  /** Creates, and never replaces. */
  createOnly: Readonly<Record<string, string>>;
  /** Whether the server can be asked to check CRC32. */
  hasCrc32: boolean;
}

export const amazon: Dialect = {
  algorithm: "AWS4-HMAC-SHA256",
  service: "s3",
  terminator: "aws4_request",
  prefix: "x-amz-",
  createOnly: { "if-none-match": "*" },
  hasCrc32: true,
};

/** Cloud Storage's XML API: conditions are on generations, and checksums are Content-MD5 (it has no CRC32). */
export const google: Dialect = {
  algorithm: "GOOG4-HMAC-SHA256",
  service: "storage",
  terminator: "goog4_request",
  prefix: "x-goog-",
  createOnly: { "x-goog-if-generation-match": "0" },
  hasCrc32: false,
};
