// `mlship diff`: versions, channels and the project as it stands, side by side.
import { beforeAll, describe, expect, test } from "vitest";
import type { DiffDocument } from "../../src/commands/diff.ts";
import { documentOf, Machine } from "./fake-host.ts";
import { clusterMachine, handOver as handOverToCluster } from "./kubernetes.ts";
import { boosterText, configText, csv, features, makeProject, rows, write } from "./project.ts";
import { handOver, serving } from "./serving.ts";

async function diffOf(machine: Machine, ...words: string[]): Promise<DiffDocument> {
  const ran = await machine.run("diff", ...words, "--json");
  expect(ran.exit, ran.stderr).toBe(0);
  return documentOf(ran) as unknown as DiffDocument;
}

describe("two releases", () => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await serving();
    await machine.run("upload", "-q");
  });

  test("a version and itself", async () => {
    const document = await diffOf(machine, "1.0.0", "production");
    expect(document).toMatchObject({
      same: true,
      from: { asked: "1.0.0", version: "1.0.0" },
      to: { asked: "production", version: "1.0.0" },
      metrics: { comparable: true, why: [], paired: false },
      signature: { changes: [], needs: "patch" },
      model: { files: [] },
      environment: { changes: [] },
      objects: null,
      code: { range: null },
    });
    expect(document.metrics.metrics.every(({ change }) => change?.value === 0)).toBe(true);
    const { stdout } = await machine.run("diff", "1.0.0", "1.0.0");
    expect(stdout).toContain("fraud 1.0.0 → 1.0.0: the same model in the same environment");
  });

  test("another model on the same rows: values, intervals and the change of each metric", async () => {
    const document = await diffOf(machine, "1.0.0", "1.1.0");
    expect(document).toMatchObject({ same: false, metrics: { comparable: true, level: 0.95 } });
    const accuracy = document.metrics.metrics.find(({ name }) => name === "accuracy")!;
    const { from, to, change } = accuracy;
    expect(change?.value).toBeCloseTo(to!.value! - from!.value!, 12);
    expect(to!.ci!.lo).toBeLessThan(to!.value!);
    expect(document.model.files.map(({ path }) => path)).toEqual(["model.json"]);
  });

  test("reads well in 60 columns", async () => {
    Object.assign(machine, { isTerminal: true, columns: 60, env: { NO_COLOR: "1" } });
    const { stdout } = await machine.run("diff", "1.0.0", "1.1.0");
    Object.assign(machine, { isTerminal: false, columns: 80, env: {} });
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(60);
    expect(stdout).toMatchInlineSnapshot(`
      "fraud 1.0.0 → 1.1.0

      metrics: on the same rows
      binary, 200 rows  1.0.0   1.1.0   change
      accuracy          0.875   1       +0.125
          0.822 … 0.9139 → 0.9812 … 1
      balancedAccuracy  0.8797  1       +0.1203
          0.8262 … 0.9145 → 0.9737 … 1
      precision         0.9457  1       +0.0543
          0.879 … 0.9766 → 0.9653 … 1
      recall            0.8131  1       +0.1869
          0.7289 … 0.8756 → 0.9653 … 1
      f1                0.8744  1       +0.1256
          0.8174 … 0.9154 → 0.9824 … 1
      rocAuc            0.966   1       +0.034
          0.9389 … 0.9814 → 0.9611 … 1
      averagePrecision  0.9715  1       +0.0285
          0.9462 … 0.9851 → 0.9611 … 1
      logLoss           0.4984  0.451   -0.0473
          0.4766 … 0.5212 → 0.4305 … 0.4725
      brier             0.1574  0.1362  -0.0212
          0.1473 … 0.1681 → 0.1272 … 0.1458
      ece               0.2503  0.3557  +0.1054
          0.1807 … 0.2962 → 0.2989 … 0.4104
      mcc               0.7599  1       +0.2401
          0.6581 … 0.8344 → 0.9611 … 1

      signature: the same

      model: xgboost, 234 B → 229 B
        - model.json: 234 B → 229 B

      environment: the same

      image: none is known

      objects: not both are served on a cluster

      code: 0123456789ab
      "
    `);
  });

  test("the change against production has an interval where the report compared them", async () => {
    const paired = await serving();
    handOver(paired, "1.2.0", "better");
    const drop = ["--set", "validate.gates.accuracy.maxDrop=0.1"];
    // Other rows than those of 1.0.0: its own numbers say nothing about these.
    write(paired.folder, { "test_data.csv": csv(features, rows(300)) });
    expect((await paired.run("upload", "-q", ...drop)).exit).toBe(0);
    const { metrics } = await diffOf(paired, "1.0.0", "1.2.0");
    expect(metrics).toMatchObject({
      comparable: false,
      why: ["they were measured on different data"],
      paired: true,
    });
    const accuracy = metrics.metrics.find(({ name }) => name === "accuracy")!;
    expect(accuracy.change?.ci?.lo).toBeLessThanOrEqual(accuracy.change!.value);
  });
});

