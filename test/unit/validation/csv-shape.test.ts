// The shape of a CSV file is checked byte by byte, however the file is cut into chunks.
import * as fc from "fast-check";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readCsvShape } from "../../../src/validation/csv-shape.ts";
import { openDataset } from "../../../src/validation/dataset.ts";
import { tempFolder } from "./files.ts";

async function shapeOf(text: string, fields = 2) {
  const file = join(await tempFolder(), "d.csv");
  await writeFile(file, text);
  return readCsvShape(file, ",", fields);
}

test.each([
  ["a,b\n1,2\n", 2],
  ["a,b\r\n1,2", 2],
  ["a,b\r1,2\r", 2],
  ['a,b\n"1\n2","x,""y"""\n', 2],
  ['a,b\n5" pipe,6"\n', 2],
  ["a,b\n\n1,2\n\n\n", 2],
  ["a,b\r\n\r\n1,2\r\n", 2],
  [",\n,\n", 2],
])("counts the records of %j", async (text, records) => {
  expect(await shapeOf(text)).toEqual({ records, fault: null });
});

test.each([
  ["a,b\n1,2\n1\n", 3, /2 fields, this record has 1/],
  ['a,b\r\n"1\r\n2",2\r\n1,2,3\r\n', 4, /this record has 3/],
  ["a,b\n\n\n1\n", 4, /this record has 1/],
  ['a,b\n1,2\n1,"2\n3,4\n', 3, /never closed/],
])("finds the line where %j breaks", async (text, line, fault) => {
  expect(await shapeOf(text)).toEqual({ line, fault: expect.stringMatching(fault) });
});

const value = fc.string({ unit: fc.constantFrom("a", '"', ",", "\n", "\r", " ", "é", ";"), minLength: 1 });
const table = fc.integer({ min: 10, max: 14 }).chain((rows) =>
  fc.record({
    cells: fc.array(fc.tuple(value, value), { minLength: rows, maxLength: rows }),
    header: value,
    lineEnd: fc.constantFrom("\n", "\r\n"),
    mark: fc.boolean(),
  }),
);

test("what a writer quotes, the data set reads back, whatever is in the cells and the names", async () => {
  const folder = await tempFolder();
  const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
  let run = 0;
  await fc.assert(
    fc.asyncProperty(table, async ({ cells, header, lineEnd, mark }) => {
      const names = [`1${header}`, `2${header}`, "y"];
      const lines = [names, ...cells.map(([a, b]) => [`x${a}`, `x${b}`, "1"])].map((row) =>
        row.map(quote).join(","),
      );
      const file = join(folder, `${run++}.csv`);
      await writeFile(file, `${mark ? "\uFEFF" : ""}${lines.join(lineEnd)}${lineEnd}`);
      const data = await openDataset(file, { target: "y" });
      const read = await data.columns(names.slice(0, 2), 0, data.rows);
      data.close();
      expect(names.slice(0, 2).map((name) => read[name])).toEqual([
        cells.map(([a]) => `x${a}`),
        cells.map(([, b]) => `x${b}`),
      ]);
    }),
    { numRuns: 25 },
  );
}, 30_000);
