// Takes out of uv's words what only its user may know: where private indexes are, and their passwords.
import type { Variables } from "../process.ts";

/** Variables whose value is the URL of an index, or several with spaces between, each perhaps as `name=URL`. */
const indexes = [
  "UV_DEFAULT_INDEX",
  "UV_INDEX",
  "UV_INDEX_URL",
  "UV_EXTRA_INDEX_URL",
  "UV_FIND_LINKS",
  "PIP_INDEX_URL",
  "PIP_EXTRA_INDEX_URL",
];

/**
 * The text without passwords and tokens: an index that a variable names is called by the variable,
 * and no URL keeps its user, its password or its query.
 */
export function redact(text: string, env: Variables): string {
  let told = text;
  for (const name of indexes) {
    for (const word of env[name]?.split(/[\s,]+/) ?? []) {
      const url = word.replace(/^[\w.-]+=(?=\w+:)/, "").replace(/\/$/, "");
      if (!url.includes("://")) continue;
      for (const form of [url, url.replace(/\/\/[^/]*@/, "//")]) told = told.replaceAll(form, `(${name})`);
    }
  }
  for (const [name, value] of Object.entries(env)) {
    const secret = /^UV_INDEX_\w+_(USERNAME|PASSWORD)$/.test(name) && value !== undefined && value.length > 2;
    if (secret) told = told.replaceAll(value, `(${name})`);
  }
  return told.replaceAll(/(\w:\/\/)[^/\s@]*@/g, "$1").replaceAll(/(\w:\/\/[^\s?`'")]*)\?[^\s`'")]*/g, "$1");
}
