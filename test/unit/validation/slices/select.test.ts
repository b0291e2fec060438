// Predicates of slices: what they choose, and what is refused before it runs.
import { expect, test } from "vitest";
import type { SliceRule } from "../../../../src/config/config.ts";
import type { Dataset } from "../../../../src/validation/dataset.ts";
import { selectSlices } from "../../../../src/validation/slices/select.ts";
import { openText } from "../files.ts";

const rule = (where: string): SliceRule => ({ name: where, where, minRows: 30, gates: null });

function open(): Promise<Dataset> {
  const rows = Array.from({ length: 12 }, (_none, row) => {
    const land = row === 3 ? "" : row % 2 === 0 ? "DE" : `"it's ""x"""`;
    return `${row},${land},${row % 3},${row % 2 === 0},${row},${row % 2}`;
  });
  return openText("s.csv", `Age,Land Name,group,is_new,weight,target\n${rows.join("\n")}\n`, {
    target: "target",
    weight: "weight",
  });
}

async function choose(where: string): Promise<number[]> {
  const dataset = await open();
  try {
    const [selection] = await selectSlices(dataset, [rule(where)]);
    return [...(selection?.rows ?? [])];
  } finally {
    dataset.close();
  }
}

test.each<[string, number[]]>([
  ["Age >= 9", [9, 10, 11]],
  ["age >= 9", [9, 10, 11]],
  [`"Land Name" = 'DE' and Age < 5`, [0, 2, 4]],
  [`"Land Name" = 'it''s "x"' and Age > 8`, [9, 11]],
  [`"Land Name" is null`, [3]],
  [`"group" = 0`, [0, 3, 6, 9]],
  ["is_new and weight > 7", [8, 10]],
  ["target = 1 and Age between 4 and 8", [5, 7]],
  ["lower(\"Land Name\") like 'd%' and Age in (2, 3, 4)", [2, 4]],
  ["case when Age > 9 then true end", [10, 11]],
  ["Age > 100", []],
  ["true -- all of them", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
])("%s", async (where, rows) => {
  expect(await choose(where)).toEqual(rows);
});

test.each<[string, RegExp]>([
  ["agee > 3", /"agee" not found; there is .*"Age"/],
  ["Age", /not true or false, but a value of type/],
  ["Age >", /syntax error/],
  ["", /syntax error|cannot be read/],
  ["true, false", /more than one expression|not true or false/],
  ["true) or (true", /syntax error/],
  ["1) as y, (true", /syntax error|more than one/],
  ["Age > 3; drop table rows", /syntax error|more than one/],
  ["Age > 3 limit 1", /syntax error|more than one/],
  ["true union select false", /syntax error|more than one/],
  ["true from rows", /syntax error|more than one/],
  ["Age in (select c0 from rows)", /a query of its own/],
  ["exists (select * from read_csv('/etc/passwd'))", /a query of its own/],
  ["random() < 0.5", /random\(\) does not give the same/],
  ["Age > 3 and (now() > '2020-01-01' or true)", /now\(\) does not give the same/],
  ["sum(Age) > 3", /aggregate/i],
  ["row_number() over () < 3", /window/i],
  ["*", /more than one/],
  ["Age = ?", /parameter/],
  ['"Land Name"::integer > 3', /convert/i],
])("refuses %s", async (where, reason) => {
  await expect(choose(where)).rejects.toMatchObject({
    code: "validate.slice",
    exit: "usage",
    message: expect.stringMatching(reason),
  });
});

test("all bad predicates are told at once, and the table is as it was", async () => {
  const dataset = await open();
  const bad = selectSlices(dataset, [rule("x > 1"), rule("Age > 3"), rule("drop table rows")]);
  await expect(bad).rejects.toMatchObject({ problems: [expect.anything(), expect.anything()] });
  const count = await dataset.connection.runAndReadAll("select count(*) from rows");
  expect(count.getRows()).toEqual([[12n]]);
  dataset.close();
});

test("names that SQL cannot tell apart cannot be named", async () => {
  const rows = Array.from({ length: 10 }, (_none, row) => `${row},${row},${row % 2}`);
  const dataset = await openText("s.csv", `a,A,target\n${rows.join("\n")}\n`, { target: "target" });
  await expect(selectSlices(dataset, [rule("a > 3")])).rejects.toMatchObject({ code: "validate.slice" });
  dataset.close();
});
