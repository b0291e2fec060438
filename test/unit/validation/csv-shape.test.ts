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
  return readCsvShape(file, { delimiter: ",", fields, missing: [""] });
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
  expect(await shapeOf(text)).toMatchObject({ records, fault: null });
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

const anyCell = fc.oneof(
  fc.integer().map(String),
  fc.double({ noDefaultInfinity: true, noNaN: true }).map(String),
  fc.constantFrom(
    ..."-0 0.0 .5 5. 00 007 -01 +5 1e5 1E-5 e5 - . 1.2.3 1_000 0x1f inf NaN nan NA null None true".split(" "),
  ),
  fc.constantFrom("", '""', '"NA"', '"1"', '" 1"', " 7", "7 ", "2020-01-02", "yes", "1,5", "é", '"a,b"'),
  fc.constantFrom("9223372036854775807", "9223372036854775808", "1e400", "tree", "bee", "-inf", "1-2", "1e"),
);

test("what the bytes say of a column's type is what the reader finds when it looks at every value", async () => {
  const folder = await tempFolder();
  let run = 0;
  const column = fc.oneof(
    fc.array(fc.integer().map(String), { minLength: 10, maxLength: 10 }),
    fc.array(anyCell, { minLength: 10, maxLength: 10 }),
    fc
      .tuple(anyCell, anyCell)
      .chain((two) => fc.array(fc.constantFrom(...two), { minLength: 10, maxLength: 10 })),
  );
  const read = async (name: string, columns: string[][]) => {
    const rows = Array.from({ length: 10 }, (_none, row) => [...columns.map((cells) => cells[row]), row % 2]);
    const header = [...columns.map((_cells, place) => `x${place}`), "y"];
    const file = join(folder, name);
    await writeFile(file, [header, ...rows].map((cells) => cells.join(";")).join("\n"));
    const data = await openDataset(file, { target: "y" });
    const all = await data.connection.runAndReadAll("select c0::varchar, typeof(c0) from rows");
    data.close();
    return all.getRows();
  };
  await fc.assert(
    fc.asyncProperty(column, async (cells) => {
      const file = run++;
      // A column of +5 is one that the bytes do not tell the type of: then the reader looks at all.
      const guessed = await read(`${file}-guessed.csv`, [cells, Array<string>(10).fill("+5")]);
      const told = await read(`${file}-told.csv`, [cells]);
      expect(told).toEqual(guessed);
    }),
    { numRuns: 60 },
  );
}, 60_000);

test.each([
  ["whole", "1", "1.5", "DOUBLE"],
  ["whole", "1", "x", "VARCHAR"],
  ["whole", "1", "+5", "VARCHAR"],
  ["whole", "1", "9223372036854775808", "HUGEINT|DOUBLE"],
  ["whole", "1", "NA", "BIGINT"],
  ["missing", "", "2", "BIGINT"],
  ["odd", "+5", "2", "VARCHAR"],
  ["real", "0.5", "nan", "DOUBLE"],
])("reads a column that starts as %s numbers (%s) and ends as %s", async (_name, first, last, type) => {
  const file = join(await tempFolder(), "d.csv");
  const rows = 40_000;
  const cells = [...Array<string>(rows - 1).fill(first), last];
  await writeFile(file, `x,y\n${cells.map((cell, row) => `${cell},${row % 2}`).join("\n")}\n`);
  const data = await openDataset(file, { target: "y" });
  const asked = `select typeof(c0), count(*), count(c0) from rows group by 1`;
  const [[stored, all, held] = []] = (await data.connection.runAndReadAll(asked)).getRows();
  data.close();
  const missing = [first, last].map((text) => /^(NA|nan|)$/.test(text));
  const filled = (missing[0] ? 0 : rows - 1) + (missing[1] ? 0 : 1);
  expect(stored).toMatch(new RegExp(`^(${type})$`));
  expect([all, held]).toEqual([BigInt(rows), BigInt(filled)]);
});
