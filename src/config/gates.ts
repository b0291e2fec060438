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

/** What a model may cost: seconds to load, bytes of resident memory, bytes on disk. */
export const budgets = ["loadTime", "rss", "modelSize"] as const;

export type GateMetric = (typeof qualityMetrics)[number] | (typeof budgets)[number];

/** How a per-class metric becomes one number. */
export const averages = ["binary", "macro", "micro", "weighted"] as const;

/** One gate in plain numbers; at least one bound is there. `loadTime` is in seconds, sizes in bytes. */
interface Gate {
  min?: number;
  max?: number;
  /** How much worse than the version now in production the metric may be. */
  maxDrop?: number;
  average?: (typeof averages)[number];
}

export type Gates = Partial<Record<GateMetric, Gate>>;

const min = z.number().describe("The gate fails when the metric is below this.").optional();
const max = z.number().describe("The gate fails when the metric is above this.").optional();
const maxDrop = z
  .number()
  .min(0)
  .describe(
    "The gate fails when the metric is worse by more than this than in the version now in production.",
  )
  .optional();
const average = z.enum(averages).describe("How the metric of each class becomes one number.").optional();

/** What only the whole gate shows: it must bound something, and must be possible to pass. */
function bounding<Schema extends z.ZodType<object>>(gate: Schema, names: string): Schema {
  return gate
    .refine((bounds) => Object.keys(bounds).some((key) => key !== "average"), {
      error: `needs a bound: ${names}`,
    })
    .refine((bounds) => !("min" in bounds && "max" in bounds && Number(bounds.min) > Number(bounds.max)), {
      error: "can never pass: its min is above its max",
    });
}

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

/** Schema of `validate.gates`: one optional gate per metric. */
export const gatesSchema = z.strictObject({
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
  pinball: gate("Pinball loss of the median; lower is better."),
  loadTime: budget("Time to load the model.", durationPattern, "must be a duration such as 500ms or 2s"),
  rss: budget("Resident memory after loading.", sizePattern, size),
  modelSize: budget("Size of the model's files, all together.", sizePattern, size),
} satisfies Record<GateMetric, z.ZodType>);

/** Gates as written in mlship.yaml. */
export type GatesFile = z.output<typeof gatesSchema>;

/** Gates in plain numbers. */
export function resolveGates({ loadTime, rss, modelSize, ...quality }: GatesFile): Gates {
  const gates: Gates = {};
  for (const metric of qualityMetrics) {
    const bounds = quality[metric];
    if (bounds) gates[metric] = plainGate(bounds);
  }
  if (loadTime) gates.loadTime = { max: parseDuration(loadTime.max) / 1000 };
  if (rss) gates.rss = { max: parseSize(rss.max) };
  if (modelSize) gates.modelSize = { max: parseSize(modelSize.max) };
  return gates;
}

function plainGate(bounds: { [Key in keyof Gate]: Gate[Key] | undefined }): Gate {
  const plain: Gate = {};
  if (bounds.min !== undefined) plain.min = bounds.min;
  if (bounds.max !== undefined) plain.max = bounds.max;
  if (bounds.maxDrop !== undefined) plain.maxDrop = bounds.maxDrop;
  if (bounds.average !== undefined) plain.average = bounds.average;
  return plain;
}
