// mlship.profile: how features and predictions are distributed, for monitoring to compare live traffic with.
import { z } from "zod";
import { columnTypes } from "../../model/model.ts";

/** Numbers in bins of equal count. */
export const numberProfileSchema = z.strictObject({
  kind: z.literal("numbers"),
  name: z.string(),
  type: z.enum(columnTypes),
  /** Rows that were looked at, missing ones included: all, or of more than a million every k-th. */
  rows: z.int(),
  missing: z.int(),
  /** Ascending; at most 129, fewer where values repeat. Bin i holds edges[i] ≤ x < edges[i + 1], the last one its upper edge too. */
  edges: z.array(z.number()),
  /** One per bin. */
  counts: z.array(z.int()),
  /** Rows of the test data below the first and above the last edge: none where the bins were made from them. */
  below: z.int(),
  above: z.int(),
});

/** Categories: the most frequent ones by name, the others together. */
export const categoryProfileSchema = z.strictObject({
  kind: z.literal("categories"),
  name: z.string(),
  type: z.enum(columnTypes),
  rows: z.int(),
  missing: z.int(),
  /** At most 50, most frequent first, ties in the order of their UTF-8 bytes. */
  top: z.array(z.strictObject({ value: z.string(), count: z.int() })),
  other: z.int(),
  /** Different values in all. */
  distinct: z.int(),
});

export const columnProfileSchema = z.discriminatedUnion("kind", [numberProfileSchema, categoryProfileSchema]);
export type ColumnProfile = z.infer<typeof columnProfileSchema>;

export const profileSchema = z.strictObject({
  /** Whether the features are profiled on the training data, or on the test data for want of it. */
  from: z.enum(["train", "test"]),
  features: z.array(columnProfileSchema),
  /** Answers on the test data: the predictions, and the probability of the positive class or of each class. */
  predictions: z.array(columnProfileSchema),
});
export type Profile = z.infer<typeof profileSchema>;
