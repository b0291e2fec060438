// Shows the configuration in force: as YAML, or with the origin of each value beside it.
import { stringify } from "yaml";
import type { ConfigDocument } from "../commands/config.ts";
import { showPlace } from "./error.ts";
import type { Render } from "./screen.ts";
import { pad } from "./table.ts";

type Origin = ConfigDocument["origins"][string];

/** One line of the tree: a section's name, or a key with its value. */
interface Line {
  text: string;
  /** `serve.port`; null for a section. */
  path: string | null;
  value: string;
}

/** The values as YAML that mlship.yaml could hold. */
export const renderConfig: Render<ConfigDocument> = ({ values }) =>
  linesOf(values)
    .map(({ text }) => `${text}\n`)
    .join("");

/** The values with their origins: aligned on a terminal, else `path`, value and origin with tabs between. */
export const renderConfigOrigins: Render<ConfigDocument> = ({ values, origins }, screen) => {
  const lines = linesOf(values);
  const originOf = (path: string) => showOrigin(origins[path] ?? { kind: "default" });
  if (!screen.terminal) {
    return lines
      .flatMap(({ path, value }) => (path === null ? [] : [`${path}\t${value}\t${originOf(path)}\n`]))
      .join("");
  }
  const width = Math.min(60, Math.max(...lines.map(({ text }) => Array.from(text).length)));
  return lines
    .map(({ text, path }) => {
      if (path === null) return `${text}\n`;
      const set = origins[path]?.kind !== "default";
      return `${pad(text, width)}  ${screen.style(set ? "cyan" : "dim", originOf(path))}\n`;
    })
    .join("");
};

function showOrigin(origin: Origin): string {
  switch (origin.kind) {
    case "flag":
      return origin.flag;
    case "variable":
      return origin.variable;
    case "environment":
      return `${showPlace(origin.at)} (environment ${origin.environment})`;
    case "file":
      return showPlace(origin.at);
    default:
      return "default";
  }
}

function linesOf(section: object, above: string[] = []): Line[] {
  const indent = "  ".repeat(above.length);
  return Object.entries(section).flatMap(([key, value]: [string, unknown]): Line[] => {
    const path = [...above, key];
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      const shown = showValue(value);
      return [{ text: `${indent}${key}: ${shown}`, path: path.join("."), value: shown }];
    }
    const below = linesOf(value, path);
    return below.length > 0 ? [{ text: `${indent}${key}:`, path: null, value: "" }, ...below] : [];
  });
}

/** A value on one line of YAML; what could move a terminal's cursor is shown instead of sent. */
function showValue(value: unknown): string {
  const options = { blockQuote: false, collectionStyle: "flow", lineWidth: 0, compat: "yaml-1.1" } as const;
  const text = stringify(value, options).trimEnd();
  return text.replaceAll(/\p{Cc}/gu, (letter) => `\\x${letter.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
