// What can happen to a rollout: the only input of the state machine.
import { MlshipError } from "../errors.ts";
import type { GoldenResult } from "./golden.ts";
import type { Measurement, Observed, Wish } from "./ports.ts";
import type { Failure } from "./record.ts";
import type { Inquired } from "./watched-queries.ts";

/** An event without its time. `failed` and `acted` speak of the action that the record holds. */
export type Happening =
  | { type: "locked" }
  | { type: "acted" }
  | { type: "failed"; failure: Failure }
  | { type: "read"; observed: Observed }
  | { type: "golden"; result: GoldenResult }
  /** `inquired`: what the plan's queries gave, when that came since the last reading. */
  | { type: "measured"; measurement: Measurement; inquired?: Inquired | undefined }
  | { type: "unmeasured"; why: string }
  /** Whether the full set is ready. */
  | { type: "whole"; isWhole: boolean }
  | { type: "wish"; wish: Wish }
  | { type: "interrupted" }
  | { type: "lock-lost" }
  /** A driver found the record unfinished, and this on the target. */
  | { type: "recovered"; observed: Observed };

/** `at`: milliseconds of driving since the rollout began. */
export type Event = Happening & { at: number };

/** An error in words that fit into a record. */
export function failureOf(error: unknown): Failure {
  if (error instanceof MlshipError) {
    const { code, what, why, fix, exit } = error;
    return { code, what, why: why ?? null, fix: fix ?? null, exit };
  }
  const why = error instanceof Error ? error.message : String(error);
  return { code: "rollout.fault", what: "the target failed", why, fix: null, exit: "internal" };
}
