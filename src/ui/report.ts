// A validation report on a terminal: the verdict, what decided it, and what to do next.
import { defaultMetrics } from "../validation/metrics/measure.ts";
import type { Report } from "../validation/report.ts";
import { showGate, showNumber, showVerdict } from "../validation/show.ts";
import type { Render, Screen } from "./screen.ts";
import type { StyleName } from "./style.ts";
import { table, wrap } from "./table.ts";

const colours: Record<string, StyleName> = {
  pass: "green",
  fail: "red",
  FAIL: "red",
  ERROR: "red",
  inconclusive: "yellow",
  skipped: "dim",
};

const paint = (screen: Screen, status: string, text = status) =>
  screen.style(colours[status] ?? "bold", text);

/** Renders the report; readable from 60 columns on. */
export const renderReport: Render<Report> = (report, screen) => {
  const { gates, findings, metrics, task, dataset, verdict } = report;
  const rows = gates.map((gate) => {
    const { name, value, required, status } = showGate(gate, report);
    return [paint(screen, status), name, value, required];
  });
  const measured = defaultMetrics(task, metrics).map(({ name, value, reason }) => {
    return [name, value === null ? `none: ${reason ?? ""}` : showNumber(value)];
  });
  const reasons = gates
    .filter(({ status }) => status !== "pass")
    .map(({ why, hint }) => item(hint ? `${why}. ${sentence(hint)}` : why, screen));
  const signs = findings.map(({ severity, what, fix }) => {
    const shown = severity === "fail" ? "FAIL" : "warning";
    return item(`${shown}: ${what}. ${sentence(fix)}`, screen);
  });
  return [
    `${wrap(paint(screen, verdict, sentence(`the model ${showVerdict(report)}`)), screen.width)}\n`,
    `\n${table(["", "gate", "value", "required"], rows, screen)}`,
    ...section(reasons),
    ...section(signs),
    `\n${table([`on ${dataset.rows} rows`, task], measured, screen)}`,
    `\n${screen.style("dim", "next:")} ${next(report)}\n`,
  ].join("");
};

/** A point of a list; its lines stand below its text. */
const item = (text: string, { width }: Screen) => `- ${wrap(text, width, "  ")}\n`;

const section = (lines: string[]) => (lines.length === 0 ? [] : ["\n", ...lines]);

const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

function next({ verdict }: Report): string {
  if (verdict === "pass") return "mlship deploy";
  return verdict === "fail"
    ? "change the model, then mlship validate"
    : "add a gate with min or max, then mlship validate";
}
