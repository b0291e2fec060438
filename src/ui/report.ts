// A validation report on a terminal: the verdict, what decided it, where it is worst, and what to do next.
import cut from "cli-truncate";
import widthOf from "string-width";
import { gateCells, levelOf, showChange, showInterval, reasonsOf, toleratedOf } from "../validation/cells.ts";
import { defaultMetrics } from "../validation/metrics/measure.ts";
import { nextStep } from "../validation/next-step.ts";
import type { Report } from "../validation/report.ts";
import { showCount, showMetric, showName, showVerdict } from "../validation/show.ts";
import { foundSlices, worstSlice } from "../validation/worst-slice.ts";
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

/** Found slices that are told: they are advice, and the report has them all. */
const mostFound = 3;

/** Renders the report; readable from 60 columns on. */
export const renderReport: Render<Report> = (report, screen) => {
  const { gates, findings, verdict } = report;
  const reasons = reasonsOf(gates).map(({ of, why, hint }) => {
    const told = of === "" ? why : `${of}: ${why}`;
    return item(hint ? `${told}. ${sentence(hint)}` : told, screen);
  });
  const signs = findings.map(({ severity, what, fix }) => {
    const shown = severity === "fail" ? paint(screen, "FAIL") : screen.style("yellow", "warning");
    return item(`${shown}: ${what}. ${sentence(fix)}`, screen);
  });
  return [
    `${wrap(paint(screen, verdict, sentence(`the model ${showVerdict(report)}`)), screen.width)}\n`,
    ...section([gateTable(report, screen)]),
    ...section([
      ...reasons,
      ...toleratedOf(report).map((why) => item(screen.style("dim", `passes: ${why}`), screen)),
    ]),
    ...section(signs),
    ...section(sliceLines(report, screen)),
    ...section([comparisonTable(report, screen)]),
    ...section([metricTable(report, screen)]),
    `\n${screen.style("dim", "next:")} ${wrap(nextStep(report), screen.width, "      ")}\n`,
  ].join("");
};

function gateTable(report: Report, screen: Screen): string {
  const rows = report.gates.map((gate) => {
    const { name, value, interval, required, status } = gateCells(gate, report);
    return [paint(screen, status), name, value, interval, required];
  });
  const heading = ["", "gate", "value", intervalHeading(report), "required"];
  return narrowed(heading, rows, screen);
}

const intervalHeading = (report: Report) => `${levelOf(report) ?? ""} interval`.trimStart();

/** A wide name gives way, then the interval goes below its row with what is required. */
function narrowed(heading: string[], rows: string[][], screen: Screen): string {
  if (!screen.terminal) return table(heading, rows, screen);
  const widthsOf = (all: string[][]) =>
    heading.map((_title, column) => Math.max(...all.map((row) => widthOf(row[column] ?? ""))));
  const widths = widthsOf([heading, ...rows]);
  const total = widths.reduce((sum, width) => sum + width + 2, -2);
  if (total <= screen.width) return table(heading, rows, screen);
  const [status = 0, , value = 0] = widths;
  const room = Math.max(16, screen.width - status - value - 4);
  const merged = rows.map(([first = "", name = "", third = "", interval = "", required = ""]) => [
    first,
    cut(name, room),
    third,
    interval === "" ? required : `${required}, ${heading[3]} ${interval}`,
  ]);
  return table([heading[0] ?? "", heading[1] ?? "", heading[2] ?? "", heading[4] ?? ""], merged, screen);
}

function sliceLines(report: Report, screen: Screen): string[] {
  const worst = worstSlice(report);
  const found = foundSlices(report, mostFound);
  const unmeasured = report.slices.filter(({ reason }) => reason !== null);
  return [
    ...(worst === null ? [] : [item(`${screen.style("bold", "worst slice:")} ${worst}`, screen)]),
    ...unmeasured.map(({ name, reason }) => item(`slice ${name} was not measured: ${reason}`, screen)),
    ...found.map((text) => item(screen.style("dim", `weak spot, as advice: ${text}`), screen)),
  ];
}

function comparisonTable({ comparisons, baseline, metrics }: Report, screen: Screen): string {
  if (comparisons.length === 0) return "";
  const level = levelOf({ metrics }) ?? "";
  const rows = comparisons.map(({ metric, average, candidate, production, delta, ci }) => [
    showName({ name: metric, average }),
    showMetric(metric, production),
    showMetric(metric, candidate),
    showChange(metric, delta),
    ci === null ? "" : showInterval(metric, ci),
  ]);
  const heading = [
    `against ${baseline?.version ?? "production"}`,
    "there",
    "here",
    "change",
    `${level} interval`,
  ];
  return table(heading, rows, screen);
}

function metricTable(report: Report, screen: Screen): string {
  const { task, metrics, dataset } = report;
  const rows = defaultMetrics(task, metrics).map(({ name, average, value, reason, ci }) => [
    showName({ name, average }),
    value === null ? "none" : showMetric(name, value),
    value === null ? (reason ?? "") : ci === null ? "" : showInterval(name, ci),
  ]);
  return table(
    [`on ${showCount(dataset.rows)} rows, ${task}`, "value", intervalHeading(report)],
    rows,
    screen,
  );
}

/** A point of a list; its lines stand below its text. */
const item = (text: string, { width }: Screen) => `- ${wrap(text, width, "  ")}\n`;

const section = (lines: string[]) => {
  const told = lines.filter((line) => line !== "");
  return told.length === 0 ? [] : ["\n", ...told];
};

const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
