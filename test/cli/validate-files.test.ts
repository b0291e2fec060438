// Where `mlship validate` and `mlship scan` leave what they found: files, the step's summary, annotations.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { Machine } from "./fake-host.ts";
import { makeProject } from "./project.ts";

const read = (machine: Machine, name: string) => readFileSync(path.join(machine.folder, name), "utf8");

test("every file is written, its folder made, and so it is when a gate fails", async () => {
  for (const bound of ["0.5", "1.1"]) {
    const machine = new Machine(makeProject());
    const flags = [
      "-o",
      "out/a/r.json",
      "--html",
      "out/r.html",
      "--markdown",
      "out/r.md",
      "--junit",
      "out/r.xml",
      "--sarif",
      "out/r.sarif",
    ];
    const ran = await machine.run(
      "validate",
      "-q",
      ...flags,
      "--set",
      `validate.gates.accuracy.min=${bound}`,
    );
    expect(ran.exit).toBe(bound === "0.5" ? 0 : 3);
    const { digest } = JSON.parse(read(machine, "out/a/r.json")) as { digest: string };
    for (const name of ["r.html", "r.md", "r.xml"]) expect(read(machine, `out/${name}`)).toContain(digest);
    expect(JSON.parse(read(machine, "out/r.sarif"))).toMatchObject({
      version: "2.1.0",
      runs: [{ results: [] }],
    });
    expect(readdirSync(path.join(machine.folder, "out")).toSorted()).toEqual([
      "a",
      "r.html",
      "r.md",
      "r.sarif",
      "r.xml",
    ]);
  }
});

test("a file that cannot be written is told before anything is scored, all at once", async () => {
  const machine = new Machine(makeProject());
  mkdirSync(path.join(machine.folder, "folder"));
  const steps: string[] = [];
  machine.onStep = (title) => void steps.push(title);
  const ran = await machine.run(
    "validate",
    "--html",
    "folder",
    "--junit",
    "/dev/null",
    "-o",
    "r",
    "--markdown",
    "./r",
    "--sarif",
    "mlship.yaml/x",
  );
  expect(ran.exit).toBe(2);
  expect(steps).toEqual([]);
  expect(ran.stderr.replaceAll(/\s+/g, " ")).toContain("--html folder: it is a folder");
  expect(ran.stderr).toContain("--junit /dev/null: it is no file, but a device or a pipe");
  expect(ran.stderr).toContain("--markdown and --output name the same file, ./r");
  expect(ran.stderr).toContain("--sarif mlship.yaml/x: a part of its path is a file");
  expect(existsSync(path.join(machine.folder, "r"))).toBe(false);
});

test("a link to a file stays a link, and what was in the file is replaced", async () => {
  const machine = new Machine(makeProject());
  writeFileSync(path.join(machine.folder, "real.md"), "old");
  symlinkSync("real.md", path.join(machine.folder, "link.md"));
  expect((await machine.run("validate", "--markdown", "link.md")).exit).toBe(0);
  expect(read(machine, "real.md")).toContain("<!-- mlship:report -->");
  expect(read(machine, "link.md")).toBe(read(machine, "real.md"));
});

function inActions(machine: Machine): Machine {
  machine.env = {
    GITHUB_ACTIONS: "true",
    GITHUB_WORKSPACE: path.dirname(machine.folder),
    GITHUB_STEP_SUMMARY: path.join(machine.folder, "summary.md"),
  };
  return machine;
}

test("in GitHub Actions the summary holds the report, and annotations stand on the lines of mlship.yaml", async () => {
  const machine = inActions(new Machine(makeProject()));
  const file = path.join(machine.folder, "mlship.yaml");
  const text = readFileSync(file, "utf8").replace(
    "accuracy: { min: 0.8 }",
    "accuracy: { min: 1.1 }\n    recall: { min: 0.2 }\n  slices:\n    - height > 0\n    - { where: mass > 0, name: heavy }",
  );
  writeFileSync(file, text);
  const ran = await machine.run("validate", "-q", "--json");
  expect(ran.exit).toBe(3);
  const line = (wanted: string) => 1 + text.split("\n").findIndex((one) => one.includes(wanted));
  const place = (wanted: string) => `file=${path.basename(machine.folder)}/mlship.yaml,line=${line(wanted)},`;
  const annotations = ran.stderr.split("\n").filter((one) => one.startsWith("::"));
  const of = (id: string) => annotations.find((one) => one.includes(`title=mlship%3A ${id}::`));
  expect(of("accuracy.min")).toContain(place("accuracy:"));
  expect(of("accuracy.min[height > 0]")).toContain(place("- height > 0"));
  expect(of("accuracy.min[heavy]")).toContain(place("name: heavy"));
  expect(of("recall.min")).toBeUndefined();
  expect(JSON.parse(ran.stdout)).toMatchObject({ schema: "mlship.report/v1" });
  expect(read(machine, "summary.md")).toMatch(/^<!-- mlship:report -->/);
});

