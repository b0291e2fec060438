// Whether a write was carried out, read from the object.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { contains } from "../../../../src/tools/kubectl/contains.ts";

const object = {
  kind: "ConfigMap",
  metadata: { name: "a", labels: { x: "1" } },
  data: { k: "v" },
  list: [{ n: 1 }, { n: 2 }],
};

test("everything contains itself, and what the API server adds does not matter", () => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => contains(value, value)));
  const found = {
    ...object,
    status: { ok: true },
    metadata: { ...object.metadata, uid: "u", resourceVersion: "9" },
  };
  expect(
    contains(found, { ...object, metadata: { ...object.metadata, resourceVersion: "3", labels: undefined } }),
  ).toBe(true);
});

test.each([
  ["another value", { data: { k: "w" } }],
  ["a field that is missing", { data: { k: "v", l: "w" } }],
  ["a list that is longer", { list: [{ n: 1 }] }],
  ["a list in another order", { list: [{ n: 2 }, { n: 1 }] }],
  ["an object where there is a text", { kind: { a: "b" } }],
  ["a list where there is an object", { data: ["k"] }],
])("%s is not contained", (_, sent) => {
  expect(contains(object, sent)).toBe(false);
});

test("nothing contains a write", () => {
  expect(contains(null, object)).toBe(false);
});
