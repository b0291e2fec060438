// What a report says of the data, and of whether the model answers the same when it is asked otherwise.
import { z } from "zod";

export const dataSchema = z.strictObject({
  /** Inputs with missing values, and in how many rows. */
  nulls: z.array(z.strictObject({ column: z.string(), rows: z.int() })),
  /** Inputs with rows outside what training showed. */
  range: z.array(
    z.strictObject({
      column: z.string(),
      low: z.number(),
      high: z.number(),
      below: z.int(),
      above: z.int(),
    }),
  ),
  /** Inputs with text that training did not show: rows, and up to 10 of the values, most frequent first. */
  unseenCategories: z.array(
    z.strictObject({ column: z.string(), rows: z.int(), values: z.array(z.string()) }),
  ),
  /** Rows whose inputs repeat an earlier row's; null when it was not looked at. */
  duplicates: z.strictObject({ rows: z.int() }).nullable(),
  /** Rows that the training data hold, too: with the same label, and in all; null without training data. */
  trainOverlap: z
    .strictObject({
      file: z.templateLiteral(["sha256:", z.string()]),
      trainRows: z.int(),
      rows: z.int(),
      sameLabel: z.int(),
    })
    .nullable(),
});
export type DataFacts = z.infer<typeof dataSchema>;

/** The same rows, asked in another way. */
export const robustnessSchema = z.strictObject({
  /** `batchSize`: row by row instead of together; `threads`: two threads instead of one; `columnOrder`: columns given in another order. */
  check: z.enum(["batchSize", "threads", "columnOrder"]),
  rows: z.int(),
  /** Rows whose label changed. */
  flips: z.int(),
  /** Largest difference of a probability, or of a value relative to the largest one; 0 up to 1e-6, the rounding of processors. */
  maxDelta: z.number(),
  /** Why it was not asked; null when it was. */
  reason: z.string().nullable(),
});
export type Robustness = z.infer<typeof robustnessSchema>;
