// The few Markdown forms that the reference pages are made of.

/** First line of a page, so that nobody edits what is overwritten. */
export const generated = "<!-- Written by `node scripts/write-reference.ts`. Do not edit. -->\n";

/** A table; cells are Markdown already. */
export function table(heading: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return [line(heading), line(heading.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Text as it is, safe in a table's cell. */
export function cell(text: string): string {
  return text
    .replaceAll(/\s+/g, " ")
    .replaceAll("|", String.raw`\|`)
    .replaceAll("<", "&lt;")
    .trim();
}

/** Text as code, safe in a table's cell. */
export function code(text: string): string {
  return `\`${text.replaceAll("|", String.raw`\|`)}\``;
}

/** A fenced block. */
export function block(language: string, text: string): string {
  return `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;
}

/** Paragraphs of a page. */
export function page(...parts: string[]): string {
  return `${generated}\n${parts.filter((part) => part !== "").join("\n\n")}\n`;
}
