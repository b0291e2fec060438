// Every other verb: what it prints for people, for programs and as a document, and how it ends.
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { verbs } from "../../src/program/verbs.ts";
import { documentOf, Machine } from "./fake-host.ts";
import { boosters, boosterText, csv, emptyFolder, features, makeProject, rows, write } from "./project.ts";
import { handOver, serving } from "./serving.ts";

/** 1.0.0 and 1.1.0 were promoted, 1.2.0 was refused. */
async function withHistory(): Promise<Machine> {
  const machine = await serving();
  await machine.run("deploy", "-q");
  handOver(machine, "1.2.0", "worse");
  expect((await machine.run("deploy", "-q")).exit).toBe(3);
  handOver(machine, "1.1.0", "better");
  return machine;
}

const longest = (text: string) => Math.max(...text.split("\n").map((line) => line.length));

test("init finds model, data and target, and proposes gates that the model passes", async () => {
  const machine = new Machine(emptyFolder());
  write(machine.folder, {
    "model.json": boosterText({ features, weights: boosters.good }),
    "test_data.csv": csv(features, rows(200)),
  });
  const ran = await machine.run("init", "--name", "fraud", "--json");
  expect(ran.exit).toBe(0);
  expect(documentOf(ran)).toMatchObject({
    schema: "mlship.init/v1",
    model: "model.json",
    data: "test_data.csv",
    target: "target",
    task: "binary",
    gated: true,
  });
  const text = readFileSync(path.join(machine.folder, "mlship.yaml"), "utf8");
  expect(text).toContain("name: fraud");
  expect(documentOf(ran)["text"]).toBe(text);
  expect((await machine.run("validate")).exit).toBe(0);
  const again = await machine.run("init", "--json");
  expect(again.exit).toBe(2);
  expect(documentOf(again)).toMatchObject({ code: "init.exists" });
  expect((await machine.run("init", "--force", "--name", "tumour")).stdout).toContain("name: tumour");
});

test("init in an empty folder says what it needs, and writes nothing", async () => {
  const machine = new Machine(emptyFolder());
  const ran = await machine.run("init", "--json");
  expect(documentOf(ran)).toMatchObject({ schema: "mlship.error/v1", code: "init.no-data", exit: 2 });
  expect(machine.snapshot().files).toEqual({});
});

test("config show, with the origin of each value", async () => {
  const machine = new Machine(makeProject());
  machine.env = { MLSHIP_SERVE_TIMEOUT: "3s" };
  const shown = await machine.run("config", "show", "--set", "serve.port=9000");
  expect(shown.stdout).toContain("serve:\n  port: 9000\n  timeout: 3s\n");
  const origin = await machine.run("config", "show", "--origin", "--set", "serve.port=9000");
  expect(origin.stdout).toContain("serve.port\t9000\t--set serve.port\n");
  expect(origin.stdout).toContain("serve.timeout\t3s\tMLSHIP_SERVE_TIMEOUT\n");
  expect(origin.stdout).toContain("version\t1.0.0\tmlship.yaml:2:1\n");
  const document = documentOf(await machine.run("config", "show", "--json"));
  expect(document).toMatchObject({ schema: "mlship.config/v1", values: { serve: { port: 8080 } } });
});

test("scan of the project's model, of a file anywhere, and of what is not there", async () => {
  const machine = new Machine(makeProject());
  expect(documentOf(await machine.run("scan", "--json"))).toMatchObject({
    schema: "mlship.scan/v1",
    verdict: "safe",
  });
  const alone = new Machine(emptyFolder());
  expect(await alone.run("scan", path.join(machine.folder, "model.json"))).toMatchObject({ exit: 0 });
  const missing = await alone.run("scan", "nothing.onnx", "--json");
  expect(documentOf(missing)).toMatchObject({ code: "model.not-found", exit: 2 });
});

