import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { columnTypes } from "../../../src/model/model.ts";
import { signatureChanges, type CalledAs } from "../../../src/model/signature-change.ts";

const input = (name: string, type: (typeof columnTypes)[number] = "float64", nullable = false) => ({
  name,
  type,
  nullable,
});
const model = (more: Partial<CalledAs> = {}): CalledAs => ({
  task: "binary",
  classes: [0, 1],
  inputs: [input("age")],
  ...more,
});
const told = (before: CalledAs, after: CalledAs) =>
  signatureChanges(before, after).map(({ kind, what }) => `${kind}: ${what}`);

describe("what callers notice", () => {
  it.each([
    ["nothing", model(), model(), []],
    [
      "inputs in another order",
      model({ inputs: [input("a"), input("b")] }),
      model({ inputs: [input("b"), input("a")] }),
      [],
    ],
    [
      "a new input",
      model(),
      model({ inputs: [input("age"), input("sex", "string")] }),
      ['break: the input "sex" is new and must be given'],
    ],
    [
      "one that may be left out",
      model(),
      model({ inputs: [input("age"), input("sex", "string", true)] }),
      ['addition: the input "sex" is new and may be left out'],
    ],
    [
      "another name",
      model(),
      model({ inputs: [input("years")] }),
      ['break: the input "age" is gone', 'break: the input "years" is new and must be given'],
    ],
    [
      "whole numbers become any",
      model({ inputs: [input("age", "int64")] }),
      model(),
      ['addition: the input "age" is float64 instead of int64'],
    ],
    [
      "and back",
      model(),
      model({ inputs: [input("age", "int64")] }),
      ['break: the input "age" is int64 instead of float64'],
    ],
    [
      "truth values are no numbers",
      model({ inputs: [input("age", "bool")] }),
      model(),
      ['break: the input "age" is float64 instead of bool'],
    ],
    [
      "null no more",
      model({ inputs: [input("age", "float64", true)] }),
      model(),
      ['break: the input "age" may not be left out any more'],
    ],
    [
      "null from now on",
      model(),
      model({ inputs: [input("age", "float64", true)] }),
      ['addition: the input "age" may be left out'],
    ],
    [
      "another task",
      model(),
      model({ task: "regression", classes: null }),
      ["break: it answers regression instead of binary"],
    ],
    [
      "more numbers",
      model({ task: "regression", classes: null }),
      model({ task: "regression", classes: null, outputs: 2 }),
      ["break: it answers 2 numbers for a row instead of 1"],
    ],
    [
      "other classes",
      model({ classes: ["no", "yes"] }),
      model({ classes: ["no", "maybe"] }),
      ['break: it has no class "yes" any more', 'break: it answers the class "maybe" as well'],
    ],
    [
      "classes that look alike",
      model({ classes: [0, 1] }),
      model({ classes: ["0", "1"] }),
      ["break: it has no class 0, 1 any more", 'break: it answers the class "0", "1" as well'],
    ],
    [
      "classes in another order",
      model(),
      model({ classes: [1, 0] }),
      ["break: its probabilities stand in another order of the classes"],
    ],
  ])("%s", (_what, before, after, expected) => {
    expect(told(before, after)).toEqual(expected);
  });

  it("names few of many classes, and hides no escape in a name", () => {
    const many = Array.from({ length: 1000 }, (_none, at) => at);
    expect(told(model({ classes: [] }), model({ classes: many }))).toEqual([
      "break: it answers the class 0, 1, 2, 3, 4, 5, 6, 7 and 992 more as well",
    ]);
    expect(told(model({ inputs: [] }), model({ inputs: [input("a\u001B[31m\u202E")] }))[0]).toBe(
      'break: the input "a\\u001b[31m\\u202e" is new and must be given',
    );
  });
});

// A request as the server takes it: diagnosis.py in templates/server.
const values = [undefined, null, true, 1, 1.5, 1e300, "text"] as const;
type Value = (typeof values)[number];
function takes(inputs: CalledAs["inputs"], row: Map<string, Value>): boolean {
  const known = new Set(inputs.map(({ name }) => name));
  if ([...row].some(([name, value]) => value !== undefined && !known.has(name))) return false;
  return inputs.every(({ name, type, nullable }) => {
    const value = row.get(name);
    if (value === undefined || value === null) return nullable;
    if (type === "string") return typeof value === "string";
    if (type === "bool") return typeof value === "boolean";
    if (typeof value !== "number") return false;
    if (type === "int64") return Number.isInteger(value) && Math.abs(value) < 2 ** 63;
    return Math.abs(value) <= (type === "float32" ? 3.4028234663852886e38 : Number.MAX_VALUE);
  });
}

describe("against the server's own rules", () => {
  const names = ["a", "b", "c"];
  const inputs = fc.uniqueArray(
    fc.record({
      name: fc.constantFrom(...names),
      type: fc.constantFrom(...columnTypes),
      nullable: fc.boolean(),
    }),
    { selector: ({ name }) => name },
  );
  const all = names.reduce<Map<string, Value>[]>(
    (rows, name) => rows.flatMap((one) => values.map((value) => new Map([...one, [name, value]]))),
    [new Map()],
  );

  it("a change breaks exactly where a request that was taken is refused", () => {
    fc.assert(
      fc.property(inputs, inputs, (before, after) => {
        const changes = signatureChanges(model({ inputs: before }), model({ inputs: after }));
        const refused = all.some((request) => takes(before, request) && !takes(after, request));
        expect(changes.some(({ kind }) => kind === "break")).toBe(refused);
        const more = all.some((request) => !takes(before, request) && takes(after, request));
        if (!refused) expect(changes.length > 0).toBe(more);
      }),
      { numRuns: 300 },
    );
  });
});
