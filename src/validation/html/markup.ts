// The only way to HTML: elements with typed names, whose text and attributes are escaped here and nowhere else.

let make: (text: string) => Markup;
let read: (markup: Markup) => string;

/** A piece of a page that is safe to print. Only this file makes one. */
export class Markup {
  readonly #text: string;
  private constructor(text: string) {
    this.#text = text;
  }
  static {
    make = (text) => new Markup(text);
    read = (markup) => markup.#text;
  }
}

/** What may stand in an element. Text is escaped, null leaves a gap. */
export type Child = Markup | string | number | null | readonly Child[];

type Tag =
  | "a"
  | "body"
  | "br"
  | "caption"
  | "code"
  | "dd"
  | "details"
  | "div"
  | "dl"
  | "dt"
  | "figcaption"
  | "figure"
  | "footer"
  | "h1"
  | "h2"
  | "h3"
  | "head"
  | "header"
  | "html"
  | "li"
  | "link"
  | "main"
  | "meta"
  | "nav"
  | "ol"
  | "p"
  | "pre"
  | "section"
  | "small"
  | "span"
  | "strong"
  | "summary"
  | "table"
  | "tbody"
  | "td"
  | "th"
  | "thead"
  | "title"
  | "tr"
  | "ul"
  | "circle"
  | "desc"
  | "g"
  | "line"
  | "path"
  | "polyline"
  | "rect"
  | "svg"
  | "text";

type Attribute =
  | "aria-hidden"
  | "aria-label"
  | "aria-labelledby"
  | "charset"
  | "class"
  | "colspan"
  | "content"
  | "data-label"
  | "href"
  | "http-equiv"
  | "id"
  | "lang"
  | "name"
  | "open"
  | "rel"
  | "role"
  | "scope"
  | "tabindex"
  | "cx"
  | "cy"
  | "d"
  | "height"
  | "points"
  | "preserveAspectRatio"
  | "r"
  | "text-anchor"
  | "transform"
  | "viewBox"
  | "width"
  | "x"
  | "x1"
  | "x2"
  | "y"
  | "y1"
  | "y2";

export type Attributes = { [Name in Attribute]?: string | number } & {
  /** Custom properties of CSS: `{ share: 0.5 }` is `style="--share:0.5"`. Numbers cannot break out. */
  vars?: Record<string, number>;
};

const empty: ReadonlySet<Tag> = new Set(["br", "link", "meta"]);

/**
 * An element.
 * @throws Error when a link leaves the page: a report loads nothing and leads nowhere.
 */
export function element(tag: Tag, { vars, ...attributes }: Attributes, ...children: Child[]): Markup {
  let text = `<${tag}`;
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "href" && !/^(#[\w-]*|data:,)$/.test(String(value))) throw new Error(`a link to ${value}`);
    text += ` ${name}="${escape(String(value))}"`;
  }
  if (vars) {
    const style = Object.entries(vars).map(([name, value]) => `--${name}:${Number(value)}`);
    text += ` style="${escape(style.join(";"))}"`;
  }
  text += ">";
  if (empty.has(tag)) return make(text);
  return make(`${text}${children.map(print).join("")}</${tag}>`);
}

/** The style of the page. It is a constant of mlship's own: nothing from outside may be in it. */
export function styleElement(css: string): Markup {
  if (css.includes("<")) throw new Error("a style sheet without <");
  return make(`<style>${css}</style>`);
}

/** A whole document as text. */
export function documentText(root: Markup): string {
  return `<!doctype html>\n${read(root)}\n`;
}

function print(child: Child): string {
  if (child === null) return "";
  if (child instanceof Markup) return read(child);
  if (typeof child === "object") return child.map(print).join("");
  return escape(String(child));
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

// What a page shows as nothing, or lets run backwards: control characters and marks of direction.
// oxlint-disable-next-line no-control-regex -- these are what must be seen
const unseen = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

function escape(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(unseen, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .replaceAll(/[&<>"']/g, (letter) => entities[letter] ?? letter);
}