test("validate writes its report where it is asked to: text, JSON and Markdown say the same", async () => {
  const machine = new Machine(makeProject());
  const ran = await machine.run("validate", "-o", "out.json", "--markdown", "out.md", "--json");
  expect(ran.exit).toBe(0);
  const read = (name: string) => readFileSync(path.join(machine.folder, name), "utf8");
  expect(JSON.parse(read("out.json"))).toEqual(documentOf(ran));
  expect(documentOf(ran)).toMatchObject({ schema: "mlship.report/v1", verdict: "pass" });
  expect(read("out.md")).toContain("### mlship: fraud 1.0.0 may ship: 1 of 1 gates pass");
  const again = documentOf(await machine.run("validate", "--json"));
  expect(again["digest"]).toBe(documentOf(ran)["digest"]);
  const refused = await machine.run("validate", "--set", "validate.gates.accuracy.min=0.99");
  expect(refused.exit).toBe(3);
  expect(refused.stdout).toContain("FAIL\taccuracy\t");
});

test("upload stores once, and says so the second time", async () => {
  const machine = new Machine(makeProject());
  expect(documentOf(await machine.run("upload", "--json"))).toMatchObject({ created: true });
  const { store } = machine.snapshot();
  expect((await machine.run("upload")).stdout).toContain("memory holds fraud 1.0.0 already");
  expect(machine.snapshot().store).toEqual(store);
  expect(machine.world.calls).not.toContain("start");
  handOver(machine, "1.0.1", "worse");
  const refused = await machine.run("upload", "--json");
  expect(refused.exit).toBe(3);
  expect(documentOf(refused)).toMatchObject({ schema: "mlship.upload/v1", release: null });
});

test("rollback goes to the version before, to a named one, and nowhere when there is none", async () => {
  const machine = await withHistory();
  const back = await machine.run("rollback");
  expect(back.exit).toBe(0);
  expect(back.stdout).toContain("rolled back to 1.0.0");
  expect(machine.world.stable?.version).toBe("1.0.0");
  const named = await machine.run("rollback", "--to", "1.1.0", "--json");
  expect(documentOf(named)).toMatchObject({ schema: "mlship.rollback/v1", from: "1.0.0", serving: "1.1.0" });
  expect((await machine.run("rollback", "--to", "1.1.0")).stdout).toContain("nothing to do");
  const unknown = await machine.run("rollback", "--to", "9.9.9", "--json");
  expect(documentOf(unknown)).toMatchObject({ code: "version.unknown", exit: 2 });
  const fresh = new Machine(makeProject());
  await fresh.run("deploy", "-q");
  const nowhere = await fresh.run("rollback", "--json");
  expect(documentOf(nowhere)).toMatchObject({ code: "rollback.nothing", exit: 2 });
  expect(fresh.world.stable?.version).toBe("1.0.0");
});

test("promote and abort without a rollout say that there is none", async () => {
  const machine = new Machine(makeProject());
  await machine.run("deploy", "-q");
  const before = machine.snapshot();
  for (const wish of ["promote", "abort"]) {
    const ran = await machine.run(wish, "--json");
    expect(documentOf(ran)).toMatchObject({ code: "steer.nothing", exit: 2 });
  }
  expect(machine.snapshot()).toEqual(before);
});

test("stop asks on a terminal; elsewhere it wants --yes and names the flag", async () => {
  const machine = new Machine(makeProject());
  await machine.run("deploy", "-q");
  const unasked = await machine.run("stop");
  expect(unasked).toMatchObject({ exit: 2, stdout: "" });
  expect(unasked.stderr).toContain("--yes");
  machine.answer = false;
  expect((await machine.run("stop")).exit).toBe(2);
  expect(machine.questions).toEqual(["Stop fraud 1.0.0 on this machine, port 8080?"]);
  expect(machine.world.stable?.version).toBe("1.0.0");
  machine.answer = true;
  expect((await machine.run("stop")).stdout).toBe("stopped fraud 1.0.0 on this machine, port 8080\n");
  expect(machine.world.stable).toBeNull();
  machine.answer = null;
  expect((await machine.run("stop")).stdout).toContain("nothing of fraud serves");
  expect(documentOf(await machine.run("stop", "--yes", "--json"))).toMatchObject({ stopped: null });
  expect((await machine.run("status")).stdout).toContain("1.0.0 should serve, but nothing serves");
});

