// The keys below `deploy` that say how a new version takes over: by a canary, in which steps, judged by what.
import { z } from "zod";
import { prometheus } from "./prometheus-keys.ts";
import { briefly, positiveDuration } from "./texts.ts";

const percent = z.number().gt(0).max(100);

/** `deploy.strategy`. */
export const strategy = z
  .enum(["canary", "blue-green"])
  .describe(
    "How a new version takes over: canary tries it on a little traffic first; blue-green proves it complete without traffic, then switches once.",
  )
  .default("canary");

/** `deploy.canary`. */
export const canary = z
  .strictObject({
    steps: z
      .array(percent)
      .min(1)
      .refine((steps) => steps.every((step, at) => at === 0 || step > (steps[at - 1] ?? 0)), {
        error: "must rise from step to step",
      })
      .describe("Percent of the requests that the new version gets, step by step, before it gets all.")
      .default([5, 25, 50]),
    split: z
      .enum(["router", "gateway", "replicas"])
      .describe(
        "What splits the traffic on Kubernetes: router is an HAProxy that mlship brings along; gateway sets weights of an HTTPRoute; replicas is the ratio of the servers behind one Service.",
      )
      .default("router"),
    interval: positiveDuration.describe("The least time that each step lasts.").default("60s"),
    maxHarm: z
      .number()
      .gt(0)
      .max(1)
      .describe(
        "Largest share of additional failed requests that may still be possible when the version is promoted.",
      )
      .default(0.01),
    maxSlowdown: z
      .number()
      .gt(1)
      .max(1000)
      .describe(
        "How many times as slow as stable at its 80th or 95th percentile the new version must be shown to be to be taken back.",
      )
      .default(2),
    maxShift: z
      .number()
      .gt(0)
      .max(1)
      .describe(
        "Largest share of the answers that may differ in kind from those of stable over the same minutes (total variation); 1 lets every shift pass.",
      )
      .default(0.3),
    hold: positiveDuration
      .describe("How long a step may wait for evidence before the rollout ends as inconclusive.")
      .default("10m"),
    bake: briefly.describe("How long the old version stays warm after promotion.").default("30s"),
    startTimeout: positiveDuration
      .describe("How long the new version may take to become ready.")
      .default("60s"),
    prometheus: prometheus.optional(),
  })
  .describe("How the new version is tried on a little traffic first.");
