// Text from outside as plain Markdown, and tables of it.

/** A table; nothing for one without rows. Cells are Markdown: escape what comes from outside. */
export function markdownTable(heading: string[], rows: string[][]): string {
  if (rows.length === 0) return "";
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return [line(heading), line(heading.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Makes text plain: one line, no Markdown, no HTML, no mention. */
export function escapeMarkdown(text: string): string {
  return text
    .replaceAll(/\s+/g, " ")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(/[\\`*_[\]|#~]/g, String.raw`\$&`)
    .replaceAll("@", "&#64;");
}
