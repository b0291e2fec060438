// Guessing the target column.
import { expect, it } from "vitest";
import { guessTarget } from "../../../../src/commands/init/target.ts";

it.each([
  [["a", "b", "species"], ["a", "b"], "species"],
  [["id", "a", "Label"], ["a"], "Label"],
  [["a", "b", "target"], null, "target"],
  [["a", "b", "y"], ["Column_0", "Column_1"], "y"],
  [["__proto__", "class"], ["__proto__"], "class"],
])("of %j with features %j it is %s", (columns, features, target) => {
  expect(guessTarget(columns, features)).toBe(target);
});

it.each([
  [["a", "b"], ["a", "b"], "every column of the data is an input of the model"],
  [["a", "b"], null, 'none of the columns is called target, label, class, y: "a", "b"'],
  [["target", "y", "a"], null, 'more than one column has a usual name: "target", "y"'],
  [[], null, "the data has no columns"],
  [Array.from({ length: 10_000 }, (_, at) => `c${at}`), null, "and 9992 more"],
])("of %j with features %j it is unclear", (columns, features, why) => {
  expect(() => guessTarget(columns, features)).toThrow(
    expect.objectContaining({
      code: "init.target-unclear",
      exit: "usage",
      why: expect.stringContaining(why) as string,
      fix: "name the column with --target COLUMN",
    }),
  );
});
