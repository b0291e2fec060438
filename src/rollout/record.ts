// mlship.rollout/v1: the append-only record of one rollout, from which any driver can take it up.
import { z } from "zod";
import { MlshipError } from "../errors.ts";
import { count, evidence, share } from "./evidence-record.ts";
import { watchedQuery } from "./watched-queries.ts";

/** Where a rollout stands. `hold` has a deadline; `abort` can follow every phase but `done`. */
export const phases = [
  "idle",
  "locked",
  "preflight",
  "canary-up",
  "golden",
  "set",
  "verify",
  "observe",
  "hold",
  "expand",
  "promote",
  "drain",
  "bake",
  "retire",
  "abort",
  "close",
  "done",
] as const;
export type Phase = (typeof phases)[number];

/**
 * How a rollout ended. `rolled-back`: judged bad, or taken back by a person. `inconclusive`: not
 * enough evidence, nothing promoted. `failed`: the target did not do what it was asked to.
 */
const outcomes = ["promoted", "rolled-back", "inconclusive", "interrupted", "failed"] as const;
export type Outcome = (typeof outcomes)[number];

const milliseconds = z.number().nonnegative();

const revision = z.strictObject({
  id: z.string(),
  version: z.string(),
  release: z.templateLiteral(["sha256:", z.string()]),
});

/** What the driver does next. Every action may be repeated: it then confirms what is already so. */
const action = z.discriminatedUnion("do", [
  /** Takes the lock. */
  z.strictObject({ do: z.literal("lock") }),
  /** Reads what the target runs. */
  z.strictObject({ do: z.literal("read") }),
  z.strictObject({ do: z.literal("preflight") }),
  /** Starts the canary without traffic and waits until it is ready. */
  z.strictObject({ do: z.literal("start") }),
  /** Replays the golden rows through the canary. */
  z.strictObject({ do: z.literal("golden") }),
  z.strictObject({ do: z.literal("set"), share }),
  /** Sends everything to stable, whatever was set. */
  z.strictObject({ do: z.literal("fallback") }),
  /** Starts the full set of `to`, without traffic. */
  z.strictObject({ do: z.literal("expand") }),
  /** Asks whether the full set is ready. */
  z.strictObject({ do: z.literal("whole") }),
  /** Waits for one scrape interval and reads the counters. */
  z.strictObject({ do: z.literal("measure") }),
  /** Makes `to` the stable revision. */
  z.strictObject({ do: z.literal("promote") }),
  /** Makes `from` the stable revision again. */
  z.strictObject({ do: z.literal("revert") }),
  z.strictObject({ do: z.literal("retire"), which: z.enum(["from", "to"]) }),
  /** Writes the outcome to the ledger. */
  z.strictObject({ do: z.literal("ledger") }),
  /** Stops without another write: another driver has the lock. */
  z.strictObject({ do: z.literal("stop") }),
  /** Leaves the record unfinished: the target refused too often, a person must look. */
  z.strictObject({ do: z.literal("give-up") }),
]);
export type Action = z.infer<typeof action>;

const plan = z.strictObject({
  /** Shares of the canary, rising, each below 1. None: promoted straight after GOLDEN. */
  steps: z.array(share),
  /** Shortest time that a step is observed for. */
  intervalMs: milliseconds,
  /** Share of all requests that may fail because of the rollout: what PASS must exclude. */
  maxHarm: share,
  /** How much slower than stable, at its 95th percentile, the canary is taken back for. */
  maxSlowdown: z.number().gt(1).default(2),
  /** Total variation between the answers of both sides that the canary is taken back for. */
  maxShift: share.default(0.3),
  /** Longest time that one step may wait for evidence. */
  holdMs: milliseconds,
  /** How long the revision before stays warm after promotion. */
  bakeMs: milliseconds,
  startTimeoutMs: milliseconds,
  /** Queries whose values must keep their bounds; absent without any. */
  queries: z.array(watchedQuery).optional(),
});
export type Plan = z.infer<typeof plan>;

/** Why a step waits. */
const holdCauses = [
  "evidence",
  "metrics",
  "split",
  "stable-down",
  "stable-errors",
  "canary-moving",
  "queries",
] as const;
export type HoldCause = (typeof holdCauses)[number];