describe("the project as it stands", () => {
  test("by its last report, without running anything; before one it says what to do", async () => {
    const machine = await serving();
    const early = await machine.run("diff", "--json");
    expect(documentOf(early)).toMatchObject({ code: "diff.not-validated", exit: 2 });
    await machine.run("validate", "-q");
    const before = machine.snapshot();
    const acts: string[] = [];
    machine.faults.onAct = (act) => acts.push(act);
    const document = await diffOf(machine);
    expect([acts, machine.snapshot()]).toEqual([[], before]);
    expect(document).toMatchObject({
      from: { asked: "production", version: "1.0.0" },
      to: { asked: ".", version: "1.1.0", release: null },
      same: false,
      environment: { changes: [] },
    });
    // What is released then is what was compared.
    await machine.run("upload", "-q");
    expect(await diffOf(machine, ".", "1.1.0")).toMatchObject({ same: true });
  });

  test("a signature that breaks is named with the version that it needs", async () => {
    const machine = await serving();
    const names = ["height", "weight"];
    write(machine.folder, {
      "model.json": boosterText({ features: names, weights: [1, 1, 0] }),
      "test_data.csv": csv(names, rows(200)),
      "mlship.yaml": configText("1.1.0"),
    });
    await machine.run("validate", "-q");
    const document = await diffOf(machine, "production", ".");
    expect(document.signature).toEqual({
      needs: "major",
      changes: [
        { kind: "break", what: 'the input "mass" is gone' },
        { kind: "break", what: 'the input "weight" is new and must be given' },
      ],
    });
    expect((await machine.run("diff")).stdout).toContain('BREAKS: the input "mass" is gone');
  });

  test("packages by mlship.lock", async () => {
    const machine = clusterMachine();
    expect((await machine.run("deploy", "-q")).exit).toBe(0);
    machine.index.versions.set("numpy", ["1.26.4", "2.1.0", "2.2.1", "2.3.0"]);
    await machine.run("lock", "--upgrade", "numpy", "-q");
    expect((await machine.run("validate", "-q")).exit).toBe(0);
    const { environment } = await diffOf(machine);
    expect(environment.changes).toEqual([{ subject: "numpy", from: "2.2.1", to: "2.3.0" }]);
  });
});

describe("on a cluster", () => {
  test("the objects that mlship.yaml would change, and nothing that every version changes", async () => {
    const machine = clusterMachine();
    expect((await machine.run("deploy", "-q")).exit).toBe(0);
    handOverToCluster(machine, "1.1.0", "better");
    await machine.run("lock", "-q");
    await machine.run("validate", "-q");
    expect((await diffOf(machine)).objects).toEqual([]);
    const { objects } = await diffOf(machine, "--set", "deploy.resources.memory=1Gi");
    expect(objects).toEqual(
      expect.arrayContaining([
        {
          object: "Deployment",
          path: "spec.template.spec.containers[server].resources.limits.memory",
          from: '"512Mi"',
          to: '"1Gi"',
        },
      ]),
    );
    const { image, code } = await diffOf(machine, "1.0.0", "1.0.0");
    expect(image.from).toMatch(/@sha256:/);
    expect(code.from?.commit).toMatch(/^[0-9a-f]{40}$/);
  });
});

test("a channel in which nothing serves, a version that there is not, a name that cannot be one", async () => {
  const machine = new Machine(makeProject());
  expect(documentOf(await machine.run("diff", "--json"))).toMatchObject({
    code: "diff.nothing-serves",
    exit: 2,
  });
  await machine.run("upload", "-q");
  expect(documentOf(await machine.run("diff", "1.0.0", "7.0.0", "--json"))).toMatchObject({
    code: "version.unknown",
    exit: 2,
  });
  expect(documentOf(await machine.run("diff", "../x", "--json"))).toMatchObject({
    code: "channel.name",
    exit: 2,
  });
});
