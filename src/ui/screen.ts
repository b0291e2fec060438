// What a renderer may know of where its text goes.
import type { Style } from "./style.ts";

/** Where text is shown. Renderers are pure functions of a document and a screen. */
export interface Screen {
  /** Columns; text is wrapped or cut to it on a terminal. */
  width: number;
  /** A person reads this: tables are aligned. Otherwise they are lines of tab-separated values. */
  terminal: boolean;
  style: Style;
}

/** Turns a result document into text that ends with a line break, or the empty string. */
export type Render<Document> = (document: Document, screen: Screen) => string;
