// Keeps what came from outside (names, logs, model metadata) from steering the terminal.

import type { Style } from "./style.ts";

/** The sequences that mlship's own styles consist of. */
// oxlint-disable-next-line no-control-regex -- the sequence begins with one
const own = /(\u001b\[(?:1|2|22|31|32|33|36|39)m)/;

// C0 but for the line break, DEL, C1, and the marks that reverse the direction of text.
// oxlint-disable-next-line no-control-regex -- these are what must not reach a terminal
const steering = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Text with every control character shown as its number: `\x1b`, `\u202e`. Tabs stay.
 * @param style the one that the text was written with; where it colours, its own sequences stay too
 */
export function visible(text: string, style?: Style): string {
  if (style === undefined || style("bold", "") === "") return text.replaceAll(steering, show);
  return text
    .split(own)
    .map((part, place) => (place % 2 === 1 ? part : part.replaceAll(steering, show)))
    .join("");
}

function show(character: string): string {
  if (character === "\t") return character;
  const code = character.charCodeAt(0).toString(16);
  return code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code.padStart(2, "0")}`;
}
