// A judged gate: one bound on one metric, with what was seen and what it means.
import type { Gate } from "../report/measures.ts";

export type JudgedGate = Gate;
export type GateStatus = Gate["status"];
export type Verdict = "pass" | "fail" | "inconclusive";

/** What a gate looks at: the interval of a value, or the value alone. */
export type JudgeBy = "interval" | "value";

/** What is known of a gate before it is judged. */
export type Question = Pick<Gate, "id" | "metric" | "average" | "bound" | "slice" | "required">;

/** How a gate ended, and why. */
export type Outcome = Omit<Gate, keyof Question>;

/** A gate without numbers: an error, or one that is skipped. */
export function withoutNumbers(
  status: "error" | "skipped" | "inconclusive",
  why: string,
  hint: string,
): Outcome {
  return { observed: null, ci: null, production: null, status, why, hint, rowsToDecide: null };
}
