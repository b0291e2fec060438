// `mlship deploy` to a cluster: image, registry, store, served document, rollout; each made once.
import { expect, test } from "vitest";
import { MlshipError } from "../../src/errors.ts";
import { readServed } from "../../src/cluster/served-document.ts";
import { documentOf } from "./fake-host.ts";
import { clusterMachine, handOver } from "./kubernetes.ts";

test("the first version: judged, built, pushed, stored with how it is served, started, promoted", async () => {
  const machine = clusterMachine();
  const ran = await machine.run("deploy", "--json");
  expect(ran.exit, ran.stderr).toBe(0);
  const document = documentOf(ran);
  const reference = expect.stringMatching(/^registry\.example\/fraud@sha256:/) as string;
  expect(document).toMatchObject({
    place: "context lab, namespace ml",
    image: reference,
    serving: "1.0.0",
    rollout: { outcome: "promoted", golden: { flips: 0 } },
  });
  const key = [...machine.store.objects.keys()].find((name) => name.includes("/served/")) ?? "";
  expect(key).toBe("models/fraud/served/1.0.0/production/0000000001.json");
  const served = readServed(JSON.parse(Buffer.from(machine.store.objects.get(key) ?? "").toString()));
  expect(served).toMatchObject({ image: document["image"], release: document["release"], version: "1.0.0" });
  expect(served.digest).toBe(document["served"]);
  expect(machine.served.get(machine.world.stable?.id ?? "")).toMatchObject({ image: document["image"] });
  expect(machine.docker.builds).toHaveLength(1);
  expect(ran.stderr.match(/- score /g)).toHaveLength(1);
});

test("a second run of the same finds all of it there and does nothing", async () => {
  const machine = clusterMachine();
  await machine.run("deploy", "-q");
  const { writes } = machine.registry;
  const [pushes, objects] = [writes.length, machine.store.objects.size];
  const again = await machine.run("deploy");
  expect(again.exit, again.stderr).toBe(0);
  expect(again.stdout).toContain("serves already");
  expect(again.stderr).toContain("nothing to build or push");
  expect([machine.docker.builds.length, writes.length, machine.store.objects.size]).toEqual([
    1,
    pushes,
    objects,
  ]);
});

test("a changed configuration is a new revision of the same image, and gets its canary", async () => {
  const machine = clusterMachine();
  await machine.run("deploy", "-q");
  const before = machine.world.stable;
  const ran = await machine.run("deploy", "--set", "deploy.resources.memory=1Gi", "--json");
  expect(ran.exit, ran.stderr).toBe(0);
  expect(documentOf(ran)).toMatchObject({
    plan: { kind: "canary", to: { version: "1.0.0", release: before?.release } },
    rollout: { outcome: "promoted" },
  });
  expect(machine.world.stable?.id).not.toBe(before?.id);
  expect(machine.docker.builds).toHaveLength(1);
});

test("a change of the canary's steps alone is no other revision", async () => {
  const machine = clusterMachine();
  await machine.run("deploy", "-q");
  const ran = await machine.run("deploy", "--set", "deploy.canary.steps=[10]");
  expect(ran.stdout).toContain("serves already");
});

test("--dry-run says what would be made, and makes none of it", async () => {
  const machine = clusterMachine();
  const planned = await machine.run("deploy", "--dry-run");
  expect(planned.exit, planned.stderr).toBe(0);
  expect(planned.stdout).toMatchInlineSnapshot(`
    "plan for fraud 1.0.0 to context lab, namespace ml
      1. pin base image and packages in mlship.lock
      2. build the image and try it out
      3. push it to registry.example/fraud:1.0.0
      4. store fraud 1.0.0 in memory
      5. start all servers of 1.0.0 without traffic
      6. replay the golden rows through it and compare every answer
      7. let 1.0.0 serve
    nothing was stored or started: this was a dry run
    "
  `);
  expect(machine.docker.builds).toEqual([]);
  expect(machine.registry.writes).toEqual([]);
  expect(machine.store.objects.size).toBe(0);
  expect(machine.world.record).toBeNull();
  await machine.run("deploy", "-q");
  handOver(machine, "1.0.0", "good");
  const again = documentOf(await machine.run("deploy", "--dry-run", "--json"));
  expect(again).toMatchObject({
    plan: { kind: "none" },
    before: [expect.stringMatching(/^take registry\.example\/fraud@sha256:.*, which is in the registry$/)],
  });
});

test("without image.repository it says so before anything is done", async () => {
  const machine = clusterMachine();
  const ran = await machine.run("deploy", "--json", "--set", "image.repository=");
  expect(ran.exit).toBe(2);
  expect(machine.docker.builds).toEqual([]);
});

test.each([
  ["a store that is no bucket", []],
  [
    "a key that they do not have",
    ["artifacts.store=s3://acme/fraud", "artifacts.encryption.kmsKey=alias/acme"],
  ],
])("pods that would fetch the model, and %s: said before a model is judged", async (_what, keys) => {
  const machine = clusterMachine();
  const flags = ["image.delivery=s3", ...keys].flatMap((key) => ["--set", key]);
  const ran = await machine.run("deploy", ...flags);
  expect(ran.exit).toBe(2);
  expect(ran.stderr).toContain("pods cannot fetch the model");
  expect(ran.stderr).not.toContain("score");
  expect(machine.docker.builds).toEqual([]);
});

test("a refused model: exit 3, nothing built", async () => {
  const machine = clusterMachine();
  handOver(machine, "1.0.0", "worse");
  const ran = await machine.run("deploy");
  expect(ran.exit).toBe(3);
  expect([machine.docker.builds, machine.registry.writes]).toEqual([[], []]);
});

test("without rights it says so before a model is judged, in a dry run as well", async () => {
  const machine = clusterMachine();
  machine.world.denial = new MlshipError({
    code: "preflight.rights",
    what: "you may not create jobs in namespace ml",
    exit: "unavailable",
  });
  for (const words of [["deploy"], ["deploy", "--dry-run"]]) {
    const ran = await machine.run(...words);
    expect(ran.exit).toBe(5);
    expect(ran.stderr).toContain("you may not create jobs");
    expect(ran.stderr).not.toContain("score");
  }
  expect([machine.docker.builds, machine.registry.writes]).toEqual([[], []]);
});
