// Matching a model's features with the columns of a table.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { signatureOf } from "../../../src/model/signature.ts";

const column = (name: string) => ({ name, type: "float64" as const, nullable: false });
const named = (...featureNames: string[]) => ({ featureNames, featureCount: featureNames.length });

test("columns come in the model's order, and what it does not use is ignored", () => {
  expect(signatureOf(named("b", "a"), [column("a"), column("id"), column("b")])).toEqual({
    inputs: [column("b"), column("a")],
    ignored: ["id"],
  });
});

test("any order of any names gives the model's order", () => {
  const names = fc.uniqueArray(
    fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom("__proto__", "constructor", 'a"b', "c\nd")),
    { minLength: 1 },
  );
  fc.assert(
    fc.property(names, fc.infiniteStream(fc.nat()), (all, order) => {
      const shuffled = all
        .map((name) => ({ name, key: order.next().value as number }))
        .sort((a, b) => a.key - b.key);
      const { inputs, ignored } = signatureOf(
        named(...all),
        shuffled.map(({ name }) => column(name)),
      );
      expect(inputs.map(({ name }) => name)).toEqual(all);
      expect(ignored).toEqual([]);
    }),
  );
});

describe("missing features", () => {
  const problems = (features: string[], columns: string[]): unknown => {
    try {
      return signatureOf(named(...features), columns.map(column));
    } catch (error) {
      return error;
    }
  };

  test("are named, with the column that is probably meant", () => {
    expect(problems(["mean_radius", "age"], ["Mean Radius", "agee", "zzz"])).toMatchObject({
      code: "model.missing-features",
      exit: "usage",
      problems: [
        {
          what: 'feature "mean_radius" is not among the columns',
          fix: expect.stringContaining('"Mean Radius"'),
        },
        { what: 'feature "age" is not among the columns', fix: expect.stringContaining('"agee"') },
      ],
    });
  });

  test("are not likened to columns that another feature uses, nor to anything far", () => {
    expect(problems(["age", "ages"], ["age", "country"])).toMatchObject({
      problems: [{ what: 'feature "ages" is not among the columns' }],
    });
    expect(problems(["age", "ages"], ["age", "country"])).not.toHaveProperty("problems.0.fix");
  });

  test("are cut off when there are many, and shown on one line", () => {
    const many = Array.from({ length: 10_000 }, (_, index) => `f${index}\n`);
    const error = problems(many, ["x"]);
    expect(error).toMatchObject({ problems: expect.arrayContaining([{ what: "and 9992 more" }]) });
    expect(JSON.stringify(error)).not.toContain(String.raw`f0\n is`);
  });
});

test("without names the order of the table counts, and the number must fit", () => {
  const columns = [column("a"), column("b")];
  expect(signatureOf({ featureNames: null, featureCount: 2 }, columns)).toEqual({
    inputs: columns,
    ignored: [],
  });
  expect(signatureOf({ featureNames: null, featureCount: null }, columns)).toEqual({
    inputs: columns,
    ignored: [],
  });
  expect(() => signatureOf({ featureNames: null, featureCount: 3 }, columns)).toThrow(
    expect.objectContaining({ code: "model.feature-count", exit: "usage" }),
  );
});
