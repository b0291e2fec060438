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

/** One line for each request of plain values. */
export const predictionsReply = z.union([
  z.object({
    predictions: z.array(z.union([label, z.array(z.number())])),
    probabilities: z.array(z.array(z.number())).nullable(),
  }),
  failure,
]);

/** The line before the blocks that answer a batch. */
export const batchReply = z.union([
  z.object({
    answers: z.object({
      rows: z.int().min(0),
      /** What predictions are places among; null when they are numbers. */
      labels: z.array(label).nullable(),
      outputs: z.int().min(1),
      width: z.int().min(0),
    }),
  }),
  failure,
]);

/** What a row costs, in seconds, and the most bytes of memory so far. */
export const measuredReply = z.union([
  z.object({
    measured: z.object({
      latency: z.object({ p50: z.number(), p99: z.number(), calls: z.int() }).nullable(),
      peakRss: z.number(),
    }),
  }),
  failure,
]);
