// Colour and glyphs, or their plain forms: meaning never hangs on colour alone.
import { styleText } from "node:util";

/** The few styles that mlship uses. */
export type StyleName = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Writes text in a style; gives it back unchanged where there is no colour. */
export type Style = (style: StyleName, text: string) => string;

/** @param colour whether the stream shows colour, see {@link wantsColour}. */
export function makeStyle(colour: boolean): Style {
  if (!colour) return (_style, text) => text;
  return (style, text) => styleText(style, text, { validateStream: false });
}

/** NO_COLOR, FORCE_COLOR and TERM as their specifications say, for a stream that is a terminal or not. */
export function wantsColour(
  env: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
  off: boolean,
): boolean {
  if (off || env["NO_COLOR"]) return false;
  if (env["FORCE_COLOR"] !== undefined) return env["FORCE_COLOR"] !== "0";
  return isTerminal && env["TERM"] !== "dumb";
}
