// mlship.image/v1: what a build made, how it was tested, and what is said about it.
import { z } from "zod";
import { platforms } from "../config/image-keys.ts";

const digest = z.templateLiteral(["sha256:", z.string().regex(/^[0-9a-f]{64}$/)]);

const builtLayer = z.strictObject({
  /** Name of the plan's layer, or `base`. */
  name: z.string(),
  digest,
  /** Bytes, compressed. */
  size: z.int(),
});

/** What was seen when the image ran. */
const selfTest = z.strictObject({
  /** Milliseconds from start to ready. */
  readyMs: z.number(),
  /** Bytes of resident memory after the rows were answered. */
  rss: z.number(),
  parity: z.strictObject({ rows: z.int(), flips: z.int(), maxDelta: z.number() }),
  drain: z.strictObject({ answered: z.int(), lost: z.int(), exitCode: z.int().nullable() }),
});

/** Schema of the record of a build. */
export const builtImageSchema = z.strictObject({
  schema: z.literal("mlship.image/v1"),
  name: z.string(),
  version: z.string(),
  /** Digest of the build plan. */
  plan: digest,
  /** Digest of the image: of its index when there are several platforms, else of its manifest. */
  digest,
  images: z.array(
    z.strictObject({
      platform: z.enum(platforms),
      manifest: digest,
      layers: z.array(builtLayer),
      /** Bytes of all layers, compressed. */
      size: z.int(),
      /** Null when this machine cannot run the platform. */
      selfTest: selfTest.nullable(),
    }),
  ),
  /** The model's own image, which pods mount as a volume; null when it comes another way. */
  modelImage: z
    .strictObject({
      digest,
      /** Bytes of its layer. */
      size: z.int(),
    })
    .nullable(),
  evidence: z.strictObject({ model: digest, lock: digest, report: digest }),
  /** Statements about the image, in the order of their predicate types. */
  attestations: z.array(
    z.strictObject({
      predicateType: z.string(),
      /** File below the image's folder. */
      file: z.string(),
      digest,
      signed: z.boolean(),
    }),
  ),
  volatile: z.strictObject({ at: z.iso.datetime(), builder: z.string(), seconds: z.number() }),
});

export type BuiltImage = z.infer<typeof builtImageSchema>;
export type SelfTest = z.infer<typeof selfTest>;
