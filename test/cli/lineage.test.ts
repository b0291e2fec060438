// What a release names beside its model: the lock, the image that was pushed, the objects that serve it.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { releaseSchema } from "../../src/artifacts/release.ts";
import { MlshipError } from "../../src/errors.ts";
import { documentOf, Machine } from "./fake-host.ts";
import { clusterMachine, handOver } from "./kubernetes.ts";
import { makeProject } from "./project.ts";

type Ran = Parameters<typeof documentOf>[0];
const released = (ran: Ran) => releaseSchema.parse(documentOf(ran)["release"]);
/** The release that a deploy stored. */
const storedRelease = (machine: Machine) => {
  const key = [...machine.store.objects.keys()].find((name) => name.startsWith("manifests/")) ?? "";
  return releaseSchema.parse(JSON.parse(Buffer.from(machine.store.objects.get(key)!).toString()));
};
const image = /^registry\.example\/fraud@sha256:[0-9a-f]{64}$/;
const textOf = (machine: Machine, { sha256 }: { sha256: string }) => {
  const hex = sha256.slice("sha256:".length);
  return Buffer.from(machine.store.objects.get(`blobs/sha256/${hex.slice(0, 2)}/${hex}`)!).toString();
};

test("a deploy's release names the lock, the image and the objects that it was served by", async () => {
  const machine = clusterMachine();
  const ran = await machine.run("deploy", "--json");
  expect(ran.exit, ran.stderr).toBe(0);
  const release = storedRelease(machine);
  expect(release.image).toMatchObject({ reference: documentOf(ran)["image"], model: null });
  expect(textOf(machine, release.lock!.file)).toContain('"schema": "mlship.lock/v1"');
  const { channel, set } = release.manifests!;
  expect([channel, set.files.map(({ path }) => path)]).toEqual([
    "production",
    expect.arrayContaining(["deployment.yaml", "service.yaml"]),
  ]);
  const deployment = textOf(
    machine,
    set.files.find(({ path }) => path === "deployment.yaml")!,
  );
  expect(deployment).toContain(`image: ${release.image?.reference}`);
  expect(deployment).toContain(`name: ${machine.world.stable?.id}\n`);
});

test("build, push, upload: the release names the image that was pushed, from any machine", async () => {
  const machine = clusterMachine();
  for (const verb of ["build", "push"]) expect((await machine.run(verb)).exit).toBe(0);
  const ran = await machine.run("upload", "--json");
  expect(ran.exit, ran.stderr).toBe(0);
  const release = released(ran);
  expect(release.image?.reference).toMatch(image);
  expect(textOf(machine, release.manifests!.set.files[0]!)).not.toBe("");
  const deployed = await machine.run("deploy", "--json");
  expect(deployed.exit, deployed.stderr).toBe(0);
  expect(documentOf(deployed)).toMatchObject({ image: release.image?.reference, release: release.digest });
});

test("a machine that neither built nor has Docker deploys the image that the release names", async () => {
  const machine = clusterMachine();
  for (const verb of ["build", "push", "upload"]) expect((await machine.run(verb, "-q")).exit).toBe(0);
  rmSync(join(machine.folder, ".mlship", "images"), { recursive: true });
  machine.docker.isMissing = true;
  const ran = await machine.run("deploy", "--json");
  expect(ran.exit, ran.stderr).toBe(0);
  expect(documentOf(ran)).toMatchObject({ image: storedRelease(machine).image?.reference, serving: "1.0.0" });
  expect(ran.stderr).toContain("nothing to build or push");
});

test("before a push there is no image, and without mlship.lock no lock", async () => {
  const early = clusterMachine();
  await early.run("build", "-q");
  const before = released(await early.run("upload", "--json"));
  expect(before).not.toHaveProperty("image");
  expect(before).not.toHaveProperty("manifests");
  expect(before.lock?.digest).toMatch(/^sha256:/);

  const plain = new Machine(makeProject());
  expect(released(await plain.run("upload", "--json"))).not.toHaveProperty("lock");
});

test("an image of another model under the same tag is not this release's", async () => {
  const machine = clusterMachine();
  for (const verb of ["build", "push"]) await machine.run(verb, "-q");
  handOver(machine, "1.0.0", "better");
  await machine.run("lock", "-q");
  const ran = await machine.run("upload", "--json");
  expect(ran.exit, ran.stderr).toBe(0);
  expect(released(ran)).not.toHaveProperty("image");
  expect(ran.stderr).toContain("registry.example/fraud:1.0.0 is of another model");
});

test("deploy refuses a release that names another image: exit 2, nothing is started", async () => {
  const machine = clusterMachine();
  for (const verb of ["build", "push"]) await machine.run(verb, "-q");
  const { image: named } = released(await machine.run("upload", "--json"));
  // Another repository, where the tag is free, and another plan, whose image has other bytes.
  machine.docker.environment = () => "other bytes";
  const other = ["--set", "image.repository=registry.example/other", "--set", "serve.timeout=7s"];
  const ran = await machine.run("deploy", "--json", ...other);
  expect(documentOf(ran)).toMatchObject({ code: "release.other-image", exit: 2 });
  expect(documentOf(ran)["why"]).toContain(named?.reference);
  expect(machine.world.stable).toBeNull();
  // The same image in another registry is the same image.
  expect(
    (await machine.run("deploy", "--json", "--set", "image.repository=registry.example/mirror")).exit,
  ).toBe(0);
});

test("a registry that cannot be asked is told, and the release is stored without an image", async () => {
  const machine = clusterMachine();
  for (const verb of ["build", "push"]) await machine.run(verb, "-q");
  const refusal = new MlshipError({ code: "registry.denied", what: "no entry", exit: "unavailable" });
  Object.assign(machine.registry, { manifest: () => Promise.reject(refusal) });
  const ran = await machine.run("upload", "--json");
  expect(ran.exit, ran.stderr).toBe(0);
  expect(released(ran)).not.toHaveProperty("image");
  expect(ran.stderr).toContain("the release names no image: no entry");
});
