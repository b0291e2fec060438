import * as fc from "fast-check";
import { expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { withVersion } from "../../../src/config/version-text.ts";

it.each([
  ["name: x\nversion: 1.0.0 # why\nmodel: {a:   1}\n", "1.0.0", "1.1.0"],
  ['{"name":"x", "version":"1.0.0"}', '"1.0.0"', '"1.1.0"'],
  ["version:   '1.0.0'\r\nname: y\r\n", "'1.0.0'", "'1.1.0'"],
  ["# c\n---\nversion: &v 1.0.0\nb: *v\n...\n", "1.0.0", "1.1.0"],
  ["environments: { a: { version: 1.0.0 } }\nversion: 2.0.0", "2.0.0", "1.1.0"],
])("%j: nothing but the version changes", (text, was, is) => {
  const at = text.lastIndexOf(was);
  expect(withVersion(text, "1.1.0")).toBe(text.slice(0, at) + is + text.slice(at + was.length));
});

it.each([
  "v: &v 1.0.0\nversion: *v\n",
  "version: >-\n  1.0.0\nname: x\n",
  "version: 1.0\n",
  "name: x\n",
  "version: 1.0.0\nversion: 2.0.0\n",
  "- version: 1.0.0\n",
  "",
])("%j has no version that could be replaced", (text) => {
  expect(withVersion(text, "1.1.0")).toBeNull();
});

it("every other value stays, whatever stands around it", () => {
  const value = fc.oneof(fc.string(), fc.integer(), fc.array(fc.string(), { maxLength: 3 }));
  const part = fc.dictionary(fc.constantFrom("a", "b", "c"), value);
  fc.assert(
    fc.property(part, part, (above, below) => {
      const lines = (name: string, values: object) => stringify({ [name]: values });
      const text = `${lines("above", above)}version: 1.0.0 # raised\n${lines("below", below)}`;
      expect(parse(withVersion(text, "2.3.4-rc.1") ?? "")).toEqual({ above, version: "2.3.4-rc.1", below });
    }),
  );
});
