// What decides whether a model may ship, from the command line: intervals, production, slices and groups.
import { readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { documentOf, Machine } from "./fake-host.ts";
import { configText, csv, features, makeProject, rows, write } from "./project.ts";
import { serving } from "./serving.ts";

interface Told {
  verdict: string;
  metrics: { name: string; value: number; ci: { lo: number; hi: number } }[];
  baseline: { version: string } | null;
  gates: { id: string; status: string; why: string; hint: string | null; rowsToDecide: number | null }[];
  comparisons: { metric: string }[];
  slices: { name: string; origin: string; rows: number }[];
  fairness: { groups: { group: unknown; rows: number }[] }[];
}

const told = (ran: Parameters<typeof documentOf>[0]) => documentOf(ran) as unknown as Told;

test("a bound inside the interval is not decided: exit 4, and how many rows would decide it", async () => {
  const machine = new Machine(makeProject());
  const { metrics } = told(await machine.run("validate", "--json"));
  const { value, ci } = metrics.find(({ name }) => name === "accuracy")!;
  const inside = ["--set", `validate.gates.accuracy.min=${((value + ci.lo) / 2).toFixed(6)}`];
  const ran = await machine.run("validate", "--json", ...inside);
  expect(ran.exit).toBe(4);
  const [gate] = told(ran).gates;
  expect(gate).toMatchObject({
    status: "inconclusive",
    why: expect.stringContaining("is inside the interval"),
  });
  expect(gate?.rowsToDecide).toBeGreaterThan(200);
  const byValue = await machine.run("validate", "--json", ...inside, "--set", "validate.judgeBy=value");
  expect([byValue.exit, told(byValue).gates[0]?.status]).toEqual([0, "pass"]);
});

describe("beside production", () => {
  const drop = ["--set", "validate.gates.accuracy.maxDrop=0.05"];

  test("the version that serves is scored on today's rows, once", async () => {
    const machine = await serving();
    // Other rows than those that 1.0.0 was released with: its own report says nothing of them.
    write(machine.folder, { "test_data.csv": csv(features, rows(300)) });
    const titles: string[] = [];
    machine.onStep = (title) => titles.push(title);
    const first = await machine.run("validate", "--json", ...drop);
    expect([first.exit, told(first).baseline?.version]).toEqual([0, "1.0.0"]);
    expect(told(first).comparisons.map(({ metric }) => metric)).toEqual(
      expect.arrayContaining(["accuracy", "f1", "rocAuc", "logLoss"]),
    );
    const scored = () => titles.filter((title) => title.includes("now in production")).length;
    const once = scored();
    expect(once).toBeGreaterThan(0);
    const second = await machine.run("validate", "--json", ...drop);
    expect(documentOf(second)["digest"]).toBe(documentOf(first)["digest"]);
    expect(scored()).toBe(once);
  });

  test("a kept file that is not whole is scored anew", async () => {
    const machine = await serving();
    const first = await machine.run("validate", "--json", ...drop);
    const folder = path.join(machine.folder, ".mlship", "answers");
    const [name = ""] = readdirSync(folder);
    write(folder, { [name]: "LE {" });
    const second = await machine.run("validate", "--json", ...drop);
    expect(documentOf(second)["digest"]).toBe(documentOf(first)["digest"]);
  });

  test("without a gate that looks at it, it is left alone", async () => {
    const machine = await serving();
    const ran = await machine.run("validate", "--json");
    expect([told(ran).baseline, told(ran).comparisons]).toEqual([null, []]);
  });
});

describe("slices and groups", () => {
  const project = (keys: string) => {
    const machine = new Machine(makeProject());
    const text = configText("1.0.0").replace("  gates:", `${keys}  gates:`);
    write(machine.folder, { "mlship.yaml": text });
    return machine;
  };

  test("a slice has the gates of all rows, and is not decided with too few rows", async () => {
    const machine = project(`  slices: ["height > 0", { where: height > 0.98, name: tall }]\n`);
    const ran = await machine.run("validate", "--json");
    expect(ran.exit).toBe(4);
    expect(told(ran).gates.map(({ id, status }) => [id, status])).toEqual([
      ["accuracy.min", "pass"],
      ["accuracy.min[height > 0]", "pass"],
      ["accuracy.min[tall]", "inconclusive"],
    ]);
    expect(told(ran).gates[2]?.why).toMatch(/fewer than 30/);
    expect(
      told(ran)
        .slices.map(({ name, origin }) => [name, origin])
        .slice(0, 2),
    ).toEqual([
      ["height > 0", "declared"],
      ["tall", "declared"],
    ]);
  });

  test("a slice that is shown to break its gate fails, and the others do not", async () => {
    const machine = project(
      `  slices: [{ where: height > 0, gates: { accuracy: { min: 0.999, max: 1 } } }, { where: mass > 0 }]\n`,
    );
    const ran = await machine.run("validate", "--json", "--set", "validate.confidence=0.5");
    const failed = told(ran).gates.filter(({ status }) => status === "fail");
    expect(failed.map(({ id }) => id)).toEqual(ran.exit === 3 ? ["accuracy.min[height > 0]"] : []);
  });

  test("a predicate that the data do not understand is an error before the model runs", async () => {
    const machine = project(
      `  slices: ["heigt > 0", "height", "height > 0; drop table rows", "random() < 0.5"]\n`,
    );
    const ran = await machine.run("validate", "--json");
    expect(ran.exit).toBe(2);
    const { code, problems } = documentOf(ran) as { code: string; problems: { what: string }[] };
    expect(code).toBe("validate.slice");
    expect(problems.map(({ what }) => what)).toEqual([
      expect.stringMatching(/validate\.slices\[0\].*"heigt" not found.*"height"/),
      expect.stringContaining("it is not true or false"),
      expect.stringContaining("validate.slices[2]"),
      expect.stringContaining("random() does not give the same on every run"),
    ]);
  });

  test("groups of a column are compared", async () => {
    const machine = project("  key: id\n  fairness: { column: site, metric: accuracy, maxGap: 0.5 }\n");
    const table = rows(200).map(({ values, label }, row) => [
      ...values,
      row % 2 === 0 ? "north" : "south",
      row,
      label,
    ]);
    write(machine.folder, {
      "test_data.csv": `height,mass,site,id,target\n${table.map((row) => row.join()).join("\n")}\n`,
    });
    const ran = await machine.run("validate", "--json");
    expect(ran.exit).toBe(0);
    expect(told(ran).fairness[0]?.groups.map(({ group, rows: count }) => [group, count])).toEqual([
      ["north", 100],
      ["south", 100],
    ]);
    expect(told(ran).gates.at(-1)).toMatchObject({ id: "fairness.accuracy[site]", status: "pass" });
    const wrong = await machine.run(
      "validate",
      "--json",
      "--set",
      "validate.fairness={column: height, metric: accuracy, maxGap: 0.1}",
    );
    expect(documentOf(wrong)).toMatchObject({ code: "validate.fairness", exit: 2 });
  });
});