const failure = z.strictObject({
  code: z.string(),
  what: z.string(),
  why: z.string().nullable(),
  fix: z.string().nullable(),
  /** Name of the exit code that it maps to. */
  exit: z.enum([
    "done",
    "internal",
    "usage",
    "gate",
    "inconclusive",
    "unavailable",
    "locked",
    "attention",
    "interrupted",
  ]),
});
/** An error in words that fit into a record. */
export type Failure = z.infer<typeof failure>;

const verdict = z.strictObject({
  canaryRequests: count,
  canaryErrors: count,
  stableRequests: count,
  stableErrors: count,
  /** Canary errors that stable answered for: no user saw them. */
  rescued: count,
  /** Requests that a user saw fail. */
  failed: count,
  /** How many times likelier these errors are if the canary is to blame; 2000 convicts it. */
  eValue: count,
  /** The same of slow requests, and of other answers; 4000 convicts it. */
  slowEValue: count.default(1),
  shiftEValue: count.default(1),
});
/** The numbers behind an outcome. */
export type Verdict = z.infer<typeof verdict>;

/** Schema of the record. `at` members are milliseconds of driving since the rollout began. */
export const rolloutSchema = z.strictObject({
  schema: z.literal("mlship.rollout/v1"),
  id: z.string(),
  name: z.string(),
  channel: z.string(),
  /** The stable revision before; null for the first release. */
  from: revision.nullable(),
  to: revision,
  plan,
  /** Why it was begun, in words: `deploy of 1.4.0`. */
  reason: z.string(),
  /** Who began it, and the epoch of the lock that the last write was made under. */
  holder: z.strictObject({ user: z.string(), host: z.string(), doing: z.string(), epoch: count }),
  phase: z.enum(phases),
  /** The action whose intent is recorded and whose end is not; null when nothing is to be done. */
  action: action.nullable(),
  /** Index into `plan.steps`; -1 before the first. */
  step: z.number().int().min(-1),
  /** Share that was last asked for. */
  share,
  /** When this step's share came into force. */
  stepAt: milliseconds.nullable(),
  hold: z.strictObject({ cause: z.enum(holdCauses), since: milliseconds }).nullable(),
  /** Time that this step has held before the present hold. */
  heldMs: milliseconds,
  /** When watching after promotion began. */
  bakeAt: milliseconds.nullable(),
  /** When its full set was begun. */
  expandAt: milliseconds.nullable().default(null),
  /** The canary's start was attempted, its retirement is confirmed. */
  started: z.boolean(),
  retired: z.boolean(),
  /** Attempts at the present action that failed. */
  attempts: count,
  interrupted: z.boolean(),
  golden: z.strictObject({ rows: count, flips: count, maxDelta: count }).nullable(),
  evidence,
  /** What was intended, done and observed. The middle is left out beyond 200 entries; `seq` shows the gap. */
  log: z.array(
    z.strictObject({
      seq: count,
      kind: z.enum(["intent", "done", "observed"]),
      action: z.string(),
      at: milliseconds,
    }),
  ),
  outcome: z.enum(outcomes).nullable(),
  /** Why the outcome is what it is; null while there is none. */
  why: failure.nullable(),
  verdict: verdict.nullable(),
  volatile: z.strictObject({
    /** ISO 8601. */
    startedAt: z.string(),
    endedAt: z.string().nullable(),
    /** Milliseconds of driving; time without a driver does not count. */
    elapsedMs: milliseconds,
  }),
});
export type Rollout = z.infer<typeof rolloutSchema>;

/**
 * A record read from outside.
 * @throws MlshipError `rollout.record`, exit 7, when it is not a record that this mlship understands.
 */
export function readRollout(value: unknown): Rollout {
  const parsed = rolloutSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new MlshipError({
    code: "rollout.record",
    what: "the rollout's record cannot be read",
    why: z.prettifyError(parsed.error),
    fix: "use the version of mlship that wrote it, or move the record away after checking what serves",
    exit: "attention",
  });
}

/** Whether nothing is left to be done. */
export function isFinished(rollout: Rollout): boolean {
  return rollout.phase === "done";
}
