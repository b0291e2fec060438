// VERIFY, OBSERVE and HOLD: a canary under traffic, scrape by scrape.
import { advance } from "./advance.ts";
import type { Event } from "./event.ts";
import { addScrape, shareWasSet } from "./evidence.ts";
import { explainHold, judge } from "./judge.ts";
import { abort, done, go, heldFor, hold, percent, setShare, stumble, unhold, write } from "./moves.ts";
import type { Measurement } from "./ports.ts";
import type { Rollout } from "./record.ts";
import { isInForce } from "./split.ts";
import { addAnswers, type Inquired } from "./watched-queries.ts";

/** One scrape, or the lack of one. */
export function watchCanary(rollout: Rollout, event: Event): Rollout {
  const { at } = event;
  if (event.type === "measured") {
    return expire(weigh(withAnswers(rollout, event.inquired), event.measurement, at), at);
  }
  if (event.type === "unmeasured") {
    const lost = rollout.evidence.lost + 1;
    const blind = { ...rollout, evidence: { ...rollout.evidence, lost } };
    return expire(lost < 3 ? blind : hold(blind, "metrics", at), at);
  }
  if (event.type === "failed" && rollout.action?.do === "measure") {
    return abort(rollout, "failed", event.failure, at);
  }
  // In HOLD the share may have to be set again: its lease ran out while nobody could see.
  if (rollout.action?.do !== "set") return rollout;
  if (event.type === "acted") {
    const evidence = shareWasSet(rollout.evidence);
    return go({ ...done(rollout, at), evidence }, rollout.phase, { do: "measure" }, at);
  }
  if (event.type !== "failed") return rollout;
  return expire(go(stumble(rollout, event.failure, at), rollout.phase, { do: "measure" }, at), at);
}

/** The record with what a scrape adds to its evidence. */
export function withScrape(rollout: Rollout, measurement: Measurement): Rollout {
  const { evidence, plan } = rollout;
  const isSet = isInForce(rollout.share, measurement.share);
  const before = isSet && measurement.moving !== true ? evidence : { ...evidence, mixed: true };
  return { ...rollout, evidence: addScrape(before, measurement, plan) };
}

/** The record with what the plan's queries gave. */
export function withAnswers(rollout: Rollout, inquired: Inquired | undefined): Rollout {
  if (inquired === undefined) return rollout;
  const { evidence, plan } = rollout;
  const queries = addAnswers(plan.queries ?? [], evidence.queries ?? [], inquired);
  return { ...rollout, evidence: { ...evidence, queries } };
}

function weigh(rollout: Rollout, measurement: Measurement, at: number): Rollout {
  const seen = withScrape(rollout, measurement);
  const judgement = judge(seen, at);
  if (judgement.is === "abort") return abort(seen, "rolled-back", judgement.why, at);
  if (judgement.is === "hold") {
    const held = hold(seen, judgement.cause, at);
    const isOff = !isInForce(rollout.share, measurement.share);
    return judgement.cause === "split" && isOff ? setShare(held, "hold", rollout.share, at) : held;
  }
  const free = unhold(seen, at);
  if (judgement.is !== "pass") return go(free, judgement.is, { do: "measure" }, at);
  return advance(write(free, "observed", `pass at ${percent(rollout.share)}`, at), at);
}

/** A hold that used up the step's time ends the rollout. */
function expire(rollout: Rollout, at: number): Rollout {
  if (rollout.phase !== "hold" || rollout.hold === null) return rollout;
  if (heldFor(rollout, at) < rollout.plan.holdMs) return rollout;
  return abort(rollout, "inconclusive", explainHold(rollout, rollout.hold.cause), at);
}
