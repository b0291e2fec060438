// Shows a rollout while it is driven: one visible step per stage, ended with what came of it.
import { percent } from "../rollout/moves.ts";
import type { Rollout } from "../rollout/record.ts";
import type { Progress, Step } from "./host.ts";
import type { Listener } from "./rollout-events.ts";
import { viewOf } from "./rollout-view.ts";

/** A stretch of a rollout that a person sees as one step. */
interface Stage {
  title: string;
  /** What there is to say about it when it is over, from the record as it grew. */
  tell: (rollout: Rollout) => string;
  /** What went before it failed. */
  isUndoing?: true;
}

/**
 * Turns the driver's news into steps. A stage that the rollout was taken back from has failed, and
 * taking it back has not.
 */
export function showRollout(progress: Progress): Listener {
  let open: (Stage & { step: Step; told: string }) | null = null;
  return {
    news(news) {
      if (news.type === "note") {
        progress.note(news.text);
        return;
      }
      const stage = stageOf(news.rollout);
      if (open !== null) {
        open.told = open.tell(news.rollout);
        if (stage === null || stage.title === open.title) open.step.show(viewOf(news.rollout));
      }
      if (stage === null || stage.title === open?.title) return;
      if (stage.isUndoing) open?.step.fail(open.told);
      else open?.step.done(open.told);
      open = { ...stage, step: progress.step(stage.title), told: "" };
    },
    end(rollout) {
      if (rollout !== null && (rollout.outcome === "promoted" || open?.isUndoing)) open?.step.done(open.told);
      else open?.step.fail(open.told);
      open = null;
    },
  };
}

function stageOf({ phase, to, from, share }: Rollout): Stage | null {
  const nothing = () => "";
  switch (phase) {
    case "preflight":
      return { title: "preflight", tell: nothing };
    case "canary-up":
      return { title: `start ${to.version} without traffic`, tell: nothing };
    case "golden":
      return { title: `replay labelled rows through ${to.version}`, tell: tellGolden };
    case "set":
    case "verify":
    case "observe":
    case "hold":
      return share > 0 ? { title: `canary ${percent(share)}`, tell: tellCanary } : null;
    case "expand":
      return { title: `start all servers of ${to.version}`, tell: share > 0 ? tellCanary : nothing };
    case "promote":
      return { title: `promote ${to.version}`, tell: nothing };
    case "bake":
      return from === null
        ? null
        : { title: `watch ${to.version}, ${from.version} kept warm`, tell: tellBake };
    case "abort":
      return { title: `take ${to.version} back`, tell: nothing, isUndoing: true };
    default:
      return null;
  }
}

function tellGolden({ golden }: Rollout): string {
  if (golden === null) return "";
  const { rows, flips, maxDelta } = golden;
  return `${rows} rows, ${flips} with another label, largest difference ${maxDelta.toPrecision(1)}`;
}

function tellCanary(rollout: Rollout): string {
  const { canary } = rollout.evidence.total;
  const { waiting } = viewOf(rollout);
  const wait = waiting === null ? "" : `; ${waiting}`;
  return `${canary.requests} canary requests so far, ${canary.errors} failed${wait}`;
}

function tellBake({ evidence }: Rollout): string {
  const { requests, errors } = evidence.bake.counts;
  return `${requests} requests, ${errors} failed`;
}
