// The header of a CSV file is read as RFC 4180 says, whatever the names are.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseHeader } from "../../../src/validation/header.ts";

test.each([
  ["a,b\n1,2\n", ",", ["a", "b"]],
  ["a;b\r\n1,5;2\r\n", ";", ["a", "b"]],
  ["a\tb", "\t", ["a", "b"]],
  ["only", ",", ["only"]],
  ['"a;b;c",d\n', ",", ["a;b;c", "d"]],
  ['"say ""hi""","two\nlines"\n1,2', ",", ['say "hi"', "two\nlines"]],
  [",a,\n", ",", ["", "a", ""]],
])("reads %j", (text, delimiter, names) => {
  expect(parseHeader(text)).toEqual({ delimiter, names });
});

test("gives back any names that were quoted", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary" }), { minLength: 2, maxLength: 8 }), (names) => {
      const line = names.map((name) => `"${name.replaceAll('"', '""')}"`).join(",");
      expect(parseHeader(`${line}\n1,2`)).toEqual({ delimiter: ",", names });
    }),
  );
});
