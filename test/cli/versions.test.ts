// What was released: listed, shown, pulled, verified, tagged, as people and programs see it.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { blobKey } from "../../src/artifacts/layout.ts";
import { digestFile } from "../../src/digest.ts";
import { documentOf, type Machine } from "./fake-host.ts";
import { handOver, serving } from "./serving.ts";

/** 1.0.0 serves in production, 1.1.0 was uploaded. */
async function released(): Promise<Machine> {
  const machine = await serving();
  expect((await machine.run("upload")).exit).toBe(0);
  return machine;
}

interface Listed {
  version: string;
  channels: string[];
  verdict: string;
  size: number;
  parent: string | null;
}

test("the list has the newest first, with what serves where", async () => {
  const machine = await released();
  const list = documentOf(await machine.run("versions", "--json"));
  expect(list).toMatchObject({ schema: "mlship.versions/v1", name: "fraud", total: 2 });
  const versions = list["versions"] as Listed[];
  expect(
    versions.map(({ version, channels, verdict, parent }) => [version, channels, verdict, parent]),
  ).toEqual([
    ["1.1.0", [], "pass", "1.0.0"],
    ["1.0.0", ["production"], "pass", null],
  ]);
  expect((await machine.run("versions", "--limit", "1")).stdout).toMatch(/^1\.1\.0\t[^\n]*\n$/);
  expect((await machine.run("versions", "list", "--all")).stdout.split("\n")).toHaveLength(3);
  machine.isTerminal = true;
  machine.env = { NO_COLOR: "1" };
  machine.columns = 60;
  const { stdout } = await machine.run("versions", "--limit", "1");
  expect(stdout).toMatch(
    /^version +when +by +verdict +size +serves in\n1\.1\.0 +\d+ \w+ ago +ada@loom +pass +\d+ B +-\n {4}accuracy 1, balancedAccuracy 1, precision 1, …\n/,
  );
  expect(stdout).toContain("1 older: mlship versions --all");
});

test("one version is shown with its report, by its number or by a channel", async () => {
  const machine = await released();
  const shown = documentOf(await machine.run("versions", "show", "production", "--json"));
  expect(shown).toMatchObject({
    schema: "mlship.details/v1",
    channels: ["production"],
    release: { version: "1.0.0" },
    report: { schema: "mlship.report/v1", verdict: "pass" },
  });
  const { stdout } = await machine.run("versions", "show", "1.1.0");
  expect(stdout).toMatch(/^version\tfraud 1\.1\.0, /);
  expect(stdout).toMatch(/\nserves\tin no channel\n/);
  expect(stdout).toMatch(/\nverdict\tpass, 1 of 1 gates pass\n/);
  expect(await machine.run("versions", "show", "9.9.9")).toMatchObject({
    exit: 2,
    stderr: expect.stringContaining("the newest there are 1.0.0, 1.1.0") as string,
  });
  expect((await machine.run("versions", "show", "staging")).stderr).toContain("the channels are production");
  expect((await machine.run("versions", "show")).stderr).toContain("the argument version is missing");
});

test("pull writes a version whole, and nothing where something is", async () => {
  const machine = await released();
  const pulled = documentOf(await machine.run("versions", "pull", "1.0.0", "--json"));
  expect(pulled).toMatchObject({ schema: "mlship.pull/v1", version: "1.0.0", files: 1 });
  const folder = path.join(machine.folder, "fraud-1.0.0");
  expect(pulled["folder"]).toBe(folder);
  expect(readdirSync(folder).sort()).toEqual([
    "bundle",
    "golden.json",
    "release.json",
    "report.json",
    "requirements.txt",
  ]);
  const release = JSON.parse(readFileSync(path.join(folder, "release.json"), "utf8")) as {
    model: { files: { path: string; sha256: string }[] };
  };
  for (const file of release.model.files)
    expect(await digestFile(path.join(folder, "bundle", file.path))).toBe(file.sha256);
  expect(await machine.run("versions", "pull", "1.0.0")).toMatchObject({
    exit: 2,
    stderr: expect.stringContaining("is there already") as string,
  });
  expect((await machine.run("versions", "pull", "1.1.0", "-o", "new/place")).exit).toBe(0);
  expect(existsSync(path.join(machine.folder, "new", "place", "bundle", "mlship.json"))).toBe(true);
});

