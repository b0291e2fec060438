// A series behaves as the array of labels that it stands for, however it was put together.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Label } from "../../../src/model/model.ts";
import { classFinder, distinctLabels } from "../../../src/validation/labels.ts";
import { Series, SeriesBuilder } from "../../../src/validation/series.ts";

const label: fc.Arbitrary<Label> = fc.oneof(
  fc.constantFrom<Label[]>(0, 1, 2, "0", "1", "a", "b", "true", true, false),
  fc.double(),
  fc.string({ maxLength: 3 }),
);
const labels = fc.oneof(fc.array(label), fc.array(fc.double()), fc.array(fc.constantFrom("a", "b")));
const arrayOf = (series: Series) => Array.from({ length: series.length }, (_none, row) => series.at(row));
// A set, too, takes -0 for 0.
const plain = (values: Label[]) => values.map((value) => (value === 0 ? 0 : value));

test("gives back its labels, the different ones, and their classes", () => {
  fc.assert(
    fc.property(labels, fc.uniqueArray(label, { minLength: 1 }), (values, classes) => {
      const series = Series.of(values);
      const find = classFinder(classes);
      expect(plain(arrayOf(series))).toEqual(plain(values));
      expect(plain(series.distinct())).toEqual([...new Set(values)]);
      expect([...series.encode(find)]).toEqual(values.map(find));
      expect(distinctLabels(series.distinct())).toEqual(distinctLabels(values));
      expect(plain(arrayOf(series.compact()))).toEqual(plain(values));
      expect(series.isNumeric).toBe(values.every((value) => typeof value === "number"));
    }),
  );
});

test("parts of different kinds become one series", () => {
  fc.assert(
    fc.property(fc.array(labels), (parts) => {
      const builder = new SeriesBuilder(parts.flat().length);
      for (const part of parts) builder.add(Series.of(part));
      expect(plain(arrayOf(builder.finish()))).toEqual(plain(parts.flat()));
    }),
  );
});

test("stops looking for different labels when there are more than enough", () => {
  const series = Series.numbers(Float64Array.from({ length: 1000 }, (_none, row) => row));
  expect(series.distinct(10)).toHaveLength(11);
});
