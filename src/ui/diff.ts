// What differs between two versions: a line for each section that is the same, and a list for each that is not.
import type { DiffDocument } from "../commands/diff.ts";
import { showChange, showInterval } from "../validation/cells.ts";
import type { MetricPair } from "../validation/compare/beside.ts";
import { showBytes, showCount, showMetric, showName, showNumber } from "../validation/show.ts";
import type { Render, Screen } from "./screen.ts";
import { table, wrap } from "./table.ts";

/** Renders the document; readable from 60 columns on. */
export const renderDiff: Render<DiffDocument> = (document, screen) => {
  const { name, from, to, same } = document;
  const title = `${name} ${showSide(from)} → ${showSide(to)}`;
  const verdict = same ? ": the same model in the same environment" : "";
  return [
    `${wrap(screen.style("bold", title) + verdict, screen.width)}\n`,
    metrics(document, screen),
    signature(document, screen),
    model(document, screen),
    environment(document, screen),
    section("image", image(document), screen),
    objects(document, screen),
    section("code", code(document), screen),
  ].join("\n");
};

const showSide = ({ asked, version }: DiffDocument["from"]) =>
  asked === version ? version : `${version} (${asked === "." ? "this folder" : asked})`;

function metrics({ from, to, task, dataset, metrics: beside }: DiffDocument, screen: Screen): string {
  const { why, paired, level } = beside;
  const told = [
    ...(why.length === 0 ? [] : [`not comparable: ${why.join("; ")}`]),
    ...(paired ? [`the change is that of both models on the rows of ${to.version}`] : []),
  ];
  const rows =
    dataset.from.digest === dataset.to.digest
      ? showCount(dataset.to.rows)
      : `${showCount(dataset.from.rows)} and ${showCount(dataset.to.rows)}`;
  const heading = [
    `${task.to}, ${rows} rows`,
    from.version,
    to.version,
    "change",
    level === null ? "intervals" : `${showNumber(level * 100, 2)} % intervals`,
  ];
  const cells = beside.metrics.map((pair) => [
    showName(pair),
    value(pair.name, pair.from),
    value(pair.name, pair.to),
    pair.change === null ? "" : showChange(pair.name, pair.change.value),
    intervals(pair),
  ]);
  return `${section("metrics", told.length === 0 ? "on the same rows" : told.join("; "), screen)}${table(heading, cells, screen)}`;
}

function value(name: string, reached: MetricPair["from"]): string {
  return reached === null || reached.value === null ? "none" : showMetric(name, reached.value);
}

/** Of both values, or of the change where that was measured. */
function intervals({ name, from, to, change }: MetricPair): string {
  if (change !== null && change.ci !== null) return `change ${showInterval(name, change.ci)}`;
  const shown = [from, to].map((one) =>
    one === null || one.ci === null ? "none" : showInterval(name, one.ci),
  );
  return shown.every((text) => text === "none") ? "" : shown.join(" → ");
}

function signature({ signature: { changes, needs } }: DiffDocument, screen: Screen): string {
  if (changes.length === 0) return section("signature", "the same", screen);
  const lines = changes.map(({ kind, what }) => {
    const mark = kind === "break" ? screen.style("red", "BREAKS") : screen.style("green", "adds");
    return `${mark}: ${what}`;
  });
  return section("signature", `needs a ${needs} version`, screen) + list(lines, screen);
}

function model({ model: { from, to, files } }: DiffDocument, screen: Screen): string {
  if (files.length === 0) return section("model", `the same, ${showBytes(to.size)}`, screen);
  const format = from.format === to.format ? to.format : `${from.format} → ${to.format}`;
  const lines = files.map(({ path, from: was, to: is }) => `${path}: ${showSizes(was, is)}`);
  return (
    section("model", `${format}, ${showBytes(from.size)} → ${showBytes(to.size)}`, screen) +
    list(lines, screen)
  );
}

function showSizes(from: number | null, to: number | null): string {
  if (from === null) return `new, ${showBytes(to ?? 0)}`;
  if (to === null) return "gone";
  return from === to ? `other bytes, ${showBytes(to)}` : `${showBytes(from)} → ${showBytes(to)}`;
}

function environment({ environment: { from, to, changes } }: DiffDocument, screen: Screen): string {
  if (changes === null)
    return section("environment", "another one; its packages are not known without mlship.lock", screen);
  if (changes.length === 0) {
    const told = from === to ? "the same" : "the same packages, with another server";
    return section("environment", told, screen);
  }
  const lines = changes.map(({ subject, ...change }) => `${subject}: ${showPins(change)}`);
  return section("environment", counted(changes.length, "change"), screen) + list(lines, screen);
}

function showPins({ from, to }: { from: string | null; to: string | null }): string {
  if (from === null) return `new, ${to ?? ""}`;
  return to === null ? `gone, was ${from}` : `${from} → ${to}`;
}

function image({ image: { from, to } }: DiffDocument): string {
  if (from === to) return from === null ? "none is known" : `the same, ${from}`;
  return `${from ?? "none"} → ${to ?? "none"}`;
}

function objects({ objects: changes }: DiffDocument, screen: Screen): string {
  if (changes === null) return section("objects", "not both are served on a cluster", screen);
  if (changes.length === 0) return section("objects", "the same", screen);
  const lines = changes.map(({ object, path, from, to }) => {
    if (path === "") return `${object}: ${from === null ? "new" : "gone"}`;
    return `${object} ${path}: ${from ?? "none"} → ${to ?? "none"}`;
  });
  return section("objects", counted(changes.length, "change"), screen) + list(lines, screen);
}

function code({ code: { from, to, range, server } }: DiffDocument): string {
  const show = (side: typeof from) =>
    side === null ? "unknown" : `${side.commit.slice(0, 12)}${side.dirty ? " with changes" : ""}`;
  const commits = show(from) === show(to) ? show(to) : `${show(from)} → ${show(to)}`;
  const look = range === null ? "" : `, see git log ${range.replaceAll(/([0-9a-f]{12})[0-9a-f]+/g, "$1")}`;
  const other = server.from === server.to ? "" : "; mlship's server is another one";
  return `${commits}${look}${other}`;
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;

function section(title: string, told: string, { style, width }: Screen): string {
  return `${style("bold", `${title}:`)} ${wrap(told, width, "  ")}\n`;
}

/** A whole list would hide the rest; the document has all of it. */
const mostListed = 40;

function list(lines: readonly string[], { width }: Screen): string {
  const more = lines.length - mostListed;
  const shown = [
    ...lines.slice(0, mostListed),
    ...(more > 0 ? [`and ${more} more, which --json lists`] : []),
  ];
  return shown.map((line) => `  - ${wrap(line, width, "    ")}\n`).join("");
}
