// The three questions that the kubelet asks a server.
import type { Lifecycle } from "./lifecycle.ts";
import type { JsonObject } from "../manifest.ts";

/**
 * `startupProbe` waits for the model to load, so that liveness can stay tight; liveness asks whether
 * the process answers at all; readiness also fails while the server drains or its queue is nearly full.
 */
export function probes({ startup }: Lifecycle): JsonObject {
  return {
    startupProbe: {
      ...ask("/health/startup"),
      periodSeconds: startup.period,
      failureThreshold: startup.failures,
    },
    livenessProbe: { ...ask("/health/live"), periodSeconds: 10, failureThreshold: 3 },
    readinessProbe: { ...ask("/health/ready"), periodSeconds: 2, failureThreshold: 2 },
  };
}

function ask(path: string): JsonObject {
  return { httpGet: { path, port: "http" }, timeoutSeconds: 2 };
}
