import * as fc from "fast-check";
import { expect, test } from "vitest";
import { assignment, bare, execForm, printable, quoted } from "../../../../src/image/plan/emit.ts";
import { MlshipError } from "../../../../src/errors.ts";
import { readPairs } from "./dockerfile-reader.ts";

const hostile = [
  '"',
  "\\",
  "$",
  "${HOME}",
  "$(id)",
  "`id`",
  "'",
  "\n",
  "\r",
  "\0",
  "\u202e",
  "\u2066",
  "\u2028",
  "#",
  " ",
  "ü",
  "🐟",
  "\ufffd",
  "\ud800",
  "<<EOF",
  "\\\n",
];
const text = fc
  .array(fc.oneof(fc.constantFrom(...hostile), fc.string({ unit: "binary" })))
  .map((parts) => parts.join(""));

/** The value that comes out at the other end, or null where it was refused. */
function through<T>(emit: () => T): T | null {
  try {
    return emit();
  } catch (error) {
    if (error instanceof MlshipError && error.code === "image.unprintable" && error.exit === "usage")
      return null;
    throw error;
  }
}

test("a value of a label is read as exactly itself, or is refused", () => {
  fc.assert(
    fc.property(text, (value) => {
      const emitted = through(() => assignment("a.label", value));
      if (emitted !== null) {
        expect(emitted).not.toMatch(/[\n\r]/);
        expect(readPairs(emitted)).toEqual({ "a.label": value });
      }
    }),
  );
});

test("words of the exec form are read as exactly themselves, or are refused", () => {
  fc.assert(
    fc.property(fc.array(text), (words) => {
      const emitted = through(() => execForm(words, "words"));
      if (emitted !== null) {
        expect(emitted).not.toMatch(/[\n\r]/);
        expect(JSON.parse(emitted)).toEqual(words);
      }
    }),
  );
});

test.each(["", "a b", "${x}", "a`b", "it's", '"', "\\", "日本", "🐟", "a\\"])("%j can be said", (value) => {
  expect(readPairs(assignment("key", value))).toEqual({ key: value });
});

test.each([
  ["\n", "U+000A"],
  ["\0", "U+0000"],
  ["a\u202eb", "U+202E"],
  ["\u2029", "U+2029"],
  ["\u0085", "U+0085"],
  ["\ud800", "not UTF-8"],
  ["\ufffd", "not UTF-8"],
])("%j is refused by name", (value, named) => {
  expect(() => printable(value, "the name of a file")).toThrow(named);
  expect(() => quoted(value, "x")).toThrow(named);
});

test("what stands without quotes holds nothing that a Dockerfile reads", () => {
  fc.assert(
    fc.property(text, (value) => {
      const emitted = through(() => bare(value, "x"));
      if (emitted !== null) expect(emitted).toMatch(/^[\w./:@+-]+$/);
    }),
  );
  expect(bare("127.0.0.1:5000/library/python:3.11-slim@sha256:ab", "base")).toContain("@sha256:ab");
});

test("a key is a constant", () => {
  expect(() => assignment("a b", "c")).toThrow(TypeError);
});
