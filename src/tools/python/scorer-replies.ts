// The lines that `mlship_server score` answers with.
import { z } from "zod";

const label = z.union([z.string(), z.number(), z.boolean()]);

const failure = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

/** What the model, or the code around it, did not accept. */
export type Failure = z.infer<typeof failure>["error"];

/** The first line: the model is loaded, or cannot be. */
export const readyReply = z.union([
  z.object({
    ready: z.object({
      classes: z.array(label).nullable(),
      libraries: z.record(z.string(), z.string()),
      loadSeconds: z.number(),
      rss: z.number(),
    }),
  }),
  failure,
]);

/** One line for each request. */
export const predictionsReply = z.union([
  z.object({
    predictions: z.array(label),
    probabilities: z.array(z.array(z.number())).nullable(),
  }),
  failure,
]);
