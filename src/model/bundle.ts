// The folder that the server loads: the model's files and `mlship.json`, the document below.
import { z } from "zod";
import { columnTypes, modelFormats, tasks } from "./model.ts";

const digest = z.templateLiteral(["sha256:", z.string()]);

/** Schema of `mlship.json`, which tells the Python server what to load and what input to accept. */
export const bundleSchema = z.strictObject({
  schema: z.literal("mlship.bundle/v1"),
  name: z.string(),
  version: z.string(),
  /** Digest of the model's file set (the handler included). */
  digest,
  format: z.enum(modelFormats),
  /** The file or folder that the loader is given, relative to the bundle. */
  entry: z.string(),
  /** Python file with any of load, preprocess, predict, postprocess; relative to the bundle. */
  handler: z.string().nullable(),
  task: z.enum(tasks),
  classes: z.array(z.union([z.string(), z.number(), z.boolean()])).nullable(),
  /** Numbers that a regressor answers per row; left out for one. */
  outputs: z.int().min(2).optional(),
  inputs: z.array(z.strictObject({ name: z.string(), type: z.enum(columnTypes), nullable: z.boolean() })),
  /** Versions that the loader insists on: a different one is an error, not a warning. */
  libraries: z.record(z.string(), z.string()),
  /** Names that the scan allowed. A loader with a list of its own, such as that of skops, loads these. */
  allowed: z.array(z.string()),
});

export type Bundle = z.infer<typeof bundleSchema>;
