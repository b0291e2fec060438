// The XML that S3 answers with.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { BadXml, Element, escapeXml, readXml } from "../../../../src/tools/s3/xml.ts";

test("reads a listing as servers write it", () => {
  const root = readXml(`<?xml version="1.0" encoding="UTF-8"?>
    <!-- made by hand -->
    <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/" xmlns:x="y">
      <Prefix/><IsTruncated>false</IsTruncated>
      <Contents><Key>a&amp;b&#x3c;&#62;</Key><ETag>&quot;1&quot;</ETag></Contents>
      <x:Contents a="1"><Key> c </Key></x:Contents>
    </ListBucketResult>`);
  expect(root.name).toBe("ListBucketResult");
  expect(root.textOf("Prefix")).toBe("");
  expect(root.textOf("Marker")).toBeNull();
  expect(root.all("Contents").map((found) => found.textOf("Key"))).toEqual(["a&b<>", " c "]);
});

test.each(["", "text", "<a>", "<a></b>", "</a>", "<a><b></a></b>", "<a>1 < 2</a>", "<a>".repeat(100)])(
  "refuses %j",
  (text) => {
    expect(() => readXml(text)).toThrow(BadXml);
  },
);

test("reads back what it escapes, and ends for any text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      expect(readXml(`<a>${escapeXml(text)}</a>`).text).toBe(text);
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("<", ">", "/", "a", "&", ";", "!", "-", '"') }), (text) => {
      try {
        expect(readXml(text)).toBeInstanceOf(Element);
      } catch (error) {
        expect(error).toBeInstanceOf(BadXml);
      }
    }),
  );
});
