// mlship.lock: everything an image is built from, pinned: base by digest, distributions by hash.
import { z } from "zod";
import { platforms } from "../../config/image-keys.ts";
import type { Digest } from "../../digest.ts";

const digest = z.templateLiteral(["sha256:", z.string().regex(/^[0-9a-f]{64}$/)]);

/** One distribution for one platform. */
const pin = z.strictObject({
  /** Normalised name (PEP 503). */
  name: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/),
  /** PEP 440. */
  version: z.string().regex(/^[0-9A-Za-z][0-9A-Za-z.!+_-]*$/),
  /** Of every file that may be installed; sorted. */
  sha256: z.array(z.string().regex(/^[0-9a-f]{64}$/)).min(1),
  /** There is no wheel: the file is a source distribution, named in `python.allowSource`. */
  source: z.literal(true).optional(),
});
export type Pin = z.infer<typeof pin>;

/** Schema of mlship.lock. */
export const lockSchema = z.strictObject({
  schema: z.literal("mlship.lock/v1"),
  /** What was asked for: a lock whose inputs are not the project's has drifted. */
  inputs: z.strictObject({
    /** Digest of the model's file set. */
    model: digest,
    /** PEP 508 lines, the model's and the project's, sorted. */
    requirements: z.array(z.string()),
    /** As mlship.yaml has it: `auto` or `3.12`. */
    python: z.string(),
    /** As mlship.yaml has it, or the default that follows from the Python version. */
    base: z.string(),
    platforms: z.array(z.enum(platforms)),
    allowSource: z.array(z.string()),
    /** Digest of the server package and of its requirements. */
    server: digest,
  }),
  /** What builds: the version of uv in the build stage, with the hash of its wheel per platform. */
  builder: z.strictObject({
    uv: z.strictObject({
      version: z.string().regex(/^[0-9.]+$/),
      sha256: z.partialRecord(z.enum(platforms), z.string().regex(/^[0-9a-f]{64}$/)),
    }),
  }),
  /** Minor version of CPython: `3.12`. */
  python: z.string().regex(/^3\.\d{1,2}$/),
  base: z.strictObject({
    /** In full, with tag: `docker.io/library/python:3.12-slim`. */
    reference: z.string(),
    /** Of the index, or of the manifest where there is no index. */
    digest,
    platforms: z.partialRecord(
      z.enum(platforms),
      z.strictObject({
        manifest: digest,
        /** Bytes of its layers, compressed. */
        size: z.int().nonnegative(),
      }),
    ),
  }),
  /** Distributions per platform, sorted by name. */
  packages: z.partialRecord(z.enum(platforms), z.array(pin)),
});

export type Lock = z.infer<typeof lockSchema>;

/** The lock's name in a project. */
export const lockFile = "mlship.lock";

/** A lock with the digest of its content. */
export interface ReadLock {
  lock: Lock;
  digest: Digest;
}
