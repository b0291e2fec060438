// Typed batches hold exactly the values that a row has as plain ones, whatever the types, gaps and batch sizes.
import { DuckDBInstance } from "@duckdb/node-api";
import * as fc from "fast-check";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Batch } from "../../../src/validation/batch.ts";
import { type Dataset, openDataset } from "../../../src/validation/dataset.ts";
import type { Columns } from "../../../src/validation/ports.ts";
import { csv, errorOf, keepOpen, openText, tempFolder } from "./files.ts";

/** A Parquet file of a query's rows. */
async function parquet(query: string, target: string | string[] = "y"): Promise<Dataset> {
  const folder = await tempFolder();
  const file = join(folder, "d.parquet");
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  await connection.run(`copy (${query}) to '${file}' (format parquet)`);
  connection.closeSync();
  return keepOpen(await openDataset(file, { target }, join(folder, "spill")));
}

/** A batch as plain values; truth values as the numbers that they travel as. */
function plainOf({ rows, numbers, numberBlock, texts, textBlock }: Batch): Columns {
  const columns: Columns = Object.create(null);
  for (const [place, name] of numbers.entries()) {
    const values = numberBlock.subarray(place * rows, (place + 1) * rows);
    columns[name] = Array.from(values, (value) => (Number.isNaN(value) ? null : value));
  }
  for (const [place, { name, words }] of texts.entries()) {
    const places = textBlock.subarray(place * rows, (place + 1) * rows);
    columns[name] = Array.from(places, (word) => (word === -1 ? null : (words[word] ?? "lost")));
  }
  return columns;
}

async function allOf(dataset: Dataset, names: string[], size: number): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of dataset.batches(names, size)) batches.push(batch);
  return batches;
}

const pieces = {
  f: "if(h % 7 = 0, null, h / 3.0)",
  g: "if(h % 5 = 0, 'nan'::float, (h / 3.0)::float)",
  i: "h - 2000",
  j: "if(h % 3 = 0, null, h % 100)::tinyint",
  b: "h % 2 = 0",
  c: "if(h % 4 = 0, null, h % 3 = 0)",
  s: "if(h % 6 = 0, null, 'w' || (h % 11))",
  t: "case h % 3 when 0 then '' when 1 then 'née' else repeat('long ', 5) || h end",
  d: "(h / 7.0)::decimal(9, 3)",
  n: "null::double",
};

test("batches equal plain values, for every size of a batch and every choice of columns", async () => {
  const list = Object.entries(pieces).map(([name, sql]) => `${sql} as ${name}`);
  const rows = 5000;
  const from = `(select *, (hash(i) % 4000)::bigint as h from range(${rows}) as t(i))`;
  const dataset = await parquet(`select ${list.join()}, i % 2 as y from ${from}`);
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray(Object.keys(pieces)),
      fc.constantFrom(1000, 2047, 2048, 2049, 4096, 5000, 6000),
      async (names, size) => {
        const batches = await allOf(dataset, names, size);
        expect(batches.map((batch) => batch.rows)).toEqual(
          Array.from({ length: Math.ceil(rows / size) }, (_none, at) => Math.min(size, rows - at * size)),
        );
        for (const [place, batch] of batches.entries()) {
          const plain = await dataset.columns(names, place * size, place * size + batch.rows);
          const typed = plainOf(batch);
          expect(Object.keys(typed).toSorted()).toEqual(names.toSorted());
          for (const name of names) {
            const expected = plain[name]?.map((value) =>
              typeof value === "boolean" ? Number(value) : value,
            );
            expect(typed[name]).toEqual(expected);
          }
        }
      },
    ),
    { numRuns: 20 },
  );
}, 60_000);

test("a batch holds only its own words, and no column is a batch too", async () => {
  const rows = Array.from({ length: 30 }, (_none, row) => `w${row},${row % 2}`);
  const dataset = await openText("d.csv", `x,y\n${rows.join("\n")}\n`);
  const [first, second] = await allOf(dataset, ["x"], 20);
  expect([first?.texts[0]?.words.length, second?.texts[0]?.words]).toEqual([
    20,
    rows.slice(20).map((row) => row.slice(0, 3)),
  ]);
  expect((await allOf(dataset, [], 20)).map((batch) => batch.rows)).toEqual([20, 10]);
});

test("2000 columns", async () => {
  const names = Array.from({ length: 2000 }, (_none, at) => `f${at}`);
  const row = `${names.map((_name, at) => at / 8).join()},1`;
  const dataset = await openText("d.csv", csv(`${names.join()},y`, row));
  const [batch] = await allOf(dataset, names.toReversed(), 10);
  expect(batch?.numbers[0]).toBe("f1999");
  expect(batch?.numberBlock.subarray(0, 10)).toEqual(new Float64Array(10).fill(1999 / 8));
});

describe("numbers that no server could be sent exactly", () => {
  test.each([
    ["9007199254740993", "id", /9007199254740992 in row 12/],
    ["inf", "id", /Infinity in row 12/],
    ["-1e999", "id", /-Infinity in row 12/],
  ])("%s, only where the column is used", async (value, name, what) => {
    const rows = [...Array.from({ length: 11 }, () => "1,2,0"), `${value},2,1`];
    const dataset = await openText("d.csv", `id,x,y\n${rows.join("\n")}\n`);
    expect(await allOf(dataset, ["x"], 5)).toHaveLength(3);
    const error = await errorOf(allOf(dataset, [name], 5));
    expect(error.code).toBe("data.number");
    expect(error.what).toMatch(what);
  });
});

test("a query beside an open stream, and a stream that is left early", async () => {
  const dataset = await parquet("select i::double as x, i % 2 as y from range(20000) as t(i)");
  for await (const batch of dataset.batches(["x"], 1000)) {
    expect((await dataset.connection.runAndReadAll("select count(*) from rows")).getRows()).toEqual([
      [20_000n],
    ]);
    expect(batch.rows).toBe(1000);
    break;
  }
  expect(await allOf(dataset, ["x"], 20_000)).toHaveLength(1);
});

test("several targets are row by row, and belong to no feature", async () => {
  const dataset = await parquet("select i as a, i * 2.5 as b, -i as c from range(12) as t(i)", ["c", "b"]);
  expect(dataset.features.map(({ name }) => name)).toEqual(["a"]);
  expect([...dataset.labels.numbers().subarray(0, 6)]).toEqual([0, 0, -1, 2.5, -2, 5]);
  expect(dataset.targets.map(({ name }) => name)).toEqual(["c", "b"]);
});
