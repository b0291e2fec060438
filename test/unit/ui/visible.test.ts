// What came from outside cannot steer the terminal; mlship's own colours can be seen.
import { expect, test } from "vitest";
import { makeStyle } from "../../../src/ui/style.ts";
import { visible } from "../../../src/ui/visible.ts";

const hostile = "\u001b[31mred\u001b[8mhidden\u001b[2J\u001b]0;title\u0007\u009b\u202ereversed\r\u007f";

test("without colour no sequence passes at all", () => {
  const shown = "\\x1b[31mred\\x1b[8mhidden\\x1b[2J\\x1b]0;title\\x07\\x9b\\u202ereversed\\x0d\\x7f";
  expect(visible(hostile)).toBe(shown);
  expect(visible(hostile, makeStyle(false))).toBe(shown);
});

test("with colour only mlship's own sequences pass: nothing hides, moves or clears", () => {
  const style = makeStyle(true);
  const all = (["bold", "dim", "red", "green", "yellow", "cyan"] as const).map((name) => style(name, "x"));
  expect(visible(all.join(""), style)).toBe(all.join(""));
  expect(visible(hostile, style)).toContain("\\x1b[8mhidden\\x1b[2J\\x1b]0;title\\x07");
});

test("line breaks and tabs stay", () => {
  expect(visible("a\tb\nc")).toBe("a\tb\nc");
});
