// The PodDisruptionBudget: how many servers a drained node may take away.
import type { Manifest } from "../manifest.ts";
import { revisionMetadata, revisionSelector } from "../names.ts";
import type { Served } from "../served.ts";

/** The disruption budget of a revision. */
export function disruptionBudget(served: Served): Manifest {
  return {
    file: "pod-disruption-budget.yaml",
    about: [
      "At most one server is taken away at a time when nodes are drained. One that is not ready anyway never stands in a drain's way.",
    ],
    object: {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: revisionMetadata(served),
      spec: {
        maxUnavailable: 1,
        unhealthyPodEvictionPolicy: "AlwaysAllow",
        selector: { matchLabels: revisionSelector(served) },
      },
    },
  };
}
