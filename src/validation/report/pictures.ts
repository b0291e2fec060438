// What a report shows in pictures: curves, calibration, confusion and residuals, thinned to what a page can draw.
import { z } from "zod";

const label = z.union([z.string(), z.number(), z.boolean()]);

/** Points of a curve, at most 200: x and y alike long. */
const curve = z.strictObject({ x: z.array(z.number()), y: z.array(z.number()) });
export type Curve = z.infer<typeof curve>;

/** The curves of one class against all others; of a binary model, the positive class alone. */
export const curvesSchema = z.strictObject({
  class: label,
  /** x: false positive rate, y: true positive rate. */
  roc: curve,
  /** x: recall, y: precision. */
  precisionRecall: curve,
});

/** Reliability: 10 bins of equal width, of the positive class or of the predicted one. */
export const calibrationSchema = z.strictObject({
  of: z.enum(["positive", "predicted"]),
  bins: z.array(
    z.strictObject({
      from: z.number(),
      to: z.number(),
      /** Weight of the rows in it. */
      weight: z.number(),
      /** Mean probability; null for an empty bin. */
      predicted: z.number().nullable(),
      /** Share of rows that are what the probability was given for; null for an empty bin. */
      observed: z.number().nullable(),
    }),
  ),
});

/** Weighted counts, the true class choosing the row; one more column for answers that are no class. */
export const confusionSchema = z.strictObject({
  classes: z.array(label),
  cells: z.array(z.array(z.number())),
});

/** Predicted minus true, of a regressor; one entry per output. */
export const residualsSchema = z.strictObject({
  output: z.string(),
  /** Counts between `edges`, one fewer than those. */
  edges: z.array(z.number()),
  counts: z.array(z.number()),
  /** At most 500 rows, evenly over the file: x true, y predicted. */
  sample: curve,
});

export const picturesSchema = z.strictObject({
  /** At most 20 classes; empty without probabilities. */
  curves: z.array(curvesSchema),
  confusion: confusionSchema.nullable(),
  residuals: z.array(residualsSchema),
});
export type Pictures = z.infer<typeof picturesSchema>;
export type Calibration = z.infer<typeof calibrationSchema>;
