// mlship.report/v1: what was judged, on what, with what result. The evidence that travels with a model.
import { z } from "zod";
import { type Digest, digestDocument } from "../digest.ts";
import { columnTypes, type InputColumn, modelFormats, tasks } from "../model/model.ts";
import type { Released } from "./checks/input-order.ts";
import { dataSchema, robustnessSchema } from "./report/data.ts";
import {
  comparisonSchema,
  fairnessSchema,
  gateSchema,
  metricSchema,
  sliceSchema,
} from "./report/measures.ts";
import { calibrationSchema, picturesSchema } from "./report/pictures.ts";
import { profileSchema } from "./report/profile.ts";

const digest = z.templateLiteral(["sha256:", z.string()]);
const label = z.union([z.string(), z.number(), z.boolean()]);
/** Schema of the report. Times, paths and host facts are in `volatile`, outside the digest. */
export const reportSchema = z.strictObject({
  schema: z.literal("mlship.report/v1"),
  tool: z.strictObject({ name: z.literal("mlship"), version: z.string() }),
  /** Identity of what was validated, see `digestInputs`: the same inputs need no second run. */
  inputs: digest,
  model: z.strictObject({
    format: z.enum(modelFormats),
    digest,
    files: z.array(z.strictObject({ path: z.string(), size: z.int(), sha256: digest })),
    /** PyPI distribution name → version in the environment that scored. */
    libraries: z.record(z.string(), z.string()),
    inputs: z.array(z.strictObject({ name: z.string(), type: z.enum(columnTypes), nullable: z.boolean() })),
  }),
  dataset: z.strictObject({
    digest,
    rows: z.int(),
    target: z.string(),
    weight: z.string().nullable(),
    key: z.string().nullable(),
  }),
  lock: digest,
  server: digest,
  baseline: z.strictObject({ version: z.string(), model: digest }).nullable(),
  runtime: z.strictObject({ kind: z.literal("python"), version: z.string(), platform: z.string() }),
  task: z.enum(tasks),
  classes: z.array(label).nullable(),
  positive: label.nullable(),
  metrics: z.array(metricSchema),
  comparisons: z.array(comparisonSchema),
  slices: z.array(sliceSchema),
  fairness: z.array(fairnessSchema),
  calibration: calibrationSchema.nullable(),
  pictures: picturesSchema,
  robustness: z.array(robustnessSchema),
  data: dataSchema,
  profile: profileSchema,
  gates: z.array(gateSchema),
  findings: z.array(
    z.strictObject({
      code: z.string(),
      severity: z.enum(["fail", "warn"]),
      what: z.string(),
      fix: z.string(),
    }),
  ),
  verdict: z.enum(["pass", "fail", "inconclusive"]),
  /** Digest of the golden rows; null when the answers were not finite. */
  golden: digest.nullable(),
  volatile: z.strictObject({
    /** The data file as it was named. */
    file: z.string(),
    performance: z.strictObject({
      loadSeconds: z.number(),
      /** Bytes. */
      rss: z.number(),
      scoreSeconds: z.number(),
      rowsPerSecond: z.number().nullable(),
      /** Most bytes of resident memory while scoring. */
      peakRss: z.number(),
      /** Seconds for one row at a time; null when that was not measured. */
      latency: z.strictObject({ p50: z.number(), p99: z.number() }).nullable(),
    }),
  }),
  digest,
});

export type Report = z.infer<typeof reportSchema>;

/** Puts the digest on a report. */
export function sealReport(content: Omit<Report, "digest">): Report {
  return { ...content, digest: digestDocument(content) };
}

/** What a validation looks at. Equal inputs give an equal report. */
export interface ValidationInputs {
  model: Digest;
  inputs: readonly InputColumn[];
  dataset: Digest;
  /** Digest of the training rows; null without any. */
  train: Digest | null;
  /** Digest of the Python lock, the server package included. */
  lock: Digest;
  /** `validate` of the configuration, the paths of the rows aside: their digests stand for them. */
  config: object;
  /** Digest of the model in production; null before the first release. */
  baseline: Digest | null;
  /** The version in production and its inputs, where their order is compared with the data's; else null. */
  released: Released | null;
}

/** Digest of what a validation looks at, known before anything is scored. */
export function digestInputs({ config, ...inputs }: ValidationInputs): Digest {
  const { data: _data, train: _train, ...validate } = { data: null, train: null, ...config };
  return digestDocument({ schema: "mlship.validation-inputs/v1", ...inputs, validate });
}
