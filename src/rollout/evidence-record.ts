// The part of the rollout's record that holds measurements and what they add up to.
import { z } from "zod";
import { beginShift } from "./shift.ts";
import { beginSlow } from "./slow.ts";
import { watchedValue } from "./watched-queries.ts";

/** What can be counted, whole or as a fading sum. */
export const count = z.number().nonnegative();
/** A part of all requests. */
export const share = z.number().min(0).max(1);
const counts = z.strictObject({ requests: count, errors: count });

/** What a splitter reads off its own counters, in a record and on its way from a target. */
export const splitSchema = z.strictObject({
  at: z.number(),
  era: z.string(),
  share,
  stable: counts,
  canary: counts,
  rescued: count,
  failed: count,
  ready: z.strictObject({ stable: count, canary: count }),
});

const answers = z.strictObject({
  /** The last bound is infinite, which JSON cannot carry: it is written as null. */
  seconds: z.array(
    z.strictObject({
      bound: z
        .number()
        .nullable()
        .transform((bound) => bound ?? Number.POSITIVE_INFINITY),
      count,
    }),
  ),
  said: z.record(z.string(), count),
});

/** Schema of a `Measurement`. What an older record does not say of it is not known. */
const measurement = splitSchema.extend({
  trouble: z.string().nullable().default(null),
  moving: z.boolean().optional(),
  served: z.strictObject({ stable: answers, canary: answers }).nullable().default(null),
});

/** How much counts scatter beyond chance. */
const scatter = z.strictObject({ sum: count, weight: count });

/** Sums over scrapes, so that resume keeps what was seen and the record stays small. */
export const evidence = z.strictObject({
  /** The counters last read: where the next increment begins. */
  last: measurement.nullable(),
  /** The interval in progress saw the share change: it counts for totals, not for tests. */
  mixed: z.boolean(),
  /** Intervals that were used by the tests, and those that were dropped because counters began again. */
  scrapes: count,
  dropped: count,
  /** Everything counted since the rollout began. */
  total: z.strictObject({ stable: counts, canary: counts, rescued: count, failed: count }),
  /** Requests since the share of this step was set. */
  step: z.strictObject({ users: count, canary: count }),
  /** Stable's counts, of which each scrape forgets a tenth. */
  recent: counts,
  /** Errors come from the canary too often: log e-value per odds ratio. */
  harm: z.strictObject({ logs: z.array(z.number()), errorScrapes: count }),
  /** Requests take longer at the canary: log e-value per odds ratio. */
  slow: z
    .strictObject({
      logs: z.array(z.number()),
      recent: z.array(count),
      thresholds: z.array(
        z.strictObject({
          scatter,
          limits: z.strictObject({ stable: count, canary: count }).nullable(),
          stable: z.strictObject({ counted: count, slow: count }),
          canary: z.strictObject({ counted: count, slow: count }),
          scrapes: count,
        }),
      ),
    })
    .default(beginSlow),
  /** The canary answers otherwise: log e-value. */
  shift: z
    .strictObject({
      log: z.number(),
      recent: z.strictObject({ stable: z.record(z.string(), count), canary: z.record(z.string(), count) }),
      scatter,
      predictions: count,
      scrapes: count,
    })
    .default(beginShift),
  /** What is known of the plan's queries; absent before the first answer. */
  queries: z.array(watchedValue).optional(),
  /** The canary's excess error rate is below `delta`: log e-value. */
  harmless: z.array(z.strictObject({ delta: z.number(), log: z.number() })),
  /** The promoted revision fails more often than stable did: log e-value per rate. */
  bake: z.strictObject({ counts, baseline: z.number(), logs: z.array(z.number()), errorScrapes: count }),
  /** Scrapes in a row in which no server of the side was ready. */
  unready: z.strictObject({ stable: count, canary: count }),
  /** Scrapes in a row that could not be read. */
  lost: count,
});
export type Evidence = z.infer<typeof evidence>;
