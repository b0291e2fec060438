// The rows beside the training data, with an oracle that compares every row with every other one.
import * as fc from "fast-check";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { InputColumn } from "../../../../src/model/model.ts";
import { inspectData } from "../../../../src/validation/checks/inspect-data.ts";
import { openDataset } from "../../../../src/validation/dataset.ts";
import { dataSchema } from "../../../../src/validation/report/data.ts";
import { errorOf, keepOpen, tempFolder } from "../files.ts";

const column = (name: string, type: InputColumn["type"] = "float64"): InputColumn => ({
  name,
  type,
  nullable: true,
});

interface Tables {
  rows: string;
  train?: string;
  inputs: InputColumn[];
  featureNames?: string[] | null;
  handler?: string;
}

async function open({ rows, train }: Pick<Tables, "rows" | "train">) {
  const folder = await tempFolder();
  const files = { rows: join(folder, "test.csv"), train: join(folder, "train.csv") };
  await writeFile(files.rows, rows);
  if (train !== undefined) await writeFile(files.train, train);
  const roles = { target: "y", ...(train === undefined ? {} : { train: files.train }) };
  return keepOpen(await openDataset(files.rows, roles));
}

async function inspect({ rows, train, inputs, featureNames = [], handler }: Tables) {
  const dataset = await open({ rows, ...(train === undefined ? {} : { train }) });
  const inspected = await inspectData({ model: { featureNames }, inputs, dataset, handler });
  dataSchema.parse(inspected.data);
  return { ...inspected, codes: inspected.findings.map(({ code, severity }) => `${code} ${severity}`) };
}

/** Lines of `x,y`, x counting from `from`. */
const counted = (header: string, rows: number, line: (row: number) => string) =>
  `${header}\n${Array.from({ length: rows }, (_none, row) => line(row)).join("\n")}\n`;

describe("without training data", () => {
  test("gaps and copies are counted, features are profiled on the test data", async () => {
    const line = (row: number) => `${row},${row % 7},${row * row},${row % 4 === 0 ? "" : "a"},1`;
    const rows = counted("x,k,z,t,y", 200, (row) => line(row < 150 ? row : row - 50));
    const inputs = [column("x"), column("k"), column("z"), column("t", "string")];
    const { data, codes, findings, profile } = await inspect({ rows, inputs });
    expect(data).toEqual({
      nulls: [{ column: "t", rows: 51 }],
      range: [],
      unseenCategories: [],
      duplicates: { rows: 50 },
      trainOverlap: null,
    });
    expect(codes).toEqual(["data.duplicate-rows warn"]);
    expect(findings[0]?.what).toBe("50 of 200 rows (25 %) repeat an earlier one");
    expect([profile.from, profile.features.map(({ name }) => name)]).toEqual(["test", ["x", "k", "z", "t"]]);
  });

  test("where a table can only repeat itself, equal rows are no copies", async () => {
    const rows = counted("a,b,y", 200, (row) => `${row % 2},${row % 3},1`);
    const { data, codes } = await inspect({ rows, inputs: [column("a"), column("b")] });
    expect([data.duplicates, codes]).toEqual([{ rows: 194 }, []]);
    const one = await inspect({
      rows: counted("a,y", 200, (row) => `${row % 100},1`),
      inputs: [column("a")],
    });
    expect([one.data.duplicates, one.codes]).toEqual([{ rows: 100 }, []]);
  });
});

describe("beside the version in production", () => {
  const rows = counted("a,b,c,y", 20, (row) => `${row},${row * 3},${row * 7},1`);
  const inputs = [column("a"), column("b"), column("c")];
  const beside = async (before: string[]) => {
    const dataset = await open({ rows });
    const released = { version: "1.0.0", inputs: before };
    const { findings } = await inspectData({ model: { featureNames: null }, inputs, dataset, released });
    return findings;
  };

  test("the same names in another order are told", async () => {
    const findings = await beside(["a", "c", "b"]);
    expect(findings).toMatchObject([{ code: "data.column-order", severity: "warn" }]);
    expect(findings[0]?.what).toContain('column 2 is "c" there, here it is "b"');
  });

  test("another name in the same place is told, and how many there are", async () => {
    const findings = await beside(["a", "x", "z"]);
    expect(findings).toMatchObject([{ code: "data.renamed-columns", severity: "warn" }]);
    expect(findings[0]?.what).toContain('column 2 is "x" there, here it is "b", and 1 more');
  });

  test("equal columns, or another number of them, are none", async () => {
    expect([...(await beside(["a", "b", "c"])), ...(await beside(["b", "a"]))]).toEqual([]);
  });
});

