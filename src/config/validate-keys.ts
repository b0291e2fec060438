// The keys of `validate`: which rows judge a model, what it must reach on all of them, and on parts of them.
import { z } from "zod";
import { averages, gatesSchema, qualityGatesSchema, qualityMetrics } from "./gates.ts";
import { column, localPath } from "./texts.ts";

// oxlint-disable-next-line no-control-regex -- a line break would end the line of a report that it stands in
const oneLine = /^[^\u0000-\u001f\u007f]+$/;

const predicate = z
  .string()
  .max(2000)
  .regex(oneLine, "must be one line without control characters")
  .describe("Which rows, as an SQL condition over the columns of the data: age >= 60 and country = 'DE'.");

const slice = z.union([
  predicate,
  z.strictObject({
    where: predicate,
    name: z
      .string()
      .min(1)
      .max(100)
      .regex(oneLine, "must be one line without control characters")
      .describe("What reports call the slice; by default its condition.")
      .optional(),
    minRows: z
      .int()
      .min(1)
      .describe("With fewer rows the gates of the slice are not decided; 30 by default.")
      .optional(),
    gates: qualityGatesSchema
      .describe("What the slice must reach; by default what validate.gates asks of all rows.")
      .optional(),
  }),
]);

const fairness = z.strictObject({
  column: column.describe("Column whose values are the groups; it may be an input of the model or not."),
  metric: z.enum(qualityMetrics).describe("What must be alike in all groups."),
  average: z.enum(averages).describe("How the metric of each class becomes one number.").optional(),
  maxGap: z.number().min(0).describe("How far apart any two groups may be."),
});

const isUnique = (names: readonly string[]) => new Set(names).size === names.length;

/** How much a model is asked again, to see whether it answers the same. */
export const efforts = ["quick", "full"] as const;

/** Schema of `validate`. */
export const validate = z
  .strictObject({
    data: localPath.describe("Labelled rows to judge the model on: csv, parquet or jsonl."),
    train: localPath
      .describe(
        "The rows that the model was trained on: csv, parquet or jsonl. Shows leaked rows, values outside the training range and unseen categories, and what monitoring compares with.",
      )
      .optional(),
    target: z
      .union([column, z.array(column).min(1).max(100)])
      .describe(
        "Column that holds the true value; a list of columns for a regressor that answers several numbers, in their order.",
      )
      .default("target"),
    task: z
      .enum(["auto", "binary", "multiclass", "regression"])
      .describe("What the model predicts; auto decides from the model and the target.")
      .default("auto"),
    gates: gatesSchema.describe("What each metric must reach for the model to ship.").default({}),
    confidence: z
      .number()
      .min(0.5)
      .max(0.9999)
      .describe("Share of intervals that hold the true value, for every interval and every gate.")
      .default(0.95),
    judgeBy: z
      .enum(["interval", "value"])
      .describe(
        "Whether a gate looks at the interval of a metric, and so may end inconclusive, or at its value alone.",
      )
      .default("interval"),
    slices: z
      .array(slice)
      .max(100)
      .refine(
        (slices) => isUnique(slices.map((one) => (typeof one === "string" ? one : (one.name ?? one.where)))),
        {
          error: "must not hold two slices of the same name",
        },
      )
      .describe(
        "Parts of the rows, each an SQL condition, that are judged on their own: a slice is refused when it is shown to break a bound.",
      )
      .default([]),
    fairness: z
      .union([
        fairness,
        z
          .array(fairness)
          .max(20)
          .refine((rules) => isUnique(rules.map((rule) => `${rule.metric} ${rule.column}`)), {
            error: "must not ask twice for the same metric and column",
          }),
      ])
      .describe("Groups of rows in which a metric must not differ by more than a gap.")
      .default([]),
    robustness: z
      .enum(efforts)
      .describe(
        "How much the model is asked again: quick asks 16 rows one by one and with their columns turned round; full asks 64, and loads the model once more to ask it on two threads.",
      )
      .default("quick"),
    positive: z
      .union([z.string(), z.number(), z.boolean()])
      .describe("The positive class of a binary model; by default the second of its classes.")
      .optional(),
    weight: column.describe("Column that holds the weight of each row.").optional(),
    threshold: z
      .number()
      .min(0)
      .max(1)
      .describe("Probability from which a row counts as positive; by default the model decides.")
      .optional(),
    key: column.describe("Column that identifies a row; it is not given to the model.").optional(),
  })
  .describe("The data and the gates that decide whether the model may ship.");
