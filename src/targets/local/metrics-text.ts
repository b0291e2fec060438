// The gateway's own counters in Prometheus' text format.
import type { GatewayStatus, Split } from "./documents.ts";

/** One page for `GET /metrics` of the gateway. Versions are labels, so that a promotion is visible. */
export function metricsText(measured: Split, status: GatewayStatus): string {
  const sides = (["stable", "canary"] as const).map((side) => ({
    label: sideLabel(side, status),
    counts: measured[side],
    ready: measured.ready[side],
  }));
  return [
    ...family("mlship_gateway_attempts_total", "counter", "Attempts to have a side answer a request."),
    ...sides.map(({ label, counts }) => `mlship_gateway_attempts_total{${label}} ${counts.requests}`),
    ...family(
      "mlship_gateway_attempt_errors_total",
      "counter",
      "Attempts that ended in 5xx or without answer.",
    ),
    ...sides.map(({ label, counts }) => `mlship_gateway_attempt_errors_total{${label}} ${counts.errors}`),
    ...family("mlship_gateway_rescued_total", "counter", "Failed canary attempts that stable answered."),
    `mlship_gateway_rescued_total ${measured.rescued}`,
    ...family("mlship_gateway_failed_total", "counter", "Requests that users saw fail with 5xx."),
    `mlship_gateway_failed_total ${measured.failed}`,
    ...family("mlship_gateway_canary_share", "gauge", "Share of requests that goes to the canary, 0 to 1."),
    `mlship_gateway_canary_share ${measured.share}`,
    ...family("mlship_gateway_ready_servers", "gauge", "Servers that pass their readiness probe."),
    ...sides.map(({ label, ready }) => `mlship_gateway_ready_servers{${label}} ${ready}`),
    "",
  ].join("\n");
}

function family(name: string, type: "counter" | "gauge", help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

function sideLabel(side: "stable" | "canary", status: GatewayStatus): string {
  const crew = status.crews.find(({ revision }) => revision.id === status[side]);
  return `side="${side}",version="${escaped(crew?.revision.version ?? "")}"`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
