// The section `image` of mlship.yaml: what the image is built on, where it goes, what it must satisfy.
import { z } from "zod";
import { localPath } from "./texts.ts";
import { sizePattern } from "./units.ts";

/** Platforms that an image can be built for, as image indexes name them. */
export const platforms = ["linux/amd64", "linux/arm64"] as const;
export type Platform = (typeof platforms)[number];

/** How the model's files get into a pod. */
export const deliveries = ["baked", "image-volume", "s3"] as const;
export type Delivery = (typeof deliveries)[number];

/** Severities of known vulnerabilities, least first; `none` lets every one pass. */
export const severities = ["none", "low", "medium", "high", "critical"] as const;
export type Severity = (typeof severities)[number];

const part = "[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*";
/** `host[:port]/path`, or `path` at Docker Hub; the grammar of the OCI distribution specification. */
export const repositoryPattern = new RegExp(
  `^([a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?(:[0-9]{1,5})?/)?${part}(/${part})*$`,
);
/** A repository with tag and digest, each if there is one; `parseReference` of the image room takes it apart. */
export const referencePattern = new RegExp(
  `${repositoryPattern.source.slice(0, -1)}(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$`,
);

/** Schema of `image`. */
export const image = z
  .strictObject({
    repository: z
      .string()
      .max(255)
      .regex(repositoryPattern, "must be a repository such as ghcr.io/acme/fraud, without tag or digest")
      .describe("Where the image is pushed to, without tag.")
      .optional(),
    base: z
      .string()
      .max(400)
      .regex(referencePattern, "must be an image reference such as python:3.12-slim")
      .describe(
        "Image that the model's image is built on: Linux with glibc and CPython, the version that is locked, as python3. By default python:X.Y-slim.",
      )
      .optional(),
    platforms: z
      .array(z.enum(platforms))
      .min(1)
      .refine((all) => new Set(all).size === all.length, { error: "must name each platform once" })
      .describe("Platforms that the image is locked and built for.")
      .default(["linux/amd64"]),
    delivery: z
      .enum(deliveries)
      .describe(
        "How the model's files get into a pod: a layer of the image, a volume from an image of their own, or fetched from S3 when the pod starts.",
      )
      .default("baked"),
    template: localPath
      .describe("Your own template of the Dockerfile, as mlship generate --eject writes it.")
      .optional(),
    maxSize: z
      .string()
      .regex(sizePattern, "must be a size such as 200MB or 256MiB")
      .describe("The most that the image may hold, compressed; by default there is no limit.")
      .optional(),
    parity: z
      .strictObject({
        maxDelta: z
          .number()
          .min(0)
          .describe("Largest difference between an answer of the image and the one that was validated.")
          .default(1e-6),
        maxFlips: z
          .int()
          .min(0)
          .describe("Rows that the image may answer with another label than was validated.")
          .default(0),
      })
      .describe("How far the built image may be from what was validated.")
      .prefault({}),
    scan: z
      .strictObject({
        failOn: z
          .enum(severities)
          .describe(
            "Least severity of a known vulnerability that stops the build; it needs Trivy or Grype on PATH.",
          )
          .default("none"),
      })
      .describe("Looking for known vulnerabilities.")
      .prefault({}),
    signingKey: localPath
      .describe("Private key that signs what is said about the image; see mlship keys.")
      .optional(),
  })
  .describe("The image that the model is served from.");
