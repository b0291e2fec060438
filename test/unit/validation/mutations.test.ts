// One thing goes wrong at a time: exactly the gates and findings that are about it change, and no others.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { SliceRule } from "../../../src/config/config.ts";
import type { Gates } from "../../../src/config/gates.ts";
import { openDataset } from "../../../src/validation/dataset.ts";
import type { Report } from "../../../src/validation/report.ts";
import { validate } from "../../../src/validation/validate.ts";
import { keepOpen, openText, tempFolder } from "./files.ts";
import { model, productionOf, scorerOf, validation } from "./world.ts";

/** What a row of the test world holds; `y` follows from `x`, but for every tenth row. */
interface Row {
  x: number;
  z: number;
  site: string;
  y: number;
}

const sites = ["north", "south", "east", "west"];

/** A number from 0 to below 1 that looks random and is always the same. */
function spread(seed: number): number {
  let mixed = Math.imul(seed ^ 0x5bd1e995, 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
}

const world: Row[] = Array.from({ length: 2000 }, (_none, row) => {
  const x = Math.floor(spread(4 * row + 1) * 101);
  const isWrong = spread(4 * row + 2) < 0.1;
  return {
    x,
    z: Math.floor(spread(4 * row + 3) * 103),
    site: sites[Math.floor(spread(4 * row + 4) * 4)] ?? "",
    y: x >= 50 === isWrong ? 0 : 1,
  };
});

const text = (
  rows: readonly Row[],
  names: (keyof Row)[] = ["x", "z", "site", "y"],
  header = names as string[],
) => `${header.join()}\n${rows.map((row) => names.map((name) => row[name]).join()).join("\n")}\n`;

const threshold = scorerOf(({ x }) => {
  const chance = Number(x) / 100.5;
  return { label: Number(x) >= 50 ? 1 : 0, chances: [1 - chance, chance] };
});

const gates: Gates = {
  accuracy: { min: 0.85, maxDrop: 0.02 },
  rocAuc: { min: 0.8 },
  modelSize: { max: 4096 },
};
const slices: SliceRule[] = sites.map((site) => ({
  name: site,
  where: `site = '${site}'`,
  minRows: 30,
  gates: { accuracy: { min: 0.85 } },
}));
const fairness = [{ column: "site", metric: "accuracy" as const, average: null, maxGap: 0.15 }];
const patient = { timeout: 60_000 };

async function report(content: string, changed: Parameters<typeof validation>[0] = {}): Promise<Report> {
  const dataset = changed.dataset ?? (await openText("t.csv", content));
  const production = await productionOf(threshold, await openText("t.csv", content));
  const rules = { gates, slices, fairness, confidence: 0.95, judgeBy: "interval" as const };
  const { report: made } = await validate(
    await validation({ scorer: threshold, dataset, production, rules, ...changed }),
  );
  return made;
}

/** Gates that did not pass, and findings. */
const wrong = ({ gates: judged, findings }: Report) => [
  ...judged.filter(({ status }) => status !== "pass").map(({ id, status }) => `${id} ${status}`),
  ...findings.map(({ code, severity }) => `${code} ${severity}`),
];

test("nothing wrong", patient, async () => {
  const made = await report(text(world));
  expect([made.verdict, wrong(made)]).toEqual(["pass", []]);
  expect(made.slices.filter(({ origin }) => origin === "found")).toEqual([]);
});

test(
  "swapped labels break what looks at labels; beside production, which is as wrong, nothing is worse",
  patient,
  async () => {
    const made = await report(text(world.map((row) => ({ ...row, y: 1 - row.y }))));
    expect(made.gates.filter(({ status }) => status === "fail").map(({ id }) => id)).toEqual([
      "accuracy.min",
      "rocAuc.min",
      ...sites.map((site) => `accuracy.min[${site}]`),
    ]);
  },
);

test(
  "columns in another order change nothing; values under each other's names break the model",
  patient,
  async () => {
    const straight = await report(text(world));
    const shuffled = await report(text(world, ["site", "y", "z", "x"]));
    expect(shuffled.metrics).toEqual(straight.metrics);
    expect(shuffled.verdict).toBe("pass");
    const crossed = await report(text(world, ["x", "z", "site", "y"], ["z", "x", "site", "y"]));
    expect(crossed.gates.filter(({ status }) => status === "fail").map(({ id }) => id)).toEqual([
      "accuracy.min",
      "rocAuc.min",
      ...sites.map((site) => `accuracy.min[${site}]`),
    ]);
  },
);

test(
  "one bad slice fails its own gate and the gap between groups, while the whole still passes",
  patient,
  async () => {
    const bad = world.map((row, place) =>
      row.site === "east" && place % 3 === 0 ? { ...row, y: 1 - row.y } : row,
    );
    const wide = { ...gates, accuracy: { min: 0.7, maxDrop: 0.02 }, rocAuc: { min: 0.7 } };
    const rules = { gates: wide, slices, fairness, confidence: 0.95, judgeBy: "interval" as const };
    const made = await report(text(bad), { rules });
    expect([made.verdict, wrong(made)]).toEqual([
      "fail",
      ["accuracy.min[east] fail", "fairness.accuracy[site] fail"],
    ]);
    const found = made.slices.find(({ origin }) => origin === "found");
    expect(found).toMatchObject({ where: `"site" = 'east'` });
  },
);

test(
  "outputs that are a thousandth too large are seen beside production, and nowhere else",
  patient,
  async () => {
    const rows = Array.from(
      { length: 500 },
      (_none, row) => `${row + 100},${(row + 100) * 2 + ((row % 7) - 3) / 100}`,
    );
    const content = `x,y\n${rows.join("\n")}\n`;
    const by = (factor: number) => scorerOf(({ x }) => ({ label: Number(x) * 2 * factor }), null);
    const reported = async (factor: number) => {
      const regressor = { ...model, classes: null, task: "regression" as const };
      const { report: made } = await validate(
        await validation({
          dataset: await openText("r.csv", content),
          model: regressor,
          scorer: by(factor),
          production: await productionOf(by(1), await openText("r.csv", content), regressor),
          gates: { mae: { max: 2, maxDrop: 0.1 }, r2: { min: 0.99 } },
        }),
      );
      return wrong(made);
    };
    expect([await reported(1), await reported(1.001)]).toEqual([[], ["mae.maxDrop fail"]]);
  },
);

test("rows of the training data are found by name, and no gate changes", patient, async () => {
  const folder = await tempFolder();
  // Rows that no other row repeats, so that one met again was not met by chance.
  const own = world.map((row, place) => ({ ...row, z: place / 7 }));
  const others = own.map((row) => ({ ...row, z: row.z + 0.05 }));
  await writeFile(join(folder, "test.csv"), text(own));
  const inputs = ["x", "z"].map((name) => ({ name, type: "float64" as const, nullable: false }));
  const open = async (train: readonly Row[]) => {
    await writeFile(join(folder, "train.csv"), text(train));
    const roles = { target: "y", train: join(folder, "train.csv") };
    return keepOpen(await openDataset(join(folder, "test.csv"), roles));
  };
  const clean = await report(text(own), { inputs, dataset: await open(others) });
  const leaked = await report(text(own), { inputs, dataset: await open([...others, ...own.slice(0, 400)]) });
  const codes = (made: Report) => made.findings.map(({ code }) => code);
  expect(codes(leaked)).toEqual([...codes(clean), "data.leaked-rows"]);
  expect(leaked.gates).toEqual(clean.gates);
});

test("a baseline made on easier rows does not make today's candidate look worse", patient, async () => {
  // Today every fifth row is one that no model gets right; production's own report never saw them.
  const today = world.map((row, place) => (place % 5 === 1 ? { ...row, y: 1 - row.y } : row));
  const made = await report(text(today));
  const judged = new Map(made.gates.map(({ id, status }) => [id, status]));
  expect([judged.get("accuracy.min"), judged.get("accuracy.maxDrop")]).toEqual(["fail", "pass"]);
  const comparison = made.comparisons.find(({ metric }) => metric === "accuracy");
  expect(comparison?.production).toBe(made.metrics.find(({ name }) => name === "accuracy")?.value);
});