describe("leaked rows", () => {
  const train = counted("y,x,z", 1000, (row) => `${row % 2},${row}.0,${row / 8}`);
  const fresh = (from: number) => (row: number) => `${row + from}.5,${row},0`;
  const inputs = [column("x"), column("z")];

  test("are counted with and without their label, whatever the order of columns and the writing of numbers", async () => {
    const leaked = (row: number) => `${row},${row / 8},${row < 10 ? row % 2 : 1 - (row % 2)}`;
    const rows = counted("x,z,y", 100, (row) => (row < 30 ? leaked(row) : fresh(0)(row)));
    const { data, codes, findings } = await inspect({ rows, train, inputs });
    expect(data.trainOverlap).toMatchObject({ trainRows: 1000, rows: 30, sameLabel: 10 });
    expect(codes).toEqual(["data.leaked-rows fail"]);
    expect(findings[0]?.what).toBe("30 of 100 rows (30 %) are in the training data, 10 with the same label");
  });

  test("one in a hundred is a warning, none is nothing", async () => {
    const one = counted("x,z,y", 100, (row) => (row === 7 ? "7,0.875,1" : fresh(0)(row)));
    const none = counted("x,z,y", 100, fresh(0));
    expect((await inspect({ rows: one, train, inputs })).codes).toEqual(["data.leaked-rows warn"]);
    expect((await inspect({ rows: none, train, inputs })).codes).toEqual([]);
  });

  test("are no finding where the training data repeat themselves as much", async () => {
    const few = (row: number) => `${row % 3},${row % 5},${row % 2}`;
    const { data, codes } = await inspect({
      rows: counted("x,z,y", 100, few),
      train: counted("x,z,y", 1000, few),
      inputs,
    });
    expect([data.trainOverlap?.rows, codes]).toEqual([100, []]);
  });

  test("as many as an oracle counts that looks at every pair of rows", { timeout: 60_000 }, async () => {
    const value = fc.constantFrom("", "0", "-0", "1", "1.0", "2.5", "1e300");
    const line = fc.tuple(value, fc.constantFrom("", "a", "A", "a b", "it's"), fc.constantFrom("0", "1"));
    const table = fc.array(line, { minLength: 10, maxLength: 30 });
    const write = (lines: [string, string, string][]) =>
      // The first lines fix the types of the columns.
      `x,t,y\n${[["1.5", "z", "0"], ["", "z", "1"], ...lines].map((cells) => cells.join(",")).join("\n")}\n`;
    await fc.assert(
      fc.asyncProperty(table, table, async (rows, trained) => {
        const meaning = ([x, t, y]: readonly string[], label: boolean) =>
          JSON.stringify([x === "" ? null : Number(x) + 0, t === "" ? null : t, ...(label ? [y] : [])]);
        const [judged, seen] = [
          [["1.5", "z", "0"], ["", "z", "1"], ...rows],
          [["1.5", "z", "0"], ["", "z", "1"], ...trained],
        ];
        const shared = (label: boolean) => {
          const known = new Set(seen.map((cells) => meaning(cells, label)));
          return judged.filter((cells) => known.has(meaning(cells, label))).length;
        };
        const { data } = await inspect({
          rows: write(rows),
          train: write(trained),
          inputs: [column("x"), column("t", "string")],
        });
        expect(data.trainOverlap).toMatchObject({ rows: shared(false), sameLabel: shared(true) });
        expect(data.duplicates?.rows).toBe(
          judged.length - new Set(judged.map((cells) => meaning(cells, false))).size,
        );
      }),
      { numRuns: 25 },
    );
  });

  test("single precision is compared as single precision", async () => {
    const rows = counted("x,z,y", 20, (row) => `${Math.fround(row / 10 + 0.1)},${row},1`);
    const doubles = counted("x,z,y", 20, (row) => `${row / 10 + 0.1},${row},1`);
    const as = (type: "float32" | "float64") =>
      inspect({ rows, train: doubles, inputs: [column("x", type), column("z")] });
    expect((await as("float32")).data.trainOverlap?.rows).toBe(20);
    expect((await as("float64")).data.trainOverlap?.rows).toBeLessThan(20);
  });
});