test("status and history as a person reads them, and as a program does", async () => {
  const machine = await withHistory();
  expect((await machine.run("history")).stdout).toBe(
    (documentOf(await machine.run("history", "--json"))["entries"] as Record<string, unknown>[])
      .map(({ seq, action, version, from, to, actor, reason, evidence, volatile }) => {
        const { at } = volatile as { at: string };
        const shown = JSON.stringify(evidence);
        return [seq, at, action, version, from ?? "-", to, actor, reason, shown].join("\t").concat("\n");
      })
      .join(""),
  );
  machine.isTerminal = true;
  machine.env = { NO_COLOR: "1" };
  machine.columns = 100;
  const ageless = (text: string) =>
    text.replaceAll(/\d+ (s|min|h|d) ago */g, "a while ago ").replace(/when +/, "when        ");
  expect(ageless((await machine.run("status")).stdout)).toMatchInlineSnapshot(`
    "model     fraud, channel production, this machine, port 8080
    serving   1.1.0 at http://127.0.0.1:1/predict
    last      refuse 1.2.0, a while ago by ada@loom
    why       accuracy is 0 (0–0.0188), below 0.8; classes are swapped: where the label is 0, 1; where
              1, 0 is predicted in most rows
    "
  `);
  machine.columns = 60;
  const { stdout } = await machine.run("history", "--limit", "1");
  expect(
    stdout
      .replaceAll(/\d\d:\d\d UTC, \d+ (s|min|h|d) ago/g, "12:00 UTC, a while ago")
      .replaceAll(/sha256:[0-9a-f]{12}/g, "sha256:0123456789ab"),
  ).toMatchInlineSnapshot(`
      "#3  refuse 1.2.0  1.1.0 serves on
          2026-01-01 12:00 UTC, a while ago, by ada@loom
          accuracy is 0 (0–0.0188), below 0.8; classes are
          swapped: where the label is 0, 1; where 1, 0 is
          predicted in most rows
          report sha256:0123456789ab…, model sha256:0123456789ab…,
          dataset sha256:0123456789ab…
      2 older: mlship history --all
      "
    `);
  const whole = (await machine.run("history", "--all")).stdout;
  expect(whole).toMatch(/#2 {2}promote 1\.1\.0 {2}1\.0\.0 → 1\.1\.0\n/);
  expect(whole).toMatch(/ canary requests [\d,]+, canary errors 0,\s/);
  expect((await machine.run("history", "--limit", "1", "--all")).stdout).toContain(
    "#1  promote 1.0.0  nothing → 1.0.0",
  );
  expect((await machine.run("history", "--channel", "staging")).stdout).toBe(
    "nothing has happened in channel staging of fraud yet\n",
  );
  for (const wrong of [
    ["--limit", "0"],
    ["--limit", "-3"],
    ["--limit", "many"],
    ["--channel", "../production"],
  ])
    expect(await machine.run("history", ...wrong)).toMatchObject({ exit: 2, stdout: "" });
});

test("nothing that a person reads is wider than 60 columns where words allow it", async () => {
  const machine = await withHistory();
  machine.isTerminal = true;
  machine.env = { NO_COLOR: "1" };
  machine.columns = 60;
  const lines = [
    "status",
    "history",
    "versions",
    "versions verify",
    "validate",
    "deploy --dry-run",
    "rollback",
    "rollback --to 9.9.9",
    "promote",
  ];
  for (const line of lines) {
    const { stdout, stderr } = await machine.run(...line.split(" "), "-q");
    expect({ line, isNarrow: longest(stdout + stderr) <= 60 }).toEqual({ line, isNarrow: true });
  }
});

test("with --json every verb prints exactly one document that names its schema", async () => {
  const machine = await withHistory();
  for (const { name } of verbs) {
    const { stdout } = await machine.run(...name.split(" "), "--json");
    const { schema } = JSON.parse(stdout) as { schema: string };
    expect({ name, schema }).toEqual({
      name,
      schema: expect.stringMatching(/^mlship\.[a-z]+\/v1$/) as string,
    });
  }
});
