// The PodMonitor: how the Prometheus operator finds the servers' metrics.
import type { Manifest } from "../manifest.ts";
import { modelSelector, stableMetadata } from "../names.ts";
import type { Served } from "../served.ts";

/** The PodMonitor of a model where one is asked for (`deploy.monitor`); else nothing. */
export function podMonitor(served: Served): Manifest[] {
  if (served.deploy.monitor === "none") return [];
  return [
    {
      file: "pod-monitor.yaml",
      about: [
        "Metrics of every server, with its version and its revision as labels, so that two versions can be compared.",
      ],
      object: {
        apiVersion: "monitoring.coreos.com/v1",
        kind: "PodMonitor",
        metadata: stableMetadata(served),
        spec: {
          selector: { matchLabels: modelSelector(served) },
          podTargetLabels: ["app.kubernetes.io/version", "app.kubernetes.io/instance"],
          podMetricsEndpoints: [{ port: "http", path: "/metrics", interval: "15s" }],
        },
      },
    },
  ];
}
