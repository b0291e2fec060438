// The gate inside `deploy`: a model that is not proven good starts nothing, stores nothing and leaves what serves.
import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Report } from "../../src/validation/report.ts";
import { openCancer, type Project } from "./project.ts";

/** Every file of the store with its content. */
async function stored(project: Project): Promise<Map<string, string>> {
  const store = project.file(".mlship", "store");
  const entries = await readdir(store, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(files.toSorted().map(async (file) => [file, await readFile(file, "latin1")] as const)),
  );
}

const validate = (gates: object) => ({ validate: { data: "test_data.csv", gates } });

test("inconclusive is 4 and failed is 3: nothing is stored or started, and what serves goes on", async () => {
  const project = await openCancer();
  onTestFinished(() => project.close());
  await project.mlship(["deploy"]);
  expect(await project.serving()).toBe("1.0.0");
  const before = await stored(project);
  const servers = (await project.processes()).length;

  for (const [min, exit, words] of [
    [0.93, 4, "is not decided: 0 of 1 gates pass"],
    [0.999, 3, "must not ship: 0 of 1 gates pass"],
  ] as const) {
    await project.handOver("1.1.0", "1.1.0", validate({ accuracy: { min } }));
    const { told } = await project.mlship(["deploy"], exit);
    expect(told).toContain(words);
    expect(told).toContain("nothing was started");
    expect(await project.serving()).toBe("1.0.0");
    expect((await project.processes()).length).toBe(servers);
    const after = await stored(project);
    // A refusal is a line of the ledger; no version, model or report comes with it.
    const added = [...after.keys()].filter((file) => !before.has(file));
    expect(added.filter((file) => !file.includes("ledger") && !file.includes("channels"))).toEqual([]);
    for (const [file, text] of before) if (!file.endsWith("HEAD.json")) expect(after.get(file)).toBe(text);
  }
  expect((await project.history()).slice(-2)).toEqual(["refuse 1.1.0", "refuse 1.1.0"]);
});

test("the version in production is asked for the rows of today, whatever it was released on", async () => {
  const project = await openCancer();
  onTestFinished(() => project.close());
  await project.mlship(["deploy"]);

  // The rows change: the numbers of the release are of other rows.
  const [heading = "", ...rows] = (await readFile(project.file("test_data.csv"), "utf8")).trim().split("\n");
  await writeFile(project.file("test_data.csv"), `${[heading, ...rows.slice(60)].join("\n")}\n`);
  const alone = await project.json<Report>(["validate"]);
  const accuracyOf = ({ metrics }: Report) => metrics.find(({ name }) => name === "accuracy")?.value;

  const gates = { accuracy: { maxDrop: 0.5 }, averagePrecision: { maxDrop: 0.5 } };
  await project.handOver("1.1.0", "1.1.0", validate(gates));
  const judged = await project.json<Report>(["validate"]);
  const comparison = judged.comparisons.find(({ metric }) => metric === "accuracy");
  expect(judged.baseline).toEqual({ version: "1.0.0", model: alone.model.digest });
  expect(judged.dataset).toMatchObject({ rows: rows.length - 60 });
  expect(comparison?.production).toBe(accuracyOf(alone));
  expect(comparison?.candidate).toBe(accuracyOf(judged));
  expect(judged.comparisons.find(({ metric }) => metric === "averagePrecision")).toMatchObject({
    test: "bootstrap",
    ci: { replicates: 2000 },
  });

  // The same difference drawn on one processor, without the answers that were kept.
  const { volatile: _first, ...first } = judged;
  const again = await project.start(["validate", "--json"], {}, ["taskset", "-c", "0"]).ended;
  const { volatile: _second, ...second } = JSON.parse(again.stdout) as Report;
  expect(second).toEqual(first);

  // A model that answers the opposite is stopped by the difference, too.
  await project.handle(`def postprocess(outputs, columns):
    return {"predictions": 1 - outputs["predictions"], "probabilities": outputs["probabilities"][:, ::-1]}
`);
  await project.write("1.2.0", {
    model: { handler: "handler.py" },
    ...validate({ accuracy: { maxDrop: 0.5 } }),
  });
  const { told } = await project.mlship(["deploy"], 3);
  expect(told).toContain("FAIL accuracy, change from 1.0.0");
  expect(await project.serving()).toBe("1.0.0");
});
