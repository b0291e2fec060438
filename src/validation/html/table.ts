// Tables of a page: on a phone each row becomes a card, whose cells name their columns.
import { type Child, element, type Markup } from "./markup.ts";

/** A column: its heading, and whether it holds numbers. */
export interface Column {
  heading: string;
  kind?: "text" | "number" | "picture";
}

/** A row: its cells, and a class that colours it. */
export interface Row {
  cells: readonly Child[];
  className?: string;
}

/** @param caption tells what the table is; read aloud, and shown above it. */
export function tableOf(caption: string, columns: readonly Column[], rows: readonly Row[]): Markup | null {
  if (rows.length === 0) return null;
  // The roles are those that the elements lose when a phone shows them as blocks.
  return element(
    "table",
    { class: "rows", role: "table" },
    element("caption", {}, caption),
    element(
      "thead",
      { role: "rowgroup" },
      element(
        "tr",
        { role: "row" },
        ...columns.map(({ heading, kind = "text" }) =>
          element("th", { scope: "col", role: "columnheader", class: kind }, heading),
        ),
      ),
    ),
    element(
      "tbody",
      { role: "rowgroup" },
      ...rows.map(({ cells, className = "" }) =>
        element(
          "tr",
          { role: "row", class: className },
          ...cells.map((cell, at) => {
            const { heading = "", kind = "text" } = columns[at] ?? {};
            return element("td", { role: "cell", class: kind, "data-label": heading }, cell);
          }),
        ),
      ),
    ),
  );
}
