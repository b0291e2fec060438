// The gates of `validate.gates`: which metrics there are, and which bounds each may have.
import { z } from "zod";
import { durationPattern, parseDuration, parseSize, sizePattern } from "./units.ts";

/** Metrics of a classifier, then of a regressor, as they are named in gates and reports. */
export const qualityMetrics = [
  "accuracy",
  "balancedAccuracy",
  "precision",
  "recall",
  "f1",
  "rocAuc",
  "averagePrecision",
  "logLoss",
  "brier",
  "ece",
  "mcc",
  "mae",
  "rmse",
  "mape",
  "r2",
  "medianAbsoluteError",
  "pinball",
] as const;

/** What a model may cost: seconds for one row and to load, bytes of resident memory, bytes on disk. */
export const budgets = ["latencyP99", "loadTime", "rss", "modelSize"] as const;

export type GateMetric = (typeof qualityMetrics)[number] | (typeof budgets)[number];

/** How a per-class metric becomes one number. */
export const averages = ["binary", "macro", "micro", "weighted"] as const;

/** One gate in plain numbers; at least one bound is there. Times are in seconds, sizes in bytes. */
export interface Gate {
  min?: number;
  max?: number;
  /** How much worse than the version now in production the metric may be. */
  maxDrop?: number;
  average?: (typeof averages)[number];
  /** Quantile of the pinball loss. */
  alpha?: number;
}

export type QualityMetric = (typeof qualityMetrics)[number];

export type Gates = Partial<Record<GateMetric, Gate>>;

/** Gates without budgets: what a slice can have. */
export type QualityGates = Partial<Record<QualityMetric, Gate>>;

const min = z.number().describe("The metric must be at least this.").optional();
const max = z.number().describe("The metric must be at most this.").optional();
const maxDrop = z
  .number()
  .min(0)
  .describe("How much worse than in the version now in production the metric may be, on the same rows.")
  .optional();
const average = z.enum(averages).describe("How the metric of each class becomes one number.").optional();

/** What only the whole gate shows: it must bound something, and must be possible to pass. */
function bounding<Schema extends z.ZodType<object>>(gate: Schema, names: string): Schema {
  return gate
    .refine((bounds) => Object.keys(bounds).some((key) => key !== "average" && key !== "alpha"), {
      error: `needs a bound: ${names}`,
    })
    .refine((bounds) => !("min" in bounds && "max" in bounds && Number(bounds.min) > Number(bounds.max)), {
      error: "can never pass: its min is above its max",
    });
}

const alpha = z
  .number()
  .gt(0)
  .lt(1)
  .describe("Which quantile the model predicts: 0.9 where nine of ten true values are to be below it.")
  .optional();

const gate = (what: string) =>
  bounding(z.strictObject({ min, max, maxDrop }), "min, max or maxDrop").describe(what).optional();

const averagedGate = (what: string) =>
  bounding(z.strictObject({ min, max, maxDrop, average }), "min, max or maxDrop").describe(what).optional();

const rankingAverage = z
  .enum(["macro", "weighted"])
  .describe("How the metric of each class becomes one number; only with more than two classes.")
  .optional();

const rankingGate = (what: string) =>
  bounding(z.strictObject({ min, max, maxDrop, average: rankingAverage }), "min, max or maxDrop")
    .describe(what)
    .optional();

const budget = (what: string, pattern: RegExp, form: string) =>
  bounding(z.strictObject({ max: z.string().regex(pattern, form).describe("The most it may be.") }), "max")
    .describe(what)
    .optional();

const size = "must be a size such as 64KiB, 512MiB or 2GiB";

const qualityGates = {
  accuracy: gate("Share of rows predicted correctly."),
  balancedAccuracy: gate("Mean over the classes of the share of their rows predicted correctly."),
  precision: averagedGate("Share of the rows predicted positive that are positive."),
  recall: averagedGate("Share of the positive rows that are predicted positive."),
  f1: averagedGate("Harmonic mean of precision and recall."),
  rocAuc: rankingGate("Area under the ROC curve."),
  averagePrecision: rankingGate("Area under the precision-recall curve, as a step function."),
  logLoss: gate("Mean negative log-likelihood of the labels; lower is better."),
  brier: gate("Mean squared error of the probabilities; lower is better."),
  ece: gate("Expected calibration error; lower is better."),
  mcc: gate("Matthews correlation coefficient, from -1 to 1."),
  mae: gate("Mean absolute error; lower is better."),
  rmse: gate("Root of the mean squared error; lower is better."),
  mape: gate("Mean absolute error as a share of the true value; lower is better."),
  r2: gate("Share of the target's variance that the model explains."),
  medianAbsoluteError: gate("Median absolute error; lower is better."),
  pinball: bounding(z.strictObject({ min, max, maxDrop, alpha }), "min, max or maxDrop")
    .describe("Pinball loss of a quantile, by default of the median; lower is better.")
    .optional(),
} satisfies Record<QualityMetric, z.ZodType>;

const time = "must be a duration such as 500ms or 2s";

/** Schema of the gates of a slice: one optional gate per metric. */
export const qualityGatesSchema = z.strictObject(qualityGates);

/** Schema of `validate.gates`: one optional gate per metric and budget. */
export const gatesSchema = z.strictObject({
  ...qualityGates,
  latencyP99: budget("Time to answer one row, which 99 of 100 requests keep within.", durationPattern, time),
  loadTime: budget("Time to load the model.", durationPattern, time),
  rss: budget("Resident memory after loading.", sizePattern, size),
  modelSize: budget("Size of the model's files, all together.", sizePattern, size),
} satisfies Record<GateMetric, z.ZodType>);

/** Gates as written in mlship.yaml. */
export type GatesFile = z.output<typeof gatesSchema>;

/** Gates in plain numbers. */
export function resolveGates({ latencyP99, loadTime, rss, modelSize, ...quality }: GatesFile): Gates {
  const gates: Gates = resolveQualityGates(quality);
  if (latencyP99) gates.latencyP99 = { max: parseDuration(latencyP99.max) / 1000 };
  if (loadTime) gates.loadTime = { max: parseDuration(loadTime.max) / 1000 };
  if (rss) gates.rss = { max: parseSize(rss.max) };
  if (modelSize) gates.modelSize = { max: parseSize(modelSize.max) };
  return gates;
}

/** The gates of a slice in plain numbers. */
export function resolveQualityGates(quality: z.output<typeof qualityGatesSchema>): QualityGates {
  const gates: QualityGates = {};
  for (const metric of qualityMetrics) {
    const bounds = quality[metric];
    if (bounds) gates[metric] = plainGate(bounds);
  }
  return gates;
}

function plainGate(bounds: { [Key in keyof Gate]: Gate[Key] | undefined }): Gate {
  const plain: Gate = {};
  if (bounds.min !== undefined) plain.min = bounds.min;
  if (bounds.max !== undefined) plain.max = bounds.max;
  if (bounds.maxDrop !== undefined) plain.maxDrop = bounds.maxDrop;
  if (bounds.average !== undefined) plain.average = bounds.average;
  if (bounds.alpha !== undefined) plain.alpha = bounds.alpha;
  return plain;
}
