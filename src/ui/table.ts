// Tables: aligned for people, tab-separated lines for programs.
import cut from "cli-truncate";
import widthOf from "string-width";
import wrapAnsi from "wrap-ansi";
import type { Screen } from "./screen.ts";

/** Fills a text with blanks on the right. */
export function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}

/** Breaks a text at blanks so that no line is wider than `width`, and indents all lines but the first. */
export function wrap(text: string, width: number, indent = ""): string {
  return wrapAnsi(text, Math.max(20, width - indent.length), { trim: false }).replaceAll(
    / *\n/g,
    `\n${indent}`,
  );
}

/**
 * A table with a heading row. On a terminal the last column is cut to fit; elsewhere each row is one
 * line of tab-separated cells without the heading.
 */
export function table(heading: string[], rows: string[][], screen: Screen): string {
  if (!screen.terminal) return rows.map((row) => `${row.join("\t")}\n`).join("");
  const widths = heading.map((title, column) =>
    Math.max(widthOf(title), ...rows.map((row) => widthOf(row[column] ?? ""))),
  );
  const last = heading.length - 1;
  const room = screen.width - widths.slice(0, last).reduce((sum, width) => sum + width + 2, 0);
  const line = (row: string[]) =>
    row
      .map((cell, column) =>
        column < last
          ? pad(cell, widths[column] ?? 0)
          : widthOf(cell) > room
            ? cut(cell, Math.max(room, 12))
            : cell,
      )
      .join("  ")
      .trimEnd();
  const titles = heading.map((title, column) => pad(title, column < last ? (widths[column] ?? 0) : 0));
  return [screen.style("dim", titles.join("  ").trimEnd()), ...rows.map(line)]
    .map((text) => `${text}\n`)
    .join("");
}
