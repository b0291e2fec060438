// From HAProxy's counters to evidence: attempts, errors, requests that stable saved, requests that users saw fail.
import type { Counts } from "../../../../rollout/ports.ts";
import type { Reading, Row } from "./haproxy-reading.ts";

/** What routers counted, of one or of several added up. */
export interface RouterCounts {
  stable: Counts;
  canary: Counts;
  rescued: number;
  failed: number;
}

/** Nothing counted yet. */
export const noCounts: RouterCounts = {
  stable: { requests: 0, errors: 0 },
  canary: { requests: 0, errors: 0 },
  rescued: 0,
  failed: 0,
};

/**
 * The counts of one router, from the backends of `cluster/router`:
 *
 * - `stable/stable`: requests that were stable's from the start, and its own tries again;
 * - `canary/canary`: the canary's attempts; each one that failed was sent on to `canary/stable`;
 * - `large`, `asked-stable`, `asked-canary`: nobody's evidence. A request too long to be sent again
 *   never meets the canary, one that asks for a side is not a random one.
 *
 * An error is every attempt that ended and gave no whole answer below 500. HAProxy has no counter
 * for that: an answer of 500 that is tried again appears in `wretr` and not in `hrsp_5xx`, a timeout
 * appears in neither `econ` nor `eresp`, and versions differ (2.6 leaves out a closed connection
 * that 3.2 counts). The difference of what it does count is the same for all of them.
 */
export function countsOf({ rows }: Reading): RouterCounts {
  const row = (backend: string, server: string) =>
    rows.find((one) => one.backend === backend && one.server === server);
  const saved = row("canary", "stable");
  return {
    stable: addCounts(attemptsAt(row("stable", "stable")), attemptsAt(saved)),
    canary: attemptsAt(row("canary", "canary")),
    rescued: saved === undefined ? 0 : answered(saved),
    failed: ["stable", "canary", "large"]
      .map((backend) => attemptsAt(row(backend, "BACKEND")).errors)
      .reduce((sum, errors) => sum + errors, 0),
  };
}

/** Sum over routers. */
export function addRouters(a: RouterCounts, b: RouterCounts): RouterCounts {
  return {
    stable: addCounts(a.stable, b.stable),
    canary: addCounts(a.canary, b.canary),
    rescued: a.rescued + b.rescued,
    failed: a.failed + b.failed,
  };
}

/**
 * The later of two counts of one router. A row is not read at one instant: an attempt can appear
 * among the answers before it is no longer under way, and a count be one lower a moment later.
 */
export function neverLess(before: RouterCounts, after: RouterCounts): RouterCounts {
  const counts = (a: Counts, b: Counts) => ({
    requests: Math.max(a.requests, b.requests),
    errors: Math.max(a.errors, b.errors),
  });
  return {
    stable: counts(before.stable, after.stable),
    canary: counts(before.canary, after.canary),
    rescued: Math.max(before.rescued, after.rescued),
    failed: Math.max(before.failed, after.failed),
  };
}

/** Attempts that ended, and those without a whole answer below 500 that the client did not give up itself. */
function attemptsAt(row: Row | undefined): Counts {
  if (row === undefined) return { requests: 0, errors: 0 };
  const requests = Math.max(0, row.began - row.underWay);
  return { requests, errors: Math.max(0, requests - answered(row) - row.left) };
}

/** Whole answers below 500. An answer that broke off was counted by its status before it did. */
function answered({ answers, broken }: Row): number {
  const { informational, good, moved, refused, other } = answers;
  return Math.max(0, informational + good + moved + refused + other - broken);
}

function addCounts(a: Counts, b: Counts): Counts {
  return { requests: a.requests + b.requests, errors: a.errors + b.errors };
}
