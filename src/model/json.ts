// JSON inside a model, read more strictly than JSON.parse: readers differ on what to make of a key given twice.
import { quote } from "./reading.ts";
import { Unreadable } from "./unreadable.ts";

/** More levels than any model's JSON has; readers that call themselves overflow at a thousand. */
const deepest = 500;

/**
 * The value in `bytes`; `what` names it in errors. Its numbers, texts and members are not judged.
 * @throws Unreadable for bytes that are not UTF-8, no JSON, a key given twice or levels without end.
 */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  const text = decode(bytes, what);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Unreadable(0, `${what} is not JSON`);
  }
  checkKeys(text, what);
  return value;
}

function decode(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Unreadable(0, `${what} is not in UTF-8`);
  }
}

/** Walks over JSON that is known to be well-formed. */
function checkKeys(text: string, what: string): void {
  const open: (Set<string> | null)[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === "{" || character === "[") {
      open.push(character === "{" ? new Set() : null);
      if (open.length > deepest) throw new Unreadable(at, `${what} is nested too deeply`);
    } else if (character === "}" || character === "]") {
      open.pop();
    } else if (character === '"') {
      const end = endOfText(text, at);
      if (isKey(text, end)) addKey(open.at(-1), String(JSON.parse(text.slice(at, end))), what, at);
      at = end - 1;
    }
  }
}

function addKey(keys: Set<string> | null | undefined, key: string, what: string, at: number): void {
  if (keys?.has(key) === true) throw new Unreadable(at, `${what} has two members ${quote(key)}`);
  keys?.add(key);
}

/** Where the text ends whose first quote is at `from`. */
function endOfText(text: string, from: number): number {
  let at = from + 1;
  while (text.charAt(at) !== '"') at += text.charAt(at) === "\\" ? 2 : 1;
  return at + 1;
}

/** Whether a colon comes next. */
function isKey(text: string, from: number): boolean {
  let at = from;
  while (" \t\n\r".includes(text.charAt(at)) && at < text.length) at += 1;
  return text.charAt(at) === ":";
}
