// Which word a misspelt one was meant to be.
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { suggest } from "../../../src/config/suggest.ts";

it.each([
  ["acuracy", "accuracy"],
  ["balanced_accuracy", "balancedAccuracy"],
  ["ROC-AUC", "rocAuc"],
  ["prot", "port"],
  ["tmieout", "timeout"],
  ["xyz", null],
  ["", null],
])("%s → %s", (word, meant) => {
  expect(suggest(word, ["port", "timeout", "accuracy", "balancedAccuracy", "rocAuc", "f1"])).toBe(meant);
});

it("finds a word after any one slip", () => {
  const words = ["version", "timeout", "replicas", "artifacts"];
  fc.assert(
    fc.property(
      fc.constantFrom(...words),
      fc.nat(8),
      fc.constantFrom("drop", "double", "swap", "change"),
      (word, n, slip) => {
        const at = n % (word.length - 1);
        const [before, letter, next, after] = [word.slice(0, at), word[at], word[at + 1], word.slice(at + 2)];
        const slipped = {
          drop: `${before}${next}${after}`,
          double: `${before}${letter}${letter}${next}${after}`,
          swap: `${before}${next}${letter}${after}`,
          change: `${before}q${next}${after}`,
        }[slip];
        expect(suggest(slipped, words)).toBe(word);
      },
    ),
  );
});
