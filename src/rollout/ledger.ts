// What a finished rollout leaves in the ledger.
import type { Revision } from "./ports.ts";
import type { Outcome, Rollout, Verdict } from "./record.ts";

/** One line of history: what was tried, how it ended and why. */
export interface LedgerEntry {
  /** Id of the rollout: an entry with the same id is the same entry. */
  rollout: string;
  name: string;
  channel: string;
  /** Why the rollout was begun. */
  reason: string;
  from: Revision | null;
  to: Revision;
  outcome: Outcome;
  /** Why it ended so, in a sentence; null when it was promoted. */
  why: string | null;
  verdict: Verdict | null;
  user: string;
  host: string;
  /** The command that began it: `mlship rollback`. */
  doing: string;
  /** ISO 8601. */
  at: string;
}

/** Append-only. An entry whose `rollout` is already there is not added again. */
export interface Ledger {
  append(entry: LedgerEntry): Promise<void>;
}

/** The entry of a rollout that has an outcome. */
export function entryOf(rollout: Rollout, now: Date): LedgerEntry {
  const { id, name, channel, reason, from, to, outcome, why, verdict, holder } = rollout;
  const sentence = why === null ? null : [why.what, why.why].filter((part) => part !== null).join(": ");
  const { user, host, doing } = holder;
  const at = now.toISOString();
  return {
    rollout: id,
    name,
    channel,
    reason,
    from,
    to,
    outcome: outcome ?? "failed",
    why: sentence,
    verdict,
    user,
    host,
    doing,
    at,
  };
}
