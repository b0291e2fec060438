// What a command says of a rollout whose driver died: what it found, and what became of it.
import { percent } from "./moves.ts";
import type { Observed } from "./ports.ts";
import type { Rollout } from "./record.ts";

/** One sentence on what was found. */
export function tellFound(rollout: Rollout, seen: Observed): string {
  const { to, holder, phase } = rollout;
  const running = [
    seen.stable === null ? "nothing serves" : `${seen.stable.version} serves`,
    seen.canary === null
      ? null
      : `${seen.canary.version} runs as a canary with ${percent(seen.share)} of requests`,
    seen.previous === null ? null : `${seen.previous.version} is still warm`,
  ].filter((part) => part !== null);
  return `Found the rollout of ${to.version} by ${holder.user}@${holder.host} (${holder.doing}) left in phase ${phase}; ${running.join(", ")}.`;
}

/** One sentence on how it ended. */
export function tellEnded(rollout: Rollout): string {
  const { to, from, outcome } = rollout;
  if (outcome === "promoted") {
    const wasCut = from !== null && rollout.log.some((entry) => entry.action.endsWith("ended early"));
    return `Finished it: ${to.version} serves${wasCut ? "; nobody watched it to the end after its promotion" : ""}.`;
  }
  const serving = from === null ? "nothing serves, as before" : `${from.version} serves everything`;
  return `Took it back: ${serving}; recorded as ${outcome ?? "unfinished"}.`;
}

/** One sentence on servers that no unfinished rollout speaks of. */
export function tellLeftover(version: string, share: number): string {
  return `Found ${version} running with ${percent(share)} of requests and no rollout that speaks of it; stopped it.`;
}
