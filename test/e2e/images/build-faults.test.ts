// What goes wrong while an image is built, for real: builders that die or are full, bases and files that changed, no network.
import { createServer, request, type Server } from "node:http";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { BuiltImage } from "../../../src/image/built.ts";
import { onEngine } from "./left.ts";
import { startBuildKit, type OwnBuildKit } from "./own-buildkit.ts";
import { eventually, freePort, openCancer, type Project } from "../project.ts";

const registry = process.env["MLSHIP_TEST_REGISTRY"] ?? "";
const base = `${registry}/library/python:3.11-slim`;
let project: Project;
let builder: OwnBuildKit | null;

beforeEach(async () => {
  builder = null;
  project = await openCancer();
  await project.write("1.0.0", { image: { base } });
});

afterEach(async () => {
  await builder?.close();
  await project.close();
});

/** The document of an error, with all its words as one line. */
async function fail(exit: number, env: Record<string, string> = {}): Promise<{ code: string; told: string }> {
  const fault = await project.json<{ code: string }>(["build"], exit, env);
  return { code: fault.code, told: JSON.stringify(fault) };
}

/** Nothing that a build works with is there any more, and nothing was kept. */
async function expectNothing(): Promise<void> {
  expect(await readdir(project.file(".mlship/images"))).toEqual([]);
  expect(await onEngine(project.folder)).toEqual([]);
}

test("a builder that dies in mid-build", async () => {
  builder = await startBuildKit();
  const building = project.start(["build", "--json"], { BUILDX_BUILDER: builder.name });
  // By then the base is unpacked, and the environment is being installed.
  await eventually("the server is assembled", () => building.told().includes("[server 1/1]"), 120);
  await builder.kill();
  const { code, stdout } = await building.ended;
  expect(code).toBe(5);
  expect(JSON.parse(stdout)).toMatchObject({
    code: "build.engine-lost",
    fix: expect.stringContaining("start it again"),
  });
  await expectNothing();
});

test("a builder whose disk is full", async () => {
  builder = await startBuildKit("150m");
  const { code, told } = await fail(5, { BUILDX_BUILDER: builder.name });
  expect(code, told).toBe("build.disk-full");
  expect(told).toContain("docker buildx prune");
  await expectNothing();
});

test("a file whose hash is not the locked one", async () => {
  await project.mlship(["lock"]);
  const text = await readFile(project.file("mlship.lock"), "utf8");
  const lock = JSON.parse(text);
  for (const platform of Object.keys(lock.builder.uv.sha256))
    lock.builder.uv.sha256[platform] = "0".repeat(64);
  await writeFile(project.file("mlship.lock"), JSON.stringify(lock, null, 2));
  const { code, told } = await fail(5);
  expect(code, told).toBe("build.hash-mismatch");
  await expectNothing();
});

test("a base that vanished after it was locked", async () => {
  const way = await openVanishing();
  try {
    await project.write("1.0.0", { image: { base: `${way.host}/library/python:3.11-slim` } });
    await project.mlship(["lock"]);
    way.vanish();
    builder = await startBuildKit();
    const { code, told } = await fail(5, { BUILDX_BUILDER: builder.name });
    expect(code, told).toBe("build.base-gone");
    expect(told).toContain("mlship lock --upgrade base");
    await expectNothing();
  } finally {
    way.server.close();
    way.server.closeAllConnections();
  }
});

test("a package index that cannot be reached", async () => {
  // Validated before, so that the machine itself needs no index any more.
  await project.mlship(["lock"]);
  await project.mlship(["validate"]);
  builder = await startBuildKit();
  const nowhere = `http://127.0.0.1:${await freePort()}/simple`;
  const { code, told } = await fail(5, { BUILDX_BUILDER: builder.name, UV_DEFAULT_INDEX: nowhere });
  expect(code, told).toBe("build.no-network");
  await expectNothing();
});

test.each([
  ["while the image is built", "- image, with"],
  ["while it is tried out", "- try the image"],
])("SIGKILL %s leaves nothing behind the next build", async (_when, step) => {
  const killed = project.start(["build", "--no-cache"]);
  await eventually(`mlship says ${step}`, () => killed.told().includes(step), 150);
  if (step.includes("try")) {
    const running = async () =>
      (await onEngine(project.folder)).some((line) => line.startsWith("mlship-self"));
    await eventually("the container is there", running, 60);
  }
  killed.process.kill("SIGKILL");
  expect((await killed.ended).code).toBeNull();
  expect((await readdir(project.file(".mlship/images"))).join()).toMatch(/^\.building-[0-9a-f-]+$/);
  const built = await project.json<BuiltImage>(["build"]);
  const folder = built.plan.slice("sha256:".length, 23);
  expect((await readdir(project.file(".mlship/images"))).toSorted()).toEqual(
    [folder, "latest.json"].toSorted(),
  );
  expect(await onEngine(project.folder)).toEqual([]);
});

test("two builds of one project at once make one image", async () => {
  const ends = await Promise.all([project.run(["build", "--json"]), project.run(["build", "--json"])]);
  expect(ends.map(({ code, stderr }) => (code === 0 ? "" : stderr))).toEqual(["", ""]);
  const [one, other] = ends.map(({ stdout }): BuiltImage => JSON.parse(stdout));
  expect(one?.digest).toBe(other?.digest);
  expect(await onEngine(project.folder)).toEqual([]);
  const { stderr } = await project.mlship(["build"]);
  expect(stderr).toContain("nothing to build");
});

interface Vanishing {
  host: string;
  server: Server;
  /** From now on there is no manifest. */
  vanish(): void;
}

/** A way to the testbed's registry on which manifests can vanish. */
async function openVanishing(): Promise<Vanishing> {
  let isGone = false;
  const server = createServer((asked, answer) => {
    if (isGone && asked.url?.includes("/manifests/")) {
      const body = { errors: [{ code: "MANIFEST_UNKNOWN", message: "manifest unknown" }] };
      answer.writeHead(404, { "content-type": "application/json" }).end(JSON.stringify(body));
      return;
    }
    const { method, headers, url } = asked;
    const passed = request(
      `http://${registry}${url}`,
      { method, headers: { ...headers, host: registry } },
      (got) => {
        answer.writeHead(got.statusCode ?? 502, got.headers);
        got.pipe(answer);
      },
    );
    asked.pipe(passed);
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return { host: `127.0.0.1:${port}`, server, vanish: () => (isGone = true) };
}
