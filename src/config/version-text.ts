// Writes another version into the text of mlship.yaml; every other byte stays.
import { isMap, isScalar, parseDocument } from "yaml";

/**
 * The text with `version:` set, comments and layout as they were.
 * @param version a semantic version: plain in YAML, whatever it is
 * @returns null where the file holds no plain text for `version`: an alias, or none at all
 */
export function withVersion(text: string, version: string): string | null {
  const document = parseDocument(text, { stringKeys: true, logLevel: "error" });
  if (document.errors.length > 0 || !isMap(document.contents)) return null;
  const node = document.contents.get("version", true);
  if (!isScalar(node) || typeof node.value !== "string" || !node.range) return null;
  const [start, end] = node.range;
  const quote = /^["']/.exec(text.slice(start))?.[0] ?? "";
  const written = `${text.slice(0, start)}${quote}${version}${quote}${text.slice(end)}`;
  // Block texts and odd tags: what comes out is read again before anybody trusts it.
  const again = parseDocument(written, { stringKeys: true, logLevel: "error" });
  return again.errors.length === 0 && again.get("version") === version ? written : null;
}
