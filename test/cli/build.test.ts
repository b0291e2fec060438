// `mlship build` without Docker: what is built, kept, built again, refused; and that nothing half done stays.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeEach, expect, test } from "vitest";
import { digestBytes } from "../../src/digest.ts";
import { parseReference } from "../../src/image/oci/reference.ts";
import { documentOf, Machine } from "./fake-host.ts";
import { boosters, boosterText, configText, features, makeProject, write } from "./project.ts";

let machine: Machine;

beforeEach(() => {
  machine = new Machine(makeProject());
  const config = Buffer.from(JSON.stringify({ os: "linux", architecture: "amd64", config: {} }));
  machine.registry.blobs.set("docker.io/library/python", new Map([[digestBytes(config), config]]));
  const manifest = { config: { digest: digestBytes(config) }, layers: [{ size: 42 }] };
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const reference = parseReference("python:3.12-slim");
  machine.registry.put(reference, "3.12-slim", mediaType, Buffer.from(JSON.stringify(manifest)));
});

/** What lies in `.mlship/images`: folders of images, pointer, and what should not be there. */
const kept = () => {
  const folder = path.join(machine.folder, ".mlship/images");
  return existsSync(folder) ? readdirSync(folder).toSorted() : [];
};
const imageFile = () => path.join(machine.folder, ".mlship/images", kept()[0] ?? "", "image.json");
/** Neither containers, nor images, nor folders of a build that is over. */
const nothingLeft = () => {
  expect([...machine.docker.left]).toEqual([]);
  expect(kept().filter((name) => !/^([0-9a-f]{16}|latest\.json)$/.test(name))).toEqual([]);
};

test("builds, tries out, keeps, and does not build the same plan again", async () => {
  const first = await machine.run("build", "--json");
  expect(first.exit, first.stderr).toBe(0);
  const document = documentOf(first);
  expect(document).toMatchObject({
    schema: "mlship.image/v1",
    name: "fraud",
    version: "1.0.0",
    images: [
      {
        platform: "linux/amd64",
        selfTest: { parity: { flips: 0 }, drain: { lost: 0, exitCode: 0 }, rss: 50_000_000 },
      },
    ],
  });
  expect(JSON.parse(readFileSync(imageFile(), "utf8"))).toEqual(document);
  expect(machine.docker.started).toMatchObject([{ memory: 512 * 2 ** 20, port: 8080 }]);
  nothingLeft();
  const second = await machine.run("build", "--json");
  expect(second.stderr).toContain("nothing to build");
  expect(documentOf(second)).toEqual(document);
  expect(machine.docker.builds).toHaveLength(1);
});

test("prints the digest and the layers for a person", async () => {
  const { stdout } = await machine.run("build");
  expect(stdout).toMatch(/fraud 1\.0\.0 sha256:[0-9a-f]{64}/);
  for (const layer of ["base", "environment", "server", "model", "runtime"]) expect(stdout).toContain(layer);
});

test("a model that fails its gates is not built", async () => {
  write(machine.folder, { "model.json": boosterText({ features, weights: boosters.worse }) });
  const { exit, stderr } = await machine.run("build");
  expect(exit).toBe(3);
  expect(stderr).toContain("did not pass validation");
  expect(machine.docker.builds).toEqual([]);
});

test("without an engine nothing is built, exit 5", async () => {
  machine.docker.isMissing = true;
  const { exit, stderr } = await machine.run("build");
  expect(exit).toBe(5);
  expect(stderr).toContain("there is no Docker Engine");
  expect(machine.docker.builds).toEqual([]);
});

test.each<[string, (machine: Machine) => void, number, string]>([
  ["answers that moved", ({ docker }) => (docker.shift = 0.01), 3, "does not answer what was validated"],
  ["an end by force", ({ docker }) => (docker.exitCode = null), 3, "had to be killed"],
  [
    "an early end",
    ({ docker }) => {
      docker.isReady = false;
      docker.state = { running: false, exitCode: 1, outOfMemory: false };
    },
    3,
    "its last line",
  ],
])("%s keeps the image from being kept", async (_name, spoil, code, words) => {
  spoil(machine);
  const { exit, stderr } = await machine.run("build");
  expect(exit, stderr).toBe(code);
  expect(stderr.replaceAll(/\s+/g, " ")).toContain(words);
  expect(kept()).toEqual([]);
  nothingLeft();
});

