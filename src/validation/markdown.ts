// A report as Markdown for a pull request: the verdict first, then what decided it.
import { defaultMetrics } from "./metrics/measure.ts";
import type { Report } from "./report.ts";
import { escapeMarkdown as escape, markdownTable as table } from "./markdown-text.ts";
import { showGate, showNumber, showVerdict } from "./show.ts";

/** GitHub refuses comments above 65 536 characters; the rest is room for the caller's own lines. */
const mostCharacters = 60_000;

/** Lets the same comment be found and replaced. */
const marker = "<!-- mlship:report -->";

/**
 * Renders a report. Text from data and model is escaped: it can neither break a table nor mention
 * anyone, nor add HTML.
 * @param name the model and its version: `fraud 1.4.0`.
 */
export function renderMarkdown(report: Report, name: string): string {
  const { gates, findings, metrics, dataset, task } = report;
  const blocks = [
    marker,
    `### mlship: ${escape(name)} ${showVerdict(report)}`,
    findings.map(({ severity, what, fix }) => `- **${severity}** ${escape(what)}: ${escape(fix)}`).join("\n"),
    table(
      ["gate", "value", "required", "result"],
      gates.map((gate) => {
        const { name: id, value, required, status } = showGate(gate, report);
        const result = status === "pass" ? "pass" : `**${status}** ${escape(gate.why)}`;
        return [escape(id), escape(value), escape(required), result];
      }),
    ),
    gates
      .filter(({ hint, status }) => hint !== null && status !== "skipped")
      .map(({ id, hint }) => `- ${escape(id)}: ${escape(hint ?? "")}`)
      .join("\n"),
    `<details><summary>Metrics on ${dataset.rows} rows, ${task}</summary>`,
    table(
      ["metric", "value"],
      defaultMetrics(task, metrics).map(({ name: metric, value, reason }) => {
        return [metric, value === null ? escape(`none: ${reason ?? ""}`) : showNumber(value)];
      }),
    ),
    "</details>",
    [
      `model \`${report.model.digest}\``,
      `data \`${dataset.digest}\``,
      `lock \`${report.lock}\``,
      `report \`${report.digest}\``,
    ].join("<br>"),
  ];
  return fit(blocks.filter((block) => block !== ""));
}

/** Leaves out the last lines of what does not fit, and says so. */
function fit(blocks: string[]): string {
  const text = `${blocks.join("\n\n")}\n`;
  if (text.length <= mostCharacters) return text;
  const kept = text.slice(0, mostCharacters);
  return `${kept.slice(0, kept.lastIndexOf("\n"))}\n\n… cut: the whole report is in its JSON.\n`;
}