describe("beside the training data", () => {
  test("numbers outside and categories unseen are counted, and features are profiled on the training data", async () => {
    const train = counted("x,t,y", 400, (row) => `${row},${row % 2 ? "DE" : "FR"},0`);
    const rows = counted(
      "x,t,y",
      100,
      (row) => `${row < 40 ? 1000 + row : row - 41 - 0.5},${row < 5 ? "MT" : "DE"},0`,
    );
    const { data, codes, profile, findings } = await inspect({
      rows,
      train,
      inputs: [column("x"), column("t", "string")],
    });
    expect(data.range).toEqual([{ column: "x", low: 0, high: 399, below: 2, above: 40 }]);
    expect(data.unseenCategories).toEqual([{ column: "t", rows: 5, values: ["MT"] }]);
    expect(codes).toEqual(["data.unseen-categories warn", "data.out-of-range warn"]);
    expect(findings[1]?.what).toContain('"x" (2 below 0, 40 above 399)');
    expect(profile).toMatchObject({
      from: "train",
      features: [{ rows: 400, below: 2, above: 40 }, { rows: 400 }],
    });
  });

  test("what another draw of the same rows would show is a fact, not a finding", async () => {
    const random = (seed: number) => (row: number) =>
      `${(Math.sin(seed + row * 12.9898) * 43758.5453) % 1},w${(seed + row * 7919) % 6000},0`;
    const { data, codes } = await inspect({
      rows: counted("x,t,y", 1000, random(0.25)).replaceAll("w0.25", "w1.25"),
      train: counted("x,t,y", 1000, random(5000)),
      inputs: [column("x"), column("t", "string")],
    });
    expect(data.range.length + data.unseenCategories.length).toBeGreaterThan(0);
    expect(codes.filter((code) => code !== "data.unseen-categories warn")).toEqual([]);
  });

  test("columns in another order fail a model that goes by place, and no other", async () => {
    const train = counted("b,a,y", 50, (row) => `${row},${row + 100},0`);
    const rows = counted("a,b,y", 50, (row) => `${row + 100.5},${row},0`);
    const inputs = [column("a"), column("b")];
    expect((await inspect({ rows, train, inputs, featureNames: null })).codes).toContain(
      "data.column-order fail",
    );
    expect((await inspect({ rows, train, inputs, featureNames: ["a", "b"] })).codes).not.toContain(
      "data.column-order fail",
    );
  });

  test("a handler that names the columns which moved makes a warning of it, one that goes by place does not", async () => {
    const train = counted("c,b,a,y", 50, (row) => `${row},${row},${row + 100},0`);
    const rows = counted("c,a,b,y", 50, (row) => `${row},${row + 100.5},${row},0`);
    const inputs = [column("c"), column("a"), column("b")];
    const codesWith = async (handler: string) =>
      (await inspect({ rows, train, inputs, featureNames: null, handler })).codes;
    const named = `return np.column_stack([columns[name] for name in ("b", 'a')])`;
    expect(await codesWith(named)).toContain("data.column-order warn");
    for (const handler of ["np.column_stack(list(columns.values()))", `columns["a"] * 2`, ""])
      expect(await codesWith(handler)).toContain("data.column-order fail");
  });

  test("a column that was renamed is named, and so is the target", async () => {
    const dataset = await open({
      rows: counted("age,income,y", 20, (row) => `${row},${row},0`),
      train: counted("Age,incom,label", 20, (row) => `${row},${row},0`),
    });
    const error = await errorOf(
      inspectData({ model: { featureNames: null }, inputs: [column("age"), column("income")], dataset }),
    );
    expect(error).toMatchObject({ code: "data.train-columns", exit: "usage" });
    expect(error.problems).toEqual([
      { what: 'there is no column "age"', fix: 'did you mean "Age"?' },
      { what: 'there is no column "income"', fix: 'did you mean "incom"?' },
      { what: 'there is no column "y"' },
    ]);
  });

  test("a training file that is not there is the fault of validate.train", async () => {
    const folder = await tempFolder();
    const file = join(folder, "test.csv");
    await writeFile(
      file,
      counted("x,y", 20, (row) => `${row},0`),
    );
    const error = await errorOf(openDataset(file, { target: "y", train: join(folder, "none.csv") }));
    expect(error).toMatchObject({ code: "data.missing", fix: expect.stringContaining("validate.train") });
  });
});
