// CatBoost's binary models: what is read of them, and bytes that were made to lead a reader astray.
import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { FlatTable } from "../../../src/model/formats/flatbuffer.ts";
import { inspectModel } from "../../../src/model/inspect.ts";
import { Unreadable } from "../../../src/model/unreadable.ts";
import { fileWith, fixtures } from "./folder.ts";

const model = readFileSync(fixtures["catboost-multiclass"] ?? "");
const inspect = (bytes: Buffer) => inspectModel(fileWith("m.cbm", bytes), { trust: [] });
const edited = (from: string, to: string): Buffer => {
  expect(Buffer.byteLength(to)).toBe(Buffer.byteLength(from));
  return Buffer.from(model.toString("latin1").replaceAll(from, to), "latin1");
};

test("names of features are kept as they are", async () => {
  const { featureNames } = await inspect(edited("sepal_width", "__proto__\n "));
  expect(featureNames).toEqual(["sepal_length", "__proto__\n ", "petal_length", "petal_width"]);
});

test("a loss that answers no task of ours leaves it to the user", async () => {
  expect(await inspect(edited('"type":"MultiClass"', '"type":"MultiCross"'))).toMatchObject({
    classes: null,
    task: null,
  });
});

test("the release that wrote it is told by its tag, another build tells none", async () => {
  expect(await inspect(model)).toMatchObject({ libraries: { catboost: "1.2.10" } });
  expect(await inspect(edited("tags/v1.2.10", "tags/v1.2.1x"))).toMatchObject({
    libraries: { catboost: null },
  });
});

test("fewer labels than the trees answer are not believed", async () => {
  expect(await inspect(edited('"class_names":[0,1,2]', '"class_names":[0,1  ]'))).toMatchObject({
    classes: [0, 1, 2],
    task: "multiclass",
  });
  const fewer = edited(
    '"class_names":[0,1,2],"class_to_label":[0,1,2]',
    '"class_names":[0,1  ],"class_to_label":[0,1  ]',
  );
  expect(await inspect(fewer)).toMatchObject({ classes: null, task: "multiclass" });
});

test.each<[string, Buffer]>([
  [
    "a size beyond the file",
    Buffer.concat([Buffer.from("CBM1\xff\xff\xff\x7f", "latin1"), model.subarray(8)]),
  ],
  ["no trees", Buffer.from("CBM1\x04\0\0\0\0\0\0\0", "latin1")],
  ["another version", edited("FlabuffersModel_v1", "SomethingElse___v9")],
  ["something behind it", Buffer.concat([model, Buffer.from("x")])],
  ["settings that are not JSON", edited('{"detailed_profile"', '["detailed_profile"')],
])("%s is damage", async (_name, bytes) => {
  await expect(inspect(bytes)).rejects.toMatchObject({ code: "model.damaged", exit: "usage" });
});

test("a FlatBuffer of any bytes is read or unreadable, never more", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(20), (bytes, field) => {
      try {
        const table = FlatTable.root(Buffer.from(bytes));
        for (const found of [table, table.table(field), ...table.tables(field)])
          expect([typeof found?.int(field), typeof found?.count(field, 4)]).not.toContain("string");
        expect(table.text(field) ?? "").toEqual(expect.any(String));
      } catch (error) {
        expect(error).toBeInstanceOf(Unreadable);
      }
    }),
    { numRuns: 2_000 },
  );
});
