// in-toto test-result v0.1: how the model in an image was judged, on which rows, by which gates.
import type { Report } from "../../validation/report.ts";
import { hexOf, type ResourceDescriptor } from "./statement.ts";

/** Only a report that lets the model pass is PASSED: what was not evaluated has not passed. */
export function makeTestResult(report: Report): object {
  const named = (wanted: (status: Report["gates"][number]["status"]) => boolean) =>
    report.gates.filter(({ status }) => wanted(status)).map(({ id }) => id);
  return {
    result: report.verdict === "pass" ? "PASSED" : "FAILED",
    configuration: configuration(report),
    passedTests: named((status) => status === "pass"),
    warnedTests: named((status) => status === "skipped"),
    failedTests: named((status) => status !== "pass" && status !== "skipped"),
  };
}

/** Digests of documents are over their canonical JSON, those of the rows over the file's bytes. */
function configuration(report: Report): ResourceDescriptor[] {
  const { dataset, model, lock, server, gates, metrics, findings, verdict, task, baseline } = report;
  const sha256 = (digest: `sha256:${string}`) => ({ digest: { sha256: hexOf(digest) } });
  return [
    {
      name: "dataset",
      ...sha256(dataset.digest),
      annotations: { rows: dataset.rows, target: dataset.target },
    },
    { name: "model", ...sha256(model.digest), annotations: { format: model.format, task } },
    { name: "environment", ...sha256(lock) },
    { name: "server", ...sha256(server) },
    ...(baseline === null
      ? []
      : [{ name: "baseline", ...sha256(baseline.model), annotations: { version: baseline.version } }]),
    {
      name: report.schema,
      ...sha256(report.digest),
      annotations: {
        verdict,
        gates: gates.map(({ id, metric, average, bound, required, observed, status }) => ({
          id,
          metric,
          average,
          bound,
          required,
          observed,
          status,
        })),
        metrics: metrics.map(({ name, average, value, n }) => ({ name, average, value, n })),
        findings: findings.map(({ code, severity }) => ({ code, severity })),
      },
    },
  ];
}
