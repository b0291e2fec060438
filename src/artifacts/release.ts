// A release: everything that one version of a model is made of, by digest.
import { z } from "zod";
import { canonicalJson, digestBytes, digestDocument } from "../digest.ts";
import { bundleSchema } from "../model/bundle.ts";
import { isVersion } from "./semver.ts";

/** A digest that can be made into a key: 64 hexadecimal digits and nothing else. */
export const digestSchema = z.templateLiteral(["sha256:", z.string().regex(/^[0-9a-f]{64}$/)]);

/** A path below a folder: relative, `/` between names, none of them empty or dots. */
const pathSchema = z
  .string()
  .refine(
    (path) => path.split("/").every((name) => !["", ".", ".."].includes(name)) && !path.includes("\0"),
    {
      error: "must stay inside its folder",
    },
  );

const fileSchema = z.strictObject({ path: pathSchema, size: z.int().nonnegative(), sha256: digestSchema });

/** Bytes in the store. */
const blobSchema = z.strictObject({ sha256: digestSchema, size: z.int().nonnegative() });

export type Blob = z.infer<typeof blobSchema>;

const fileSetSchema = z
  .strictObject({ files: z.array(fileSchema), digest: digestSchema, size: z.int().nonnegative() })
  .refine((set) => set.digest === digestBytes(canonicalJson(set.files)), {
    error: "the digest is not that of the files",
    path: ["digest"],
  });

/** An image by its digest: `ghcr.io/acme/fraud@sha256:…`. */
const imageSchema = z.string().regex(/^\S+@sha256:[0-9a-f]{64}$/);

/** Schema of a model's name and of a channel's: a DNS label. */
export const labelSchema = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);

export const versionSchema = z.string().refine(isVersion, { error: "must be a semantic version" });

/** Schema of `mlship.release/v1`. */
export const releaseSchema = z
  .strictObject({
    schema: z.literal("mlship.release/v1"),
    name: labelSchema,
    version: versionSchema,
    /** What the server loads: format, entry, handler, signature, classes, libraries. */
    bundle: bundleSchema,
    /** The model's files, the handler among them; `bundle.digest` is the digest of this set. */
    model: fileSetSchema,
    report: z.strictObject({
      /** The report document, JSON. */
      file: blobSchema,
      /** The report's own digest: its content without times. */
      digest: digestSchema,
      verdict: z.enum(["pass", "fail", "inconclusive", "error"]),
      /** Metric → value, for lists. */
      headline: z.record(z.string(), z.number().nullable()),
    }),
    /** Labelled rows with the report's predictions, replayed through a canary before users see it. */
    golden: blobSchema.nullable(),
    python: z.strictObject({
      /** Digest of the whole lock: the identity of the environment. */
      digest: digestSchema,
      python: z.string(),
      platform: z.string(),
      /** requirements.txt with hashes. */
      requirements: blobSchema,
      server: fileSetSchema,
    }),
    dataset: z.strictObject({ digest: digestSchema, rows: z.int().nonnegative() }),
    /** mlship.lock, that images are built from; left out where the model was judged without one. */
    lock: z.strictObject({ file: blobSchema, digest: digestSchema }).exactOptional(),
    /**
     * The image of this release, where it was in its registry when the release was stored. It names
     * the same model, lock and report. How a version was served later is in `mlship.served/v1`.
     */
    image: z
      .strictObject({
        /** With its digest. */
        reference: imageSchema,
        /** The model's own image, where pods mount it; null where the model comes another way. */
        model: imageSchema.nullable(),
        /** Digest of the plan that it was built from; null where whoever stored the release did not build it. */
        plan: digestSchema.nullable(),
      })
      .exactOptional(),
    /** The Kubernetes objects of that image as files, for the channel that the release was stored from. */
    manifests: z.strictObject({ channel: labelSchema, set: fileSetSchema }).exactOptional(),
    /** Where the project's files were; null outside git. */
    lineage: z.strictObject({ commit: z.string(), dirty: z.boolean() }).nullable(),
    /** The version that served when this one was released. */
    parent: versionSchema.nullable(),
    /** Over everything but this member and `volatile`. */
    digest: digestSchema,
    volatile: z.strictObject({
      /** ISO 8601. */
      at: z.iso.datetime(),
      /** `user@host`. */
      actor: z.string(),
      /** Version of mlship. */
      tool: z.string(),
    }),
  })
  .refine((release) => release.bundle.name === release.name && release.bundle.version === release.version, {
    error: "the bundle is of another name or version",
    path: ["bundle"],
  })
  .refine((release) => release.bundle.digest === release.model.digest, {
    error: "the bundle is of another model",
    path: ["bundle", "digest"],
  })
  .refine((release) => release.model.files.every((file) => file.path !== "mlship.json"), {
    error: "a model's file cannot be called mlship.json, the name of the bundle's document",
    path: ["model", "files"],
  })
  .refine((release) => release.digest === digestDocument(release), {
    error: "the digest is not that of the document",
    path: ["digest"],
  });

export type Release = z.infer<typeof releaseSchema>;

/** What a release is made from; the rest follows from it. */
export type ReleaseParts = Omit<Release, "schema" | "digest">;

/**
 * Makes the document of a release.
 * @throws z.ZodError when the parts do not belong together.
 */
export function makeRelease(parts: ReleaseParts): Release {
  const content = { schema: "mlship.release/v1" as const, ...parts };
  return releaseSchema.parse({ ...content, digest: digestDocument(content) });
}

/** Everything that must be in the store for the release to be whole. */
export function blobsOf(release: Release): Blob[] {
  const { model, python, manifests, lock, report, golden } = release;
  const files = [...model.files, ...python.server.files, ...(manifests?.set.files ?? [])];
  const single = [report.file, python.requirements, golden, lock?.file ?? null];
  const named = [...files, ...single.filter((blob) => blob !== null)];
  return [...new Map(named.map(({ sha256, size }) => [sha256, { sha256, size }])).values()];
}
