// Tables: aligned for people, tab-separated lines for programs.
import widthOf from "string-width";
import wrapAnsi from "wrap-ansi";
import type { Screen } from "./screen.ts";

/** Fills a text with blanks on the right. */
export function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}

/**
 * Breaks a text at blanks so that no line is wider than `width`, and indents all lines but the first,
 * before which the caller has written as much. Lines that the text has, and their own indent, are kept.
 */
export function wrap(text: string, width: number, indent = ""): string {
  const room = Math.max(20, width - indent.length);
  const lines = text.split("\n").map((line) => {
    const own = line.slice(0, line.length - line.trimStart().length);
    return own + wrapAnsi(line.slice(own.length), room - own.length);
  });
  return lines.join("\n").replaceAll("\n", `\n${indent}`);
}

/**
 * A table with a heading row. On a terminal the last column stands on lines of its own below its row
 * when it does not fit beside it; elsewhere each row is one line of tab-separated cells without the heading.
 */
export function table(heading: string[], rows: string[][], screen: Screen): string {
  if (!screen.terminal) return rows.map((row) => `${row.join("\t")}\n`).join("");
  const last = heading.length - 1;
  const widths = heading.map((title, column) =>
    Math.max(widthOf(title), ...rows.map((row) => widthOf(row[column] ?? ""))),
  );
  const fits = widths.reduce((sum, width) => sum + width + 2, -2) <= screen.width;
  const line = (row: string[]) =>
    row
      .map((cell, column) => pad(cell, widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  const lineOf = (row: string[]) =>
    fits ? line(row) : `${line(row.slice(0, last))}\n    ${wrap(row[last] ?? "", screen.width, "    ")}`;
  const titles = line(fits ? heading : heading.slice(0, last));
  return [screen.style("dim", titles), ...rows.map(lineOf)].map((text) => `${text}\n`).join("");
}
