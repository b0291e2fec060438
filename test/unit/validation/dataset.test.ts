// Data files as users have them: read right, or refused with one clear error.
import { DuckDBInstance } from "@duckdb/node-api";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Dataset, openDataset } from "../../../src/validation/dataset.ts";
import { csv, errorOf, keepOpen, openText, tempFolder } from "./files.ts";

const labelsOf = ({ labels }: Dataset) =>
  Array.from({ length: labels.length }, (_none, row) => labels.at(row));
const all = (names: string[]) => names.map((name, at) => [name, at]);

describe("csv", () => {
  test("gives typed columns, labels and the file's digest", async () => {
    const data = await openText(
      "d.csv",
      csv("i,f,b,s,d,y", "2,1.5,False,x,2020-01-02,1", ["1,,true,,2020-01-01,0"]),
    );
    expect(data.rows).toBe(10);
    expect(data.features).toEqual([
      { name: "i", type: "int64", nullable: false, nulls: 0 },
      { name: "f", type: "float64", nullable: true, nulls: 1 },
      { name: "b", type: "bool", nullable: false, nulls: 0 },
      { name: "s", type: "string", nullable: true, nulls: 1 },
      { name: "d", type: "string", nullable: false, nulls: 0 },
    ]);
    expect({ ...(await data.columns(["d", "i", "f", "b", "s"], 0, 2)) }).toEqual({
      d: ["2020-01-01", "2020-01-02"],
      i: [1, 2],
      f: [null, 1.5],
      b: [true, false],
      s: [null, "x"],
    });
    expect(labelsOf(data)).toEqual([0, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    const bytes = await readFile(data.file);
    expect(data.digest).toBe(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);
  });

  test("reads odd names, quoted newlines, a byte order mark and CRLF", async () => {
    const names = [
      "__proto__",
      'say "hi"',
      "two\nlines",
      "A",
      "a",
      "",
      "'; drop table rows; --",
      "constructor",
      "y",
    ];
    const header = names.map((name) => `"${name.replaceAll('"', '""')}"`).join(",");
    const row = '1,"a\n""b""",x,2,3,4,5,6,0';
    const data = await openText(
      "d.csv",
      `\uFEFF${[header, ...Array.from({ length: 10 }, () => row)].join("\r\n")}\r\n`,
    );
    expect(data.features.map(({ name }) => name)).toEqual(names.slice(0, -1));
    const values = await data.columns(names, 9, 10);
    expect(Object.getPrototypeOf(values)).toBeNull();
    expect(names.map((name) => values[name])).toEqual([[1], ['a\n"b"'], ["x"], [2], [3], [4], [5], [6], [0]]);
    expect(JSON.stringify(values)).toContain('"__proto__":[1]');
  });

  test("keeps yes and t as text, reads NaN and NA as missing, and a late type change", async () => {
    const data = await openText(
      "d.csv",
      csv("q,t,n,late,y", "no,f,1,1,1", ["yes,t,NaN,1,0", "no,f,NA,1.5,1"]),
    );
    expect(data.features.map(({ type, nulls }) => [type, nulls])).toEqual([
      ["string", 0],
      ["string", 0],
      ["int64", 2],
      ["float64", 0],
    ]);
  });

  test("reads semicolons, and a file name that looks like a pattern", async () => {
    const data = await openText("a*[b]?.csv", csv("a;y", "0,5;1"));
    expect(data.features).toMatchObject([{ name: "a", type: "string" }]);
  });

  test("streams any range in the order of the file", async () => {
    const rows = Array.from({ length: 5000 }, (_none, row) => `${row},${row % 2}`);
    const data = await openText("d.csv", `x,y\n${rows.join("\n")}\n`);
    expect((await data.columns(["x"], 4096, 5000))["x"]).toEqual(
      rows.slice(4096).map((_row, at) => 4096 + at),
    );
    expect((await data.pick(["x"], [0, 17, 4999]))["x"]).toEqual([0, 17, 4999]);
    expect((await data.pick(["x"], []))["x"]).toEqual([]);
  });

  test("reads 10 000 columns", async () => {
    const names = Array.from({ length: 10_000 }, (_none, at) => `f${at}`);
    const row = `${names.map((_name, at) => at / 8).join(",")},1`;
    const data = await openText("d.csv", csv(`${names.join(",")},y`, row));
    expect(data.features).toHaveLength(10_000);
    expect((await data.columns(["f9999", "f0"], 3, 4))["f9999"]).toEqual([9999 / 8]);
  }, 30_000);

  test("reads weights and a key, and gives neither to the model", async () => {
    const rows = Array.from({ length: 10 }, (_none, row) => `${row},${row / 2},${row % 3},1`);
    const data = await openText("d.csv", `id,w,x,y\n${rows.join("\n")}\n`, {
      target: "y",
      weight: "w",
      key: "id",
    });
    expect(data.features.map(({ name }) => name)).toEqual(["x"]);
    expect([...(data.weights ?? [])]).toEqual(rows.map((_row, at) => at / 2));
  });
});

describe("jsonl and parquet", () => {
  test("jsonl: names, types, times as written, missing keys", async () => {
    const line = (row: number) =>
      `{"__proto__":${row},"x":${row},"d":"2020-01-01T00:00:00Z","it's":true${row ? ',"f":1.5' : ""},"y":1}`;
    const data = await openText("d.jsonl", Array.from({ length: 10 }, (_none, row) => line(row)).join("\n"));
    expect(
      Object.fromEntries(
        data.features.map(({ name, type }) => [name === "__proto__" ? "proto" : name, type]),
      ),
    ).toEqual({
      proto: "int64",
      x: "int64",
      d: "string",
      "it's": "bool",
      f: "float64",
    });
    const values = await data.columns(["d", "f", "__proto__"], 0, 2);
    expect(values["d"]).toEqual(["2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z"]);
    expect(values["f"]).toEqual([null, 1.5]);
  });

  test("parquet: every type that a model can be given", async () => {
    const file = join(await tempFolder(), "data.bin");
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    await connection.run(`copy (select i::utinyint as "X", i::decimal(10, 2) as x, date '2020-01-02' as d, 0.5::float as f,
      if(i = 3, 'nan'::double, i) as n, [i] as l, 'it''s' as s, i % 2 = 0 as y from range(10) as t(i))
      to '${file}' (format parquet)`);
    connection.closeSync();
    const data = keepOpen(await openDataset(file, { target: "y" }));
    expect(data.features.map(({ name, type, nulls }) => [name, type, nulls])).toEqual([
      ["X", "int64", 0],
      ["x_1", "float64", 0],
      ["d", "string", 0],
      ["f", "float32", 0],
      ["n", "float64", 1],
      ["s", "string", 0],
    ]);
    expect({ ...(await data.columns(["X", "x_1", "d", "f", "n", "s"], 3, 4)) }).toEqual({
      X: [3],
      x_1: [3],
      d: ["2020-01-02"],
      f: [0.5],
      n: [null],
      s: ["it's"],
    });
    expect(labelsOf(data).slice(0, 2)).toEqual([true, false]);
    expect((await errorOf(data.columns(["l"], 0, 1))).code).toBe("data.column-type");
  });
});

describe("refuses", () => {
  test.each<[string, string | Uint8Array, string, RegExp]>([
    ["an empty file", "", "data.empty", /is empty/],
    ["a file of blanks", " \n\n", "data.empty", /is empty/],
    ["a header only", "a,y\n", "data.too-few-rows", /no rows, too few/],
    ["one row", "a,y\n1,0\n", "data.too-few-rows", /one row, too few/],
    ["nine rows", csv("a,y", "1,0").replace("1,0\n", ""), "data.too-few-rows", /9 rows/],
    ["no target", csv("a,Y_", "1,0"), "data.no-target", /has no column "y"/],
    [
      "a missing label",
      csv("a,y", "1,0", ["1,1", "1,", "1,NaN"]),
      "data.null-target",
      /2 rows, the first is row 2/,
    ],
    ["two columns of one name", csv("a,b,a,y", "1,2,3,0"), "data.duplicate-column", /cannot be told apart/],
    ["a row that is too short", csv("a,b,y", "1,2,0", ["1,2"]), "data.unreadable", /cannot be read/],
    ["a row that is too long", csv("a,b,y", "1,2,0", ["1,2,3,4"]), "data.unreadable", /cannot be read/],
    ["a quote that never ends", csv("a,b,y", "1,2,0", ['1,"2,0']), "data.unreadable", /cannot be read/],
    ["another encoding", Buffer.from(csv("a,y", "é,0"), "latin1"), "data.unreadable", /cannot be read/],
    ["UTF-16", Buffer.from(csv("a,y", "1,0"), "utf16le"), "data.unreadable", /cannot be read/],
  ])("%s", async (_case, content, code, what) => {
    const error = await errorOf(openText("d.csv", content));
    expect([error.code, error.exit]).toEqual([code, "usage"]);
    expect(error.what).toMatch(what);
    expect(error.at?.file).toMatch(/d\.csv$/);
    expect(error.fix).toBeTruthy();
  });

  test.each([["ragged.csv", csv("a,b,y", "1,2,0", ["1,2,0", "1,2"]), 3]])(
    "%s and names the line",
    async (name, content, line) => {
      const error = await errorOf(openText(name, content));
      expect([error.code, error.at?.line]).toEqual(["data.unreadable", line]);
    },
  );

  test("a missing file, a folder, and a file that only says that it is Parquet", async () => {
    const folder = await tempFolder();
    await writeFile(join(folder, "d.parquet"), csv("a,y", "1,0"));
    const codes = await Promise.all(
      ["none.csv", ".", "d.parquet"].map((name) => errorOf(openDataset(join(folder, name), { target: "y" }))),
    );
    expect(codes.map(({ code }) => code)).toEqual(["data.missing", "data.unreadable", "data.unreadable"]);
  });

  test("truncated Parquet", async () => {
    expect((await errorOf(openText("d.parquet", "PAR1xxxx"))).code).toBe("data.unreadable");
  });

  test("names that differ only in case in jsonl", async () => {
    const error = await errorOf(openText("d.jsonl", '{"a":1,"A":2,"y":0}\n'.repeat(10)));
    expect(error.code).toBe("data.duplicate-column");
  });

  test("suggests the target that was meant", async () => {
    const error = await errorOf(openText("d.csv", csv("a,label", "1,0"), { target: "lable" }));
    expect(error.fix).toBe('did you mean "label"? Set validate.target in mlship.yaml');
  });

  test("numbers that JSON cannot carry, only where they are used", async () => {
    const data = await openText("d.csv", csv("id,big,y", "9007199254740993,inf,0"));
    const errors = await Promise.all([
      errorOf(data.columns(["id"], 0, 1)),
      errorOf(data.columns(["big"], 0, 1)),
    ]);
    expect(errors.map(({ code }) => code)).toEqual(["data.number", "data.number"]);
  });

  test.each([
    [{ target: "y", weight: "w" }, "data.weight"],
    [{ target: "y", key: "k" }, "data.key"],
    [{ target: "y", key: "none" }, "data.no-column"],
  ])("roles %j", async (roles, code) => {
    expect((await errorOf(openText("d.csv", csv("w,k,y", "-1,7,0"), roles))).code).toBe(code);
  });
});

test("whoever does not want the rows any more need not wait until they are read", async () => {
  const file = join(await tempFolder(), "long.csv");
  await writeFile(file, csv("a,b,y", "1.5,text,0", Array<string>(400_000).fill("2.5,more text,1")));
  for (const after of [null, 0, 30]) {
    const ending = new AbortController();
    const reason = new Error("not wanted");
    if (after === null) ending.abort(reason);
    else setTimeout(() => ending.abort(reason), after);
    await expect(openDataset(file, { target: "y" }, null, ending.signal)).rejects.toBe(reason);
  }
});

test("columns keep the order in which they were asked for", async () => {
  const data = await openText("d.csv", csv("a,b,c,y", "1,2,3,0"));
  expect(all(Object.keys(await data.columns(["c", "a"], 0, 1)))).toEqual(all(["c", "a"]));
});
