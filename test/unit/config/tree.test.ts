// Laying one tree of values over another.
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { isWithin, lay, nest, showPath, valueAt, valuePaths } from "../../../src/config/tree.ts";

const key = fc.constantFrom("a", "b", "c", "constructor", "toString");
const path = fc.array(key, { minLength: 1, maxLength: 3 });

it("finds what was laid on top, and leaves the rest as it was", () => {
  fc.assert(
    fc.property(fc.array(path, { maxLength: 6 }), path, (below, top) => {
      const under = below.reduce<unknown>((tree, at, index) => lay(tree, nest(at, index)), {});
      const both = lay(under, nest(top, "top"));
      expect(valueAt(both, top)).toBe("top");
      const others = valuePaths(under).filter((at) => !isWithin(at, top) && !isWithin(top, at));
      expect(others.map((at) => valueAt(both, at))).toEqual(others.map((at) => valueAt(under, at)));
      expect(valuePaths(both)).toHaveLength(others.length + 1);
    }),
  );
});

it("finds nothing that a mapping merely inherits", () => {
  expect(valueAt({}, ["constructor"])).toBeUndefined();
  expect(valueAt({ a: [1] }, ["a", 0])).toBe(1);
  expect(valueAt("text", ["length"])).toBeUndefined();
});

it("shows paths as people write them", () => {
  expect(showPath(["deploy", "canary", "steps", 2])).toBe("deploy.canary.steps[2]");
  expect(showPath(["a", "b c\n"])).toBe('a."b c\\n"');
  expect(showPath(["x".repeat(200)]).length).toBeLessThan(90);
});
