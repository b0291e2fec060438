// What a report says of measured numbers: intervals, metrics, comparisons, slices, groups and gates.
import { z } from "zod";
import { budgets, qualityMetrics } from "../../config/gates.ts";
import { averages } from "../metrics/confusion.ts";

const label = z.union([z.string(), z.number(), z.boolean()]);
const average = z.enum(averages).nullable();

/** A two-sided confidence interval. */
export const intervalSchema = z.strictObject({
  lo: z.number(),
  hi: z.number(),
  /** Share of intervals made like this that hold the true value: 0.95. */
  level: z.number(),
  /** How it was made: `wilson`, `delong`, `influence`, `cells`, `bootstrap`, `order` … */
  method: z.string(),
  /** Draws, and the seed that gives the same ones again; null where nothing is drawn. */
  replicates: z.int().nullable(),
  seed: z.int().nullable(),
});
export type Interval = z.infer<typeof intervalSchema>;

export const metricSchema = z.strictObject({
  name: z.enum(qualityMetrics),
  average,
  /** Null when the metric has no value; `reason` says why. */
  value: z.number().nullable(),
  reason: z.string().nullable(),
  /** Null when there is no value, or too few rows for an interval. */
  ci: intervalSchema.nullable(),
  /** Rows that it was computed from. */
  n: z.int(),
});
export type MetricReport = z.infer<typeof metricSchema>;

/** The candidate beside the version in production, on the same rows. */
export const comparisonSchema = z.strictObject({
  metric: z.enum(qualityMetrics),
  average,
  candidate: z.number(),
  production: z.number(),
  /** Candidate minus production, in the metric's own direction. */
  delta: z.number(),
  ci: intervalSchema.nullable(),
  /** `mcnemar`, `delong`, `cells` or `bootstrap`. */
  test: z.string(),
  /** Two-sided probability of such a difference between equal models; null where the test gives none. */
  p: z.number().nullable(),
});
export type Comparison = z.infer<typeof comparisonSchema>;

/** A part of the rows, by an SQL predicate. */
export const sliceSchema = z.strictObject({
  /** As a person named it, else the predicate. */
  name: z.string(),
  where: z.string(),
  /** `found` slices are advice: no gate looks at them. */
  origin: z.enum(["declared", "found"]),
  rows: z.int(),
  /** Why nothing was measured; null when it was. */
  reason: z.string().nullable(),
  metrics: z.array(
    z.strictObject({
      name: z.enum(qualityMetrics),
      average,
      value: z.number().nullable(),
      ci: intervalSchema.nullable(),
      /** The metric on all other rows. */
      rest: z.number().nullable(),
      /** Probability that a slice as good as the rest looks this bad; adjusted by Holm (declared) or Benjamini–Hochberg (found). */
      p: z.number().nullable(),
      pAdjusted: z.number().nullable(),
    }),
  ),
});
export type Slice = z.infer<typeof sliceSchema>;

/** How far apart the groups of a column are in one metric. */
export const fairnessSchema = z.strictObject({
  column: z.string(),
  metric: z.enum(qualityMetrics),
  average,
  maxGap: z.number(),
  groups: z.array(
    z.strictObject({
      group: label.nullable(),
      rows: z.int(),
      value: z.number().nullable(),
      ci: intervalSchema.nullable(),
      /** Why it is left out of the gap; null when it is in. */
      reason: z.string().nullable(),
    }),
  ),
  /** Largest value minus smallest, over the groups that are in; null with fewer than two. */
  gap: z.number().nullable(),
  ci: intervalSchema.nullable(),
});
export type Fairness = z.infer<typeof fairnessSchema>;

export const gateSchema = z.strictObject({
  /** `recall.min`, `recall.min[age >= 60]`, `fairness.recall[country]`. Unique in a report. */
  id: z.string(),
  metric: z.enum([...qualityMetrics, ...budgets]),
  average,
  bound: z.enum(["min", "max", "maxDrop", "maxGap"]),
  /** Name of the slice that it looks at; null for all rows. */
  slice: z.string().nullable(),
  required: z.number(),
  /** Null when there is none, and for budgets that differ from run to run, which are in `volatile`. */
  observed: z.number().nullable(),
  /** The interval that it was judged on: of the metric, or of the difference (candidate minus production). */
  ci: z.strictObject({ lo: z.number(), hi: z.number() }).nullable(),
  production: z.number().nullable(),
  status: z.enum(["pass", "fail", "inconclusive", "error", "skipped"]),
  why: z.string(),
  hint: z.string().nullable(),
  /** Rows that would decide an inconclusive gate if they are like these; null when no number would, or it is decided. */
  rowsToDecide: z.int().nullable(),
});
export type Gate = z.infer<typeof gateSchema>;
