// What an Event says of an entry of the rollout's log.
import { percent } from "../../../rollout/moves.ts";
import type { Rollout } from "../../../rollout/record.ts";

/** One Event in words. */
export interface Saying {
  /** Number of the entry in the log. */
  seq: number;
  type: "Normal" | "Warning";
  /** For programs, as `kubectl get events` shows it. */
  reason: string;
  message: string;
}

/** Beginnings of entries that are done → reason. */
const done: [RegExp, string][] = [
  [/^start /, "CanaryStarted"],
  [/^golden/, "GoldenRowsPassed"],
  [/^set 0 %/, "TrafficTakenBack"],
  [/^set /, "ShareSet"],
  [/^expand/, "Expanded"],
  [/^promote .* again$/, "PromotedAgain"],
  [/^promote /, "Promoted"],
  [/^fallback/, "TrafficTakenBack"],
  [/^retire /, "Retired"],
];

/** Beginnings of entries that were observed → reason; all of them deserve a look. */
const observed: [RegExp, string][] = [
  [/^hold: /, "Held"],
  [/^abort: /, "Aborting"],
  [/ failed: /, "ActionFailed"],
  [/^a person asked /, "PersonAsked"],
];

/** The entries after `seen` that are worth an Event, and the outcome when there is one. */
export function sayingsOf(rollout: Rollout, seen: number): Saying[] {
  const { to, from, log, outcome, phase, why } = rollout;
  const about = `rollout of ${to.version}${from === null ? "" : ` after ${from.version}`}`;
  const said: Saying[] = [];
  for (const { seq, kind, action } of log) {
    if (seq <= seen) continue;
    const reason = find(kind === "done" ? done : kind === "observed" ? observed : [], action);
    if (reason === null) continue;
    const type = kind === "done" ? "Normal" : "Warning";
    said.push({ seq, type, reason, message: `${about}: ${action}` });
  }
  const last = log.at(-1)?.seq ?? -1;
  if (phase === "done" && outcome !== null && last > seen) {
    const isWell = outcome === "promoted";
    const share = isWell ? `${to.version} serves ${percent(1)}` : (why?.what ?? outcome);
    const type = isWell ? "Normal" : "Warning";
    said.push({ seq: last + 1, type, reason: outcomes[outcome], message: `${about}: ${share}` });
  }
  return said;
}

const outcomes: Record<Exclude<Rollout["outcome"], null>, string> = {
  promoted: "RolloutDone",
  "rolled-back": "RolledBack",
  inconclusive: "Inconclusive",
  interrupted: "Interrupted",
  failed: "RolloutFailed",
};

function find(table: [RegExp, string][], action: string): string | null {
  return table.find(([pattern]) => pattern.test(action))?.[1] ?? null;
}
