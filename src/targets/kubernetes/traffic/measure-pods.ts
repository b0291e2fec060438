// A measurement made of what the servers counted themselves, where no router counts for them.
import { MlshipError } from "../../../errors.ts";
import type { Measurement } from "../../../rollout/ports.ts";
import { eraOf, type Sides } from "./measure-sides.ts";
import type { PodCounters, PodCounts } from "./pod-counters.ts";
import type { Cluster } from "../ports.ts";

/** All of a measurement that the servers themselves can tell. */
export type PodMeasurement = Omit<Measurement, "share" | "rescued" | "failed">;

/**
 * Reads the counters of both sides.
 * @throws MlshipError `counters.partial`, exit 5, when fewer than 90 % of a side's servers answered,
 *   or when they are not servers of mlship's.
 */
export async function measurePods(
  cluster: Pick<Cluster, "monotonic">,
  counters: PodCounters,
  sides: Sides,
): Promise<PodMeasurement> {
  const counts = await counters.read(sides.stable, sides.canary);
  if (counts === null) {
    throw new MlshipError({
      code: "counters.partial",
      what: "the servers' counters cannot be read",
      why: "fewer than 90 % of them answered at /metrics, or what they answered is not mlship's",
      fix: "see `mlship status`; for servers that count nothing use `deploy.canary.split: router`",
      exit: "unavailable",
    });
  }
  return {
    at: cluster.monotonic(),
    era: eraOf(sides, []),
    stable: counts.stable.counts,
    canary: counts.canary.counts,
    ready: sides.ready,
    trouble: sides.trouble,
    served: answersOf(counts),
  };
}

/** Durations and answers of both sides; null unless both have them. */
export function answersOf(counts: PodCounts | null): Measurement["served"] {
  if (counts === null || counts.stable.answers === null || counts.canary.answers === null) return null;
  return { stable: counts.stable.answers, canary: counts.canary.answers };
}
