// `mlship build` on the real engines: an image that is tried out, the same image again, and a build that is killed.
import { readdir, readFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { BuiltImage } from "../../../src/image/built.ts";
import { onEngine } from "./left.ts";
import { openCancer, type Project } from "../project.ts";

const base = `${process.env["MLSHIP_TEST_REGISTRY"]}/library/python:3.11-slim`;
let project: Project;

beforeEach(async () => {
  project = await openCancer();
  await project.write("1.0.0", { image: { base } });
});

afterEach(async () => {
  await project.close();
});

test("builds, tries out, builds nothing again, and Ctrl-C leaves nothing", { timeout: 600_000 }, async () => {
  const stopped = project.start(["build"]);
  await expect.poll(stopped.told, { timeout: 170_000 }).toContain("- image, with");
  stopped.process.kill("SIGINT");
  expect((await stopped.ended).code).toBe(130);
  expect(await readdir(project.file(".mlship/images"))).toEqual([]);
  const built = await project.json<BuiltImage>(["build"]);
  expect(built.images).toMatchObject([
    { platform: "linux/amd64", selfTest: { parity: { flips: 0 }, drain: { lost: 0, exitCode: 0 } } },
  ]);
  expect(await onEngine(project.folder)).toEqual([]);
  const again = await project.mlship(["build", "--json"]);
  expect(again.stderr).toContain("nothing to build");
  expect(JSON.parse(again.stdout)).toEqual(built);
  const folder = project.file(".mlship/images", built.plan.slice("sha256:".length, 23));
  expect(JSON.parse(await readFile(`${folder}/image.json`, "utf8"))).toEqual(built);
});

test("without an engine nothing is built, and the way out is named", async () => {
  const missing = { DOCKER_HOST: `unix://${project.file("none.sock")}` };
  const { told } = await project.mlship(["build"], 5, missing);
  expect(told).toMatch(/there is no Docker Engine at .* fix: start Docker/);
});
