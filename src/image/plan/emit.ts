// The one way by which values reach a Dockerfile: quoted by its rules, or refused.
import { MlshipError } from "../../errors.ts";

/**
 * Control characters, line and paragraph separators, and marks that turn the direction of text
 * (Unicode's Bidi_Control, and the byte order mark): they change what a reader sees, or where a line ends.
 */
const hidden = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u;

/**
 * The same text when every reader sees it as it is.
 * @param about names the value: `the label org.opencontainers.image.title`
 * @throws MlshipError `image.unprintable`, exit 2.
 */
export function printable(text: string, about: string): string {
  const [found] = hidden.exec(text) ?? [];
  // U+FFFD is what bytes become that are not UTF-8.
  if (found === undefined && text.isWellFormed() && !text.includes("\ufffd")) return text;
  const point = (found ?? "\ufffd").codePointAt(0) ?? 0;
  const named = `U+${point.toString(16).toUpperCase().padStart(4, "0")}`;
  throw new MlshipError({
    code: "image.unprintable",
    what: `${about} holds ${found === undefined ? "bytes that are not UTF-8" : `the character ${named}`}: ${JSON.stringify(text.slice(0, 80))}`,
    why: "it would not be seen as what it is in a Dockerfile, in a label or in a list of files",
    fix: "give it another name or value, of visible characters only",
    exit: "usage",
  });
}

/** A value of ENV, ARG or LABEL, in double quotes: backslash, quote and dollar mean themselves. */
export function quoted(value: string, about: string): string {
  return `"${printable(value, about).replaceAll(/[\\"$]/g, "\\$&")}"`;
}

/** `KEY="value"` for ENV and LABEL. The key is a constant of mlship or refused. */
export function assignment(key: string, value: string): string {
  if (!/^[A-Za-z][\w.-]*$/.test(key))
    throw new TypeError(`${JSON.stringify(key)} is no name for a Dockerfile`);
  return `${key}=${quoted(value, key)}`;
}

/** The exec form of ENTRYPOINT and of HEALTHCHECK: a JSON list, in which nothing is expanded. */
export function execForm(words: readonly string[], about: string): string {
  return `[${words.map((word) => JSON.stringify(printable(word, about))).join(", ")}]`;
}

/** A text that is pasted without quotes: image references, digests, numbers, platforms, names of distributions. */
export function bare(value: string, about: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$/.test(value)) return value;
  throw new MlshipError({
    code: "image.unprintable",
    what: `${about} cannot be ${JSON.stringify(value.slice(0, 80))}`,
    fix: "use letters, digits and . _ : / @ + - only",
    exit: "usage",
  });
}

/** A text in a comment, on one line. */
export function comment(text: string, about: string): string {
  return printable(text, about);
}
