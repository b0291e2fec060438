// `--bump`: which version comes next, why, and what becomes of mlship.yaml; and versions that promise what is not so.
import { readFileSync, statSync, symlinkSync, renameSync, chmodSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { documentOf, Machine } from "./fake-host.ts";
import { boosters, boosterText, configText, csv, features, makeProject, rows, write } from "./project.ts";
import { handOver, serving } from "./serving.ts";

const yaml = (machine: Machine) => readFileSync(path.join(machine.folder, "mlship.yaml"), "utf8");
const told = (ran: Parameters<typeof documentOf>[0]) =>
  documentOf(ran) as {
    bump: { kind: string; from: string; version: string; why: { weight: string; what: string }[] };
    release: { version: string } | null;
  };

/** What is stored of releases. */
const stored = (machine: Machine) =>
  [...machine.store.objects.keys()].filter((key) => /^(blobs|manifests|models)\//.test(key)).toSorted();

/** Another model on the same columns. */
function retrain(machine: Machine, booster: keyof typeof boosters): void {
  write(machine.folder, { "model.json": boosterText({ features, weights: boosters[booster] }) });
}

/** A model that takes one input more, which every row has. */
function widen(machine: Machine, version: string): void {
  const names = [...features, "age"];
  write(machine.folder, {
    "model.json": boosterText({ features: names, weights: [1, 1, 1, 0] }),
    "test_data.csv": csv(names, rows(200, 3)),
    "mlship.yaml": configText(version),
  });
}

describe("--bump auto", () => {
  test("the first release keeps the version that mlship.yaml names", async () => {
    const machine = new Machine(makeProject());
    const before = yaml(machine);
    const ran = await machine.run("upload", "--bump", "auto", "--json");
    expect(ran.exit, ran.stderr).toBe(0);
    expect(told(ran)).toMatchObject({
      bump: { kind: "first", version: "1.0.0" },
      release: { version: "1.0.0" },
    });
    expect(yaml(machine)).toBe(before);
  });

  test("another model is a minor version: released, written, and served", async () => {
    const machine = new Machine(makeProject());
    await machine.run("deploy", "-q");
    retrain(machine, "better");
    const ran = await machine.run("deploy", "--bump", "auto");
    expect(ran.exit, ran.stderr).toBe(0);
    expect(ran.stderr).toContain("version 1.1.0: after 1.0.0");
    expect(ran.stderr).toContain("minor: the model's files differ");
    expect(ran.stderr).toContain("wrote version: 1.1.0 to mlship.yaml");
    expect(machine.world.stable?.version).toBe("1.1.0");
    expect(yaml(machine)).toBe(configText("1.1.0"));
    const again = await machine.run("deploy", "--bump", "auto");
    expect(again).toMatchObject({ exit: 0, stdout: expect.stringContaining("serves already") as string });
    expect(again.stderr).toContain("nothing to release: 1.1.0 is this very model");
  });

  test("comments, quotes, line ends, links and rights of mlship.yaml stay as they were", async () => {
    const machine = new Machine(makeProject());
    await machine.run("upload", "-q");
    retrain(machine, "better");
    const text = `\uFEFF# ours\r\n${configText("'1.0.0'   # the next one").replaceAll("\n", "\r\n")}`;
    const real = path.join(machine.folder, "real.yaml");
    write(machine.folder, { "mlship.yaml": text });
    renameSync(path.join(machine.folder, "mlship.yaml"), real);
    chmodSync(real, 0o640);
    symlinkSync("real.yaml", path.join(machine.folder, "mlship.yaml"));
    const ran = await machine.run("upload", "--bump", "auto");
    expect(ran.exit, ran.stderr).toBe(0);
    expect(readFileSync(real, "utf8")).toBe(text.replace("'1.0.0'", "'1.1.0'"));
    expect(statSync(real).mode & 0o777).toBe(0o640);
  });

  test("a version that mlship.yaml names and that fits is taken, so nothing is raised twice", async () => {
    const machine = await serving();
    const ran = await machine.run("upload", "--bump", "auto", "--json");
    expect(told(ran)).toMatchObject({
      bump: { kind: "kept", version: "1.1.0" },
      release: { version: "1.1.0" },
    });
  });

  test("a CI system that commits nothing goes on from the newest release", async () => {
    const machine = new Machine(makeProject());
    await machine.run("upload", "-q");
    for (const [booster, version] of [
      ["better", "1.1.0"],
      ["other", "1.2.0"],
    ] as const) {
      handOver(machine, "1.0.0", booster);
      const ran = await machine.run("upload", "--bump", "auto", "--json");
      expect(told(ran).release?.version).toBe(version);
    }
    handOver(machine, "1.0.0", "other");
    const same = await machine.run("upload", "--bump", "auto", "--json");
    expect(told(same)).toMatchObject({ bump: { kind: "same", version: "1.2.0" }, created: false });
    expect(yaml(machine)).toContain("version: 1.2.0\n");
  });

  test("an input more that must be given is a major version", async () => {
    const machine = new Machine(makeProject());
    await machine.run("upload", "-q");
    widen(machine, "1.0.0");
    const ran = await machine.run("upload", "--bump", "auto", "--json");
    expect(ran.exit, ran.stderr).toBe(0);
    expect(told(ran).bump).toMatchObject({
      version: "2.0.0",
      why: [
        { weight: "major", what: 'the input "age" is new and must be given' },
        { weight: "minor", what: "the model's files differ" },
      ],
    });
  });

  test("a dry run says it and writes nothing; a model that a gate refuses neither", async () => {
    const machine = await serving();
    handOver(machine, "1.0.0", "better");
    const before = stored(machine);
    const dry = await machine.run("deploy", "--bump", "auto", "--dry-run", "--json");
    expect(dry.exit, dry.stderr).toBe(0);
    expect(documentOf(dry)).toMatchObject({ version: "1.1.0", bump: { kind: "raised", from: "1.0.0" } });
    expect(yaml(machine)).toBe(configText("1.0.0"));
    expect(stored(machine)).toEqual(before);
    handOver(machine, "1.0.0", "worse");
    const refused = await machine.run("deploy", "--bump", "auto", "--json");
    expect(refused.exit).toBe(3);
    expect(yaml(machine)).toBe(configText("1.0.0"));
    const { stdout } = await machine.run("history");
    expect(stdout).toContain("refuse\t1.1.0");
  });

  test("what mlship.yaml does not decide cannot be raised: said before any work", async () => {
    const machine = await serving();
    const flag = await machine.run("upload", "--bump", "auto", "--set", "version=1.5.0", "--json");
    expect(documentOf(flag)).toMatchObject({ code: "version.overridden", exit: 2 });
    machine.env = { MLSHIP_VERSION: "1.5.0" };
    expect(documentOf(await machine.run("upload", "--bump", "auto", "--json"))).toMatchObject({
      code: "version.overridden",
      why: "the variable MLSHIP_VERSION sets it",
    });
    machine.env = {};
    write(machine.folder, { "mlship.yaml": configText(">-\n  1.1.0") });
    const block = await machine.run("upload", "--bump", "auto", "--json");
    expect(documentOf(block)).toMatchObject({ code: "version.not-plain", exit: 2 });
    expect(block.stderr).not.toContain("score");
  });

  test("a file that was changed meanwhile is left alone, and the release told", async () => {
    const machine = await serving();
    handOver(machine, "1.0.0", "better");
    machine.onStep = (title) => {
      if (title.startsWith("store"))
        write(machine.folder, { "mlship.yaml": `${configText("1.0.0")}# mine\n` });
    };
    const ran = await machine.run("upload", "--bump", "auto", "--json");
    expect(documentOf(ran)).toMatchObject({ code: "version.unwritten", exit: 7 });
    expect(yaml(machine)).toContain("# mine");
    machine.onStep = () => {};
    const again = await machine.run("upload", "--bump", "auto", "--json");
    expect(told(again)).toMatchObject({ bump: { kind: "same", version: "1.1.0" } });
    expect(yaml(machine)).toBe(`${configText("1.1.0")}# mine\n`);
  });
});

test("killed at any write to the store, the same command finishes with the same number", async () => {
  const first = await serving();
  handOver(first, "1.0.0", "better");
  await first.run("validate", "-q");
  for (let nth = 1, wasKilled = true; wasKilled; nth += 1) {
    const machine = first.twin();
    let writes = 0;
    machine.store.pause = () =>
      (writes += 1) === nth ? Promise.reject(new Error("killed")) : Promise.resolve();
    wasKilled = (await machine.run("upload", "-q", "--bump", "auto")).exit !== 0;
    if (wasKilled) expect(yaml(machine)).toBe(configText("1.0.0"));
    machine.store.pause = () => Promise.resolve();
    const again = await machine.run("upload", "--bump", "auto", "--json");
    expect(told(again).release?.version).toBe("1.1.0");
    expect(yaml(machine)).toBe(configText("1.1.0"));
    expect(stored(machine).filter((key) => key.includes("/versions/"))).toHaveLength(2);
    expect(nth).toBeLessThan(60);
  }
}, 120_000);

describe("--bump LEVEL", () => {
  test.each([
    ["patch", "1.0.1"],
    ["minor", "1.1.0"],
    ["major", "2.0.0"],
  ])("%s is %s after 1.0.0, and again when it is run again", async (level, version) => {
    const machine = await serving();
    handOver(machine, "1.0.0", "better");
    for (const created of [true, false]) {
      const ran = await machine.run("upload", "--bump", level, "--json");
      expect(ran.exit, ran.stderr).toBe(0);
      expect(documentOf(ran)).toMatchObject({ release: { version }, created });
    }
  });

  test("a level that does not say what changed is refused, and nothing is stored or written", async () => {
    const machine = new Machine(makeProject());
    await machine.run("upload", "-q");
    widen(machine, "1.0.0");
    const before = stored(machine);
    const ran = await machine.run("upload", "--bump", "minor", "--json");
    expect(documentOf(ran)).toMatchObject({ code: "version.meaning", exit: 2 });
    expect(yaml(machine)).toBe(configText("1.0.0"));
    expect(stored(machine)).toEqual(before);
  });
});

describe("a version without the flag", () => {
  test.each(["upload", "deploy", "deploy --dry-run"])(
    "%s refuses a break under a minor number",
    async (line) => {
      const machine = new Machine(makeProject());
      await machine.run("upload", "-q");
      widen(machine, "1.3.0");
      const before = stored(machine);
      const ran = await machine.run(...line.split(" "), "--json");
      expect(documentOf(ran)).toMatchObject({
        code: "version.meaning",
        what: "fraud 1.3.0 does not say by its number what it changes for callers of 1.0.0",
        why: "it would break them, which only a higher major number says",
        fix: "set version: 2.0.0 in mlship.yaml, or let --bump auto do it",
        problems: [{ what: 'the input "age" is new and must be given' }],
        exit: 2,
      });
      expect(stored(machine)).toEqual(before);
      expect(machine.world.calls).not.toContain("start");
    },
  );

  test("a released version is refused for another model before anything is sent", async () => {
    const machine = await serving();
    handOver(machine, "1.0.0", "better");
    const before = stored(machine);
    const ran = await machine.run("upload", "--json");
    expect(documentOf(ran)).toMatchObject({
      code: "version.exists",
      why: "the model's files differ",
      exit: 2,
    });
    expect(stored(machine)).toEqual(before);
  });

  test("an older line may be corrected", async () => {
    const machine = new Machine(makeProject());
    await machine.run("upload", "-q");
    widen(machine, "2.0.0");
    await machine.run("upload", "-q");
    write(machine.folder, { "test_data.csv": csv(features, rows(200)) });
    handOver(machine, "1.0.1", "better");
    const ran = await machine.run("upload", "--json");
    expect(documentOf(ran)).toMatchObject({ release: { version: "1.0.1" }, created: true });
  });
});