test("an image that is too large is refused, also when it was built under a larger limit", async () => {
  const small = ["build", "--set", "image.maxSize=1kB"];
  expect((await machine.run(...small)).exit).toBe(0);
  machine.docker.environment = () => "x".repeat(10_000) + Math.sin(1);
  const refused = await machine.run("build", "--set", "image.maxSize=100B");
  expect(refused).toMatchObject({ exit: 3, stderr: expect.stringContaining("image.maxSize") });
  expect(machine.docker.builds).toHaveLength(1);
});

test("a builder that fails leaves nothing, and the next build finishes the work", async () => {
  machine.docker.onBuild = () => {
    throw new Error("the builder broke");
  };
  expect((await machine.run("build")).exit).toBe(1);
  expect(kept()).toEqual([]);
  machine.docker.onBuild = () => {};
  expect((await machine.run("build")).exit).toBe(0);
  nothingLeft();
});

test("Ctrl-C while it builds leaves nothing", async () => {
  machine.docker.onBuild = () => machine.interrupt();
  expect((await machine.run("build")).exit).toBe(130);
  expect(kept()).toEqual([]);
  nothingLeft();
});

test("--verify proves that two builds are one image, and names what differs when they are not", async () => {
  const same = await machine.run("build", "--verify");
  expect(same.exit, same.stderr).toBe(0);
  expect(machine.docker.builds.map(({ noCache }) => noCache)).toEqual([true, true]);
  let times = 0;
  machine.docker.environment = () => `build ${(times += 1)}`;
  const other = await machine.run("build", "--verify");
  expect(other.exit).toBe(3);
  expect(other.stderr.replaceAll(/\s+/g, " ")).toContain(
    'the layer environment of linux/amd64 differs in "app/environment"',
  );
  nothingLeft();
});

test("a damaged image is built again", async () => {
  await machine.run("build");
  const folder = path.join(path.dirname(imageFile()), "layout");
  rmSync(path.join(folder, "index.json"));
  const again = await machine.run("build");
  expect(again.exit, again.stderr).toBe(0);
  expect(again.stderr).toContain("is damaged");
  expect(existsSync(path.join(path.dirname(imageFile()), "layout", "index.json"))).toBe(true);
});

test("keeps the latest two images", async () => {
  for (const version of ["1.0.0", "1.1.0", "1.2.0"]) {
    write(machine.folder, { "mlship.yaml": configText(version) });
    const built = await machine.run("build");
    expect(built.exit, built.stderr).toBe(0);
  }
  expect(kept()).toHaveLength(3);
  expect(kept().at(-1)).toBe("latest.json");
});

test("what a killed build left is removed, what another one works in stays", async () => {
  await machine.run("build");
  const folder = path.join(machine.folder, ".mlship/images");
  for (const [name, pid] of [
    ["dead", 1],
    ["alive", 4242],
  ] as const) {
    const workshop = path.join(folder, `.building-${name}`);
    mkdirSync(workshop);
    writeFileSync(path.join(workshop, "owner.json"), JSON.stringify({ pid, host: "loom" }));
  }
  expect((await machine.run("build", "--no-cache")).exit).toBe(0);
  expect(kept()).not.toContain(".building-dead");
  expect(kept()).toContain(".building-alive");
  expect(machine.docker.swept.at(-1)?.alive).toContain("alive");
});

test("two builds at once both end well", async () => {
  const ends = await Promise.all([machine.beside("build"), machine.beside("build")]);
  expect(ends.map(({ exit, stderr }) => (exit === 0 ? "" : stderr))).toEqual(["", ""]);
  nothingLeft();
});

test("an image that is signed later keeps its record and its statements together", async () => {
  await machine.run("build");
  const folder = path.dirname(imageFile());
  const named = () => {
    const { attestations } = JSON.parse(readFileSync(imageFile(), "utf8"));
    return attestations.map(({ file }: { file: string }) => path.basename(file)).toSorted();
  };
  const unsigned = named();
  await machine.run("keys", "new");
  // As a build that was killed between its statements and its record leaves it: both are there.
  const left = path.join(folder, "attestations", `${unsigned[0]}.part`);
  writeFileSync(left, "half");
  const again = await machine.run("build", "--set", "image.signingKey=mlship.key");
  expect(again.stderr).toContain("is signed by");
  expect(named()).not.toEqual(unsigned);
  expect(readdirSync(path.join(folder, "attestations")).toSorted()).toEqual(named());
});
