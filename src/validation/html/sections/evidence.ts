// What was seen of data and model besides the metrics, what all of it was computed from, and how to do it again.
import { showShare } from "../../cells.ts";
import type { Report } from "../../report.ts";
import { showBytes, showCount, showNumber } from "../../show.ts";
import { element, type Markup } from "../markup.ts";
import { type Row, tableOf } from "../table.ts";

/** What the data hold that a reader should know. */
export function dataTables({ data, dataset, robustness }: Report): Markup[] {
  const { nulls, range, unseenCategories, duplicates, trainOverlap } = data;
  const of = (rows: number) => `${showCount(rows)} (${showShare(rows, dataset.rows)})`;
  const rows: Row[] = [
    ...(trainOverlap === null
      ? []
      : [
          {
            cells: [
              "rows of the training data",
              "",
              of(trainOverlap.rows),
              `${showCount(trainOverlap.sameLabel)} with the same label, of ${showCount(trainOverlap.trainRows)} training rows`,
            ],
          },
        ]),
    ...(duplicates === null || duplicates.rows === 0
      ? []
      : [{ cells: ["repeats an earlier row", "", of(duplicates.rows), ""] }]),
    ...nulls.map(({ column, rows: count }) => ({ cells: ["missing", column, of(count), ""] })),
    ...range.map(({ column, low, high, below, above }) => ({
      cells: [
        "outside of what training showed",
        column,
        of(below + above),
        `${showCount(below)} below ${showNumber(low)}, ${showCount(above)} above ${showNumber(high)}`,
      ],
    })),
    ...unseenCategories.map(({ column, rows: count, values }) => ({
      cells: ["category that training did not show", column, of(count), values.join(", ")],
    })),
  ];
  const asked = {
    batchSize: "rows one by one",
    threads: "more threads",
    columnOrder: "columns in another order",
  };
  return [
    tableOf(
      "What the rows hold",
      [{ heading: "what" }, { heading: "column" }, { heading: "rows", kind: "number" }, { heading: "" }],
      rows,
    ),
    tableOf(
      "The same rows, asked in another way",
      [
        { heading: "asked with" },
        { heading: "rows", kind: "number" },
        { heading: "other labels", kind: "number" },
        { heading: "largest difference", kind: "number" },
      ],
      // Where no rows were asked, nothing is known.
      robustness
        .filter((check) => check.rows > 0)
        .map(({ check, rows: count, flips, maxDelta }) => ({
          cells: [asked[check], showCount(count), showCount(flips), showNumber(maxDelta)],
        })),
    ),
  ].filter((table) => table !== null);
}

/** Digests, libraries, files and costs. */
export function provenance(report: Report): Markup[] {
  const { model, dataset, runtime, tool, baseline, volatile } = report;
  const { loadSeconds, rss, peakRss, rowsPerSecond, latency } = volatile.performance;
  const milliseconds = (seconds: number) => `${showNumber(seconds * 1000, 2)} ms`;
  const facts: [string, string | null][] = [
    ["model", model.digest],
    ["data", dataset.digest],
    ["Python lock", report.lock],
    ["server", report.server],
    ["in production", baseline === null ? null : `${baseline.version}, ${baseline.model}`],
    ["report", report.digest],
    ["made by", `${tool.name} ${tool.version}, Python ${runtime.version} on ${runtime.platform}`],
    ["target", [dataset.target].flat().join(", ")],
    ["weights", dataset.weight],
    ["scored", rowsPerSecond === null ? null : `${showCount(Math.round(rowsPerSecond))} rows/s`],
    [
      "cost here",
      `${showNumber(loadSeconds, 2)} s to load, ${showBytes(rss)} after loading, ${showBytes(peakRss)} at most`,
    ],
    [
      "one row",
      latency === null ? null : `${milliseconds(latency.p50)} median, ${milliseconds(latency.p99)} p99`,
    ],
  ];
  const pairs = facts.flatMap(([name, value]) =>
    value === null ? [] : [element("dt", {}, name), element("dd", {}, element("code", {}, value))],
  );
  const libraries = Object.entries(model.libraries).map(([name, version]) => `${name} ${version}`);
  const files = tableOf(
    "Files of the model",
    [{ heading: "file" }, { heading: "size", kind: "number" }, { heading: "SHA-256" }],
    model.files.slice(0, 100).map(({ path, size, sha256 }) => ({
      cells: [path, showBytes(size), element("code", {}, sha256)],
    })),
  );
  return [
    element("dl", {}, pairs, libraries.length === 0 ? null : fact("libraries", libraries.join(", "))),
    ...(files === null ? [] : [element("details", {}, element("summary", {}, "Files of the model"), files)]),
  ];
}

const fact = (name: string, value: string) => [element("dt", {}, name), element("dd", {}, value)];

/** The commands that give this report again. */
export function reproduction({ digest }: Report): Markup[] {
  return [
    element(
      "p",
      {},
      "The same model, data, lock and mlship.yaml give a report with the same digest, on any machine. In the project's folder:",
    ),
    element("pre", {}, element("code", {}, "mlship validate --html report.html -o report.json")),
    element("p", {}, "The new report's digest must then be ", element("code", {}, digest), "."),
  ];
}