test("a damaged version is not pulled, and verify says which object it is", async () => {
  const machine = await released();
  const whole = documentOf(await machine.run("versions", "verify", "--json"));
  expect(whole).toMatchObject({
    schema: "mlship.verification/v1",
    version: null,
    versions: 2,
    channels: 1,
    damage: [],
  });
  const { release } = documentOf(await machine.run("versions", "show", "1.1.0", "--json")) as {
    release: { model: { files: { sha256: `sha256:${string}` }[] } };
  };
  const key = blobKey(release.model.files[0]!.sha256);
  machine.store.objects.set(key, Buffer.from("other"));
  expect(await machine.run("versions", "pull", "1.1.0")).toMatchObject({ exit: 7, stdout: "" });
  expect(readdirSync(machine.folder).filter((name) => name.startsWith("fraud-"))).toEqual([]);
  const found = await machine.run("versions", "verify");
  expect(found).toMatchObject({ exit: 7, stdout: `${key}\tits bytes are not those of its name\n` });
  expect((await machine.run("versions", "verify", "1.1.0")).exit).toBe(7);
  expect((await machine.run("versions", "verify", "1.0.0")).stdout).toMatch(
    /^all is whole: 1 version, .* in\sfraud 1\.0\.0\n$/s,
  );
  expect((await machine.run("versions", "verify", "2.0.0")).exit).toBe(2);
});

test("a tag moves a channel that no target serves by, and tells why for ever", async () => {
  const machine = await released();
  const tagging = ["versions", "tag", "1.1.0", "reviewed", "--reason", "signed off"];
  expect(documentOf(await machine.run(...tagging, "--json"))).toMatchObject({
    schema: "mlship.tag/v1",
    from: null,
    version: "1.1.0",
    entry: { seq: 1, action: "tag", reason: "signed off", actor: "ada@loom" },
  });
  expect((await machine.run(...tagging)).stdout).toBe("reviewed of fraud stands for 1.1.0 already\n");
  expect((await machine.run("versions", "tag", "production", "reviewed")).stdout).toBe(
    "reviewed of fraud stands for 1.0.0, before for 1.1.0\n",
  );
  expect((await machine.run("history", "--channel", "reviewed")).stdout.split("\n")).toHaveLength(3);
  const versions = documentOf(await machine.run("versions", "--json"))["versions"] as Listed[];
  expect(versions.map(({ channels }) => channels)).toEqual([[], ["production", "reviewed"]]);
});

test("what a rollout moved is not tagged, and what was tagged can be deployed over", async () => {
  const machine = await released();
  const before = new Map(machine.store.objects);
  const refused = await machine.run("versions", "tag", "1.1.0", "production");
  expect(refused).toMatchObject({ exit: 2, stdout: "" });
  expect(refused.stderr).toContain("production of fraud is what a target serves");
  for (const [version, channel] of [
    ["1.1.0", "../x"],
    ["1.1.0", "Prod"],
    ["9.9.9", "reviewed"],
  ] as const)
    expect((await machine.run("versions", "tag", version, channel)).exit).toBe(2);
  expect(machine.store.objects).toEqual(before);
  handOver(machine, "1.1.0", "better", "environments: { staging: {} }\n");
  expect((await machine.run("versions", "tag", "1.0.0", "staging")).exit).toBe(0);
  expect((await machine.run("deploy", "-e", "staging")).exit).toBe(0);
  expect((await machine.run("history", "-e", "staging")).stdout).toMatch(
    /^2\t\S+\tpromote\t1\.1\.0\t1\.0\.0\t/,
  );
  expect((await machine.run("versions", "tag", "1.0.0", "staging")).exit).toBe(2);
});

test("a store that lets two writers win is refused by every verb that writes", async () => {
  const machine = await serving();
  machine.store.objects.delete("mlship.json");
  const before = new Map(machine.store.objects);
  machine.store.create = (key, body) => {
    if (key.startsWith("probe/")) return Promise.resolve("created");
    machine.store.objects.set(key, body as Uint8Array);
    return Promise.resolve("created");
  };
  for (const verb of [["upload"], ["deploy"], ["rollback"], ["versions", "tag", "1.0.0", "reviewed"]]) {
    const { exit, stderr } = await machine.run(...verb);
    expect({ verb, exit }).toEqual({ verb, exit: 5 });
    expect(stderr).toContain("cannot keep two writers apart");
  }
  expect(machine.store.objects).toEqual(before);
  expect((await machine.run("versions")).exit).toBe(0);
  const alone = ["--set", "artifacts.singleWriter=true"];
  const { stderr } = await machine.run("versions", "tag", "1.0.0", "reviewed", ...alone);
  expect(stderr).toMatch(/warning: memory is safe only while nobody else writes to it/);
});

test("an upload that was done before asks the store three things", async () => {
  const machine = await released();
  const asked: string[] = [];
  const { store } = machine;
  const watch =
    <Rest extends unknown[], Answer>(name: string, perform: (key: string, ...rest: Rest) => Answer) =>
    (key: string, ...rest: Rest): Answer => {
      asked.push(`${name} ${key}`);
      return perform(key, ...rest);
    };
  store.create = watch("create", store.create.bind(store));
  store.read = watch("read", store.read.bind(store));
  store.download = watch("download", store.download.bind(store));
  store.size = watch("size", store.size.bind(store));
  store.list = watch("list", store.list.bind(store));
  expect((await machine.run("upload")).exit).toBe(0);
  expect(asked).toEqual([
    "read mlship.json",
    "read models/fraud/versions/1.1.0.json",
    expect.stringMatching(/^read manifests\/sha256\//),
  ]);
});
