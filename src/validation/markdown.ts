// A report as Markdown for a pull request: the verdict first, then what decided it; what does not fit is named.
import { gateCells, levelOf, showChange, showInterval, reasonsOf, toleratedOf } from "./cells.ts";
import { escapeMarkdown as escape, markdownTable as table } from "./markdown-text.ts";
import { defaultMetrics } from "./metrics/measure.ts";
import type { Report } from "./report.ts";
import { showCount, showMetric, showName, showVerdict } from "./show.ts";
import { foundSlices, worstSlice } from "./worst-slice.ts";

/** GitHub refuses comments above 65,536 characters; the rest is room for the caller's own lines. */
const mostCharacters = 60_000;

/** Lets the same comment be found and replaced. */
export const marker = "<!-- mlship:report -->";

/** A part of the comment. */
interface Block {
  /** What it is called when it is left out. */
  about: string;
  /** Before its lines. */
  head: string;
  lines: string[];
  /** After its lines. */
  foot: string;
}

/**
 * Renders a report. Text from data and model is escaped: it can neither break a table nor mention
 * anyone, nor add HTML.
 * @param name the model and its version: `fraud 1.4.0`.
 */
export function renderMarkdown(report: Report, name: string): string {
  const { gates, findings } = report;
  const interval = `${levelOf(report) ?? ""} interval`.trimStart();
  const gateRows = gates.map((gate) => {
    const cells = gateCells(gate, report);
    const result = gate.status === "pass" ? "pass" : `**${cells.status}**`;
    return [result, cells.name, cells.value, cells.interval, cells.required].map((cell, at) =>
      at === 0 ? cell : escape(cell),
    );
  });
  const reasons = reasonsOf(gates).map(({ ids, why, hint }) => {
    return `- **${escape(ids.join(", "))}** ${escape(why)}${hint === null ? "" : `. ${escape(sentence(hint))}`}`;
  });
  const tolerated = toleratedOf(report).map((why) => `- passes: ${escape(why)}`);
  const signs = findings.map(({ severity, what, fix }) => {
    return `- **${severity}** ${escape(what)}. ${escape(sentence(fix))}`;
  });
  return fit(`${marker}\n\n### mlship: ${escape(name)} ${showVerdict(report)}`, footer(report), [
    tableBlock("gates", ["result", "gate", "value", interval, "required"], gateRows),
    { about: "reasons", head: "", lines: [...reasons, ...tolerated], foot: "" },
    { about: "findings", head: "", lines: signs, foot: "" },
    { about: "slices", head: "", lines: sliceLines(report), foot: "" },
    comparison(report, interval),
    metrics(report, interval),
  ]);
}

function sliceLines(report: Report): string[] {
  const worst = worstSlice(report);
  const found = foundSlices(report, 5);
  return [
    ...(worst === null ? [] : [`- worst slice: ${escape(worst)}`]),
    ...found.map((text) => `- weak spot, as advice: ${escape(text)}`),
  ];
}

function comparison({ comparisons, baseline }: Report, interval: string): Block {
  const rows = comparisons.map(({ metric, average, candidate, production, delta, ci }) => [
    escape(showName({ name: metric, average })),
    showMetric(metric, production),
    showMetric(metric, candidate),
    showChange(metric, delta),
    ci === null ? "" : showInterval(metric, ci),
  ]);
  const version = escape(baseline?.version ?? "production");
  return folded(
    `Compared with ${version}, on the same rows`,
    tableBlock("comparison", ["metric", version, "this", "change", interval], rows),
  );
}

function metrics({ task, metrics: all, dataset }: Report, interval: string): Block {
  const rows = defaultMetrics(task, all).map(({ name, average, value, reason, ci }) => [
    escape(showName({ name, average })),
    value === null ? escape(`none: ${reason ?? ""}`) : showMetric(name, value),
    ci === null ? "" : showInterval(name, ci),
  ]);
  return folded(
    `Metrics on ${showCount(dataset.rows)} rows, ${task}`,
    tableBlock("metrics", ["metric", "value", interval], rows),
  );
}

const footer = ({ model, dataset, lock, digest }: Report) =>
  [
    `model \`${model.digest}\``,
    `data \`${dataset.digest}\``,
    `lock \`${lock}\``,
    `report \`${digest}\``,
  ].join("<br>");

function tableBlock(about: string, heading: string[], rows: string[][]): Block {
  const [titles = "", rule = "", ...lines] = table(heading, rows).split("\n");
  return { about, head: `${titles}\n${rule}\n`, lines, foot: "" };
}

const folded = (summary: string, { about, head, lines, foot }: Block): Block => ({
  about,
  head: `<details><summary>${summary}</summary>\n\n${head}`,
  lines,
  foot: `${foot}\n\n</details>`,
});

/** Leaves out the last lines of the first block that does not fit, and all blocks behind it, and says so. */
function fit(head: string, foot: string, blocks: readonly Block[]): string {
  const room = mostCharacters - head.length - foot.length - 300;
  const told: string[] = [];
  const missing: string[] = [];
  let used = 0;
  for (const block of blocks.filter(({ lines }) => lines.length > 0)) {
    const around = block.head.length + block.foot.length + 2;
    let [kept, size] = [0, around];
    while (kept < block.lines.length && used + size + (block.lines[kept]?.length ?? 0) + 1 <= room) {
      size += (block.lines[kept]?.length ?? 0) + 1;
      kept++;
    }
    if (missing.length > 0 || kept < block.lines.length) missing.push(block.about);
    if (kept === 0 || (missing.length > 0 && missing[0] !== block.about)) continue;
    told.push(`${block.head}${block.lines.slice(0, kept).join("\n")}${block.foot}`);
    used += size;
  }
  const cut = missing.length === 0 ? [] : [`… cut: ${missing.join(", ")}. The whole report is in its JSON.`];
  return `${[head, ...told, ...cut, foot].join("\n\n")}\n`;
}

const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
