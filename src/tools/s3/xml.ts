// Reads the XML of S3's answers: elements and their text. Attributes, comments and declarations are passed over.

/** An element of a document. */
export class Element {
  readonly name: string;
  readonly children: Element[] = [];
  /** The characters that stand in it directly. */
  text = "";

  constructor(name: string) {
    this.name = name;
  }

  /** The elements of a name that stand in this one directly. */
  all(name: string): Element[] {
    return this.children.filter((child) => child.name === name);
  }

  /** The text of the first element of a name, or null when there is none. */
  textOf(name: string): string | null {
    return this.children.find((child) => child.name === name)?.text ?? null;
  }
}

/** Text that is no XML document. */
export class BadXml extends Error {}

const token = /<!--[\s\S]*?-->|<[?!][^>]*>|<(\/?)([A-Za-z_][\w.:-]*)[^<>]*?(\/?)>|([^<]+)|(<)/g;
const named: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };
const deepest = 32;

/** The outermost element of a document. @throws BadXml */
export function readXml(text: string): Element {
  const outside = new Element("");
  const open = [outside];
  for (const [, closes, name, empty, characters, stray] of text.replace(/^\uFEFF/, "").matchAll(token)) {
    const inner = open.at(-1);
    if (stray !== undefined || inner === undefined) throw new BadXml("a < stands alone");
    if (characters !== undefined) inner.text += decode(characters);
    if (name === undefined) continue;
    const local = name.slice(name.indexOf(":") + 1);
    if (closes === "/") {
      if (open.length === 1 || inner.name !== local) throw new BadXml(`</${local}> closes nothing`);
      open.pop();
      continue;
    }
    const element = new Element(local);
    inner.children.push(element);
    if (empty !== "/") open.push(element);
    if (open.length > deepest) throw new BadXml("elements stand in each other too deep");
  }
  const [root] = outside.children;
  if (open.length !== 1 || root === undefined) throw new BadXml("the document is not whole");
  return root;
}

/** A text as it stands between tags. */
export function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (found) => `&#${found.charCodeAt(0)};`);
}

function decode(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9A-Fa-f]{1,6})|(\w+));/g, (whole, decimal, hex, name) => {
    const code = decimal !== undefined ? Number(decimal) : hex !== undefined ? parseInt(hex, 16) : null;
    if (code !== null) return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    return named[String(name)] ?? whole;
  });
}