test("a gate of a flag has no line, and outside of Actions there are no annotations", async () => {
  const machine = inActions(new Machine(makeProject()));
  const flags = ["--set", "validate.gates.accuracy.min=1.1"];
  const ran = await machine.run("validate", ...flags);
  expect(ran.stderr).toContain("\n::error title=mlship%3A accuracy.min::");
  machine.env = {};
  expect((await machine.run("validate", ...flags)).stderr).not.toContain("::error");
});

test("a summary that is full or cannot be written fails nothing", async () => {
  const machine = inActions(new Machine(makeProject()));
  writeFileSync(path.join(machine.folder, "summary.md"), "x".repeat(1024 * 1024));
  const full = await machine.run("validate");
  expect([full.exit, full.stderr]).toEqual([0, expect.stringContaining("it would be above 1 MiB")]);
  machine.env = { ...machine.env, GITHUB_STEP_SUMMARY: machine.folder };
  const folder = await machine.run("validate");
  expect([folder.exit, folder.stderr]).toEqual([
    0,
    expect.stringContaining("the step's summary was not written"),
  ]);
});

test("an unsafe model leaves its findings as SARIF, from scan and from validate", async () => {
  const machine = new Machine(makeProject());
  // The opcodes name posix.system; nothing is loaded to find that out.
  writeFileSync(
    path.join(machine.folder, "model.pkl"),
    Buffer.from("\x80\x04cposix\nsystem\n(X\x02\x00\x00\x00hitR.", "latin1"),
  );
  const scanned = await machine.run("scan", "model.pkl", "--sarif", "scan.sarif");
  expect(scanned.exit).toBe(3);
  const { runs } = JSON.parse(read(machine, "scan.sarif")) as {
    runs: { results: { message: { text: string } }[] }[];
  };
  expect(runs[0]!.results[0]!.message.text).toContain("posix.system");
  expect(read(machine, "scan.sarif")).toContain('"uri": "model.pkl"');
  const judged = await machine.run(
    "validate",
    "--set",
    "model.path=model.pkl",
    "--sarif",
    "validate.sarif",
    "-o",
    "r.json",
  );
  expect(judged.exit).toBe(3);
  expect(read(machine, "validate.sarif")).toBe(read(machine, "scan.sarif"));
  expect(existsSync(path.join(machine.folder, "r.json"))).toBe(false);
});

test("what the project says of its model counts for the SARIF of validate as for that of scan", async () => {
  const machine = new Machine(makeProject());
  mkdirSync(path.join(machine.folder, "own"));
  writeFileSync(path.join(machine.folder, "own", "words.txt"), "any file is the handler's business");
  writeFileSync(path.join(machine.folder, "own", "words.py"), "");
  writeFileSync(path.join(machine.folder, "handler.py"), "def load(folder): ...\ndef predict(m, x): ...\n");
  const flags = [
    "--set",
    "model.path=own",
    "--set",
    "model.format=python",
    "--set",
    "model.handler=handler.py",
  ];
  for (const verb of ["scan", "validate"]) {
    await machine.run(verb, ...flags, "--sarif", `${verb}.sarif`);
    expect(JSON.parse(read(machine, `${verb}.sarif`))).toMatchObject({
      runs: [{ results: [], properties: { format: "python" } }],
    });
  }
});

test("what a killed command left is removed, that of a living one and of another machine stays", async () => {
  const machine = new Machine(makeProject());
  const staging = path.join(machine.folder, ".mlship", "staging");
  const now = machine.world.clock.now().getTime();
  const leave = (name: string, hours: number) => {
    mkdirSync(path.join(staging, name, "bundle"), { recursive: true });
    utimesSync(path.join(staging, name), new Date(now), new Date(now - hours * 3600 * 1000));
    return name;
  };
  const nonce = "00000000-0000-4000-8000-00000000abcd";
  leave(`1717-loom-${nonce}`, 0);
  leave(`1717-far-away-${nonce}`, 25);
  const kept = [
    leave(`4242-loom-${nonce}`, 0),
    leave(`1717-far-away-${nonce.replace("a", "b")}`, 23),
    leave(nonce, 0),
  ];
  expect((await machine.run("validate", "-q")).exit).toBe(0);
  expect(readdirSync(staging).toSorted()).toEqual(kept.toSorted());
});
