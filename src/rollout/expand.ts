// EXPAND: the full set comes up beside the canary, which keeps its share and is judged meanwhile.
import type { Event } from "./event.ts";
import { explainHold, findBreach, findDoubt } from "./judge.ts";
import { abort, done, go, reason, retry, stumble } from "./moves.ts";
import { withAnswers, withScrape } from "./observe.ts";
import type { Failure, Rollout } from "./record.ts";
import { findQueryDoubt } from "./watched-queries.ts";

/**
 * The record after an event in EXPAND: look at the canary, when there is one, then at the full set,
 * in turn, until the set is whole. Only who sees goes on: with a canary the last look must have
 * succeeded, and stable must have been there.
 */
export function watchExpansion(rollout: Rollout, event: Event): Rollout {
  const { at } = event;
  switch (event.type) {
    case "failed":
      return stumbled(rollout, event.failure, at);
    case "acted":
      return look(done(rollout, at), at);
    case "measured": {
      const seen = withScrape(withAnswers(rollout, event.inquired), event.measurement);
      const breach = findBreach(seen);
      return breach === null ? ask(seen, at) : abort(seen, "rolled-back", breach, at);
    }
    case "unmeasured": {
      const { evidence } = rollout;
      return ask({ ...rollout, evidence: { ...evidence, lost: evidence.lost + 1 } }, at);
    }
    case "whole":
      return event.isWhole && unsettled(rollout) === null
        ? go(rollout, "golden", { do: "golden" }, at)
        : expire(look(rollout, at), at);
    default:
      return rollout;
  }
}

function look(rollout: Rollout, at: number): Rollout {
  return rollout.share > 0 ? go(rollout, "expand", { do: "measure" }, at) : ask(rollout, at);
}

function ask(rollout: Rollout, at: number): Rollout {
  return go(rollout, "expand", { do: "whole" }, at);
}

/** Why the canary cannot be seen or compared now, or is in doubt. */
function unsettled(rollout: Rollout): "metrics" | "stable-down" | "evidence" | "queries" | null {
  const { share, evidence, plan } = rollout;
  if (share === 0) return null;
  if (evidence.lost > 0) return "metrics";
  if (evidence.unready.stable > 0) return "stable-down";
  if (findDoubt(rollout) !== null) return "evidence";
  // A query that is not answered now stops nothing any more: the last step has passed, or a person said so.
  return findQueryDoubt(plan.queries ?? [], evidence.queries ?? []) === null ? null : "queries";
}

/** The cluster has no room for it, or something else changed what is stable: nothing that waiting ends. */
const lasting = new Set(["rollout.no-servers", "rollout.moved"]);

/** What will never be ready is taken back at once, what could not be asked is asked again. */
function stumbled(rollout: Rollout, failure: Failure, at: number): Rollout {
  if (failure.exit === "gate") return abort(rollout, "rolled-back", failure, at);
  if (lasting.has(failure.code)) return abort(rollout, "failed", failure, at);
  if (rollout.action?.do === "expand") {
    return retry(rollout, failure, 3, at, (tired) => abort(tired, "failed", failure, at));
  }
  return expire(look(stumble(rollout, failure, at), at), at);
}

function expire(rollout: Rollout, at: number): Rollout {
  const { startTimeoutMs } = rollout.plan;
  if (at - (rollout.expandAt ?? at) < startTimeoutMs) return rollout;
  const blind = unsettled(rollout);
  if (blind !== null) return abort(rollout, "inconclusive", explainHold(rollout, blind), at);
  const what = `the full set of ${rollout.to.version} did not become ready`;
  const why = `not all of its servers were ready after ${startTimeoutMs / 1000} s`;
  const fix = "see `mlship status` for what its servers wait for, or raise `deploy.canary.startTimeout`";
  return abort(rollout, "rolled-back", reason("rollout.not-ready", "gate", what, why, fix), at);
}
