// The keys of `artifacts` in mlship.yaml: where releases are kept, and how a bucket is reached and protected.
import { z } from "zod";
import { localPath, path } from "./texts.ts";

/** The longest that objects can be locked: 100 years, as S3 has it. */
const longestLock = 36_500;

const plainName = /^[^\s]+$/;

const encryption = z
  .strictObject({
    keyFile: localPath
      .describe(
        "File with the key: 32 bytes, as they are or in base64. Keep a copy: without it nothing can be read.",
      )
      .optional(),
    kmsKey: z
      .string()
      .regex(plainName, "must be the id, alias or ARN of a KMS key")
      .describe("Key of AWS KMS that wraps the key of the store.")
      .optional(),
  })
  .refine(({ keyFile, kmsKey }) => (keyFile === undefined) !== (kmsKey === undefined), {
    error: "must name either keyFile or kmsKey",
  })
  .describe(
    "Encrypts models and reports (AES-256-GCM) before they leave this machine; the store sees no byte of them.",
  );

const s3 = z
  .strictObject({
    endpoint: z
      .url({ protocol: /^https?$/, error: "must be a URL such as https://s3.example.com" })
      .describe("Address of the S3 server; by default AWS, or what AWS_ENDPOINT_URL_S3 says.")
      .optional(),
    region: z
      .string()
      .regex(/^[a-z0-9-]{1,40}$/, "must be the name of a region such as eu-central-1")
      .describe("Region of the bucket; by default asked of the server.")
      .optional(),
    pathStyle: z
      .enum(["auto", "always", "never"])
      .describe("Whether the bucket stands in the path; auto: wherever an endpoint is named.")
      .default("auto"),
    profile: z
      .string()
      .regex(plainName, "must be the name of a profile")
      .describe("Profile of the AWS configuration files; by default what AWS_PROFILE says.")
      .optional(),
    encryption: z
      .enum(["bucket", "s3", "kms", "customer"])
      .describe(
        "How the server encrypts: as the bucket says, with its own keys (SSE-S3), by KMS, or with a key that you bring (SSE-C).",
      )
      .default("bucket"),
    kmsKey: z
      .string()
      .regex(plainName, "must be the id, alias or ARN of a KMS key")
      .describe("Key for encryption: kms; by default the account's own.")
      .optional(),
    customerKeyFile: localPath.describe("File with the 32 bytes for encryption: customer.").optional(),
    lock: z
      .strictObject({
        mode: z
          .enum(["governance", "compliance"])
          .describe("Who may shorten the lock: those with the right to, or nobody."),
        days: z.int().min(1).max(longestLock).describe("Days for which objects cannot be removed."),
      })
      .describe("Locks every object against removal. The bucket must have been made with object lock.")
      .optional(),
  })
  .refine((keys) => keys.kmsKey === undefined || keys.encryption === "kms", {
    path: ["kmsKey"],
    error: "counts only with encryption: kms",
  })
  .refine((keys) => (keys.customerKeyFile !== undefined) === (keys.encryption === "customer"), {
    path: ["customerKeyFile"],
    error: "must be named with encryption: customer, and counts only there",
  })
  .describe("How an S3 bucket is reached and protected. Credentials are found as every AWS tool finds them.");

/** `artifacts`. */
export const artifacts = z
  .strictObject({
    store: path
      .describe(
        "Where models, reports and the history of releases are kept: a folder, s3://BUCKET/PREFIX or gs://BUCKET/PREFIX.",
      )
      .default("./.mlship/store"),
    singleWriter: z
      .boolean()
      .describe(
        "Use a store that lets two writers both win. Safe only while nobody else writes to it; recorded in the store.",
      )
      .default(false),
    encryption: encryption.optional(),
    s3: s3.prefault({}),
  })
  .describe("Where released models are kept.");
