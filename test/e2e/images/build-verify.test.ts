// `mlship build --verify` for real: two builds from nothing are one image, and a template that spoils this is found out.
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { BuiltImage } from "../../../src/image/built.ts";
import { openCancer, type Project } from "../project.ts";

const base = `${process.env["MLSHIP_TEST_REGISTRY"]}/library/python:3.11-slim`;
let project: Project;

beforeEach(async () => {
  project = await openCancer();
});

afterEach(async () => {
  await project.close();
});

/** Puts the project's own template in place, and gives its text. */
async function eject(): Promise<string> {
  await project.write("1.0.0", { image: { base, template: "Dockerfile.eta" } });
  await project.mlship(["generate", "--eject"]);
  return await readFile(project.file("Dockerfile.eta"), "utf8");
}

test("two builds from nothing make one image: times that a template leaves are put right", async () => {
  await eject();
  await appendFile(project.file("Dockerfile.eta"), 'USER 0\nRUN ["mkdir", "/app/spool"]\nUSER 65532:65532\n');
  const { stdout, stderr } = await project.mlship(["build", "--verify", "--json"]);
  const built: BuiltImage = JSON.parse(stdout);
  expect(stderr).toContain(`built twice from nothing: both times ${built.digest}`);
});

test("a template that makes other bytes each time is refused, with layer and file", async () => {
  const template = await eject();
  const spoiled = template.replace(
    '"/installed", "/out"]\n',
    '"/installed", "/out"]\nRUN ["dd", "if=/dev/urandom", "of=/out/app/python/noise", "bs=16", "count=1", "status=none"]\n',
  );
  expect(spoiled).not.toBe(template);
  await writeFile(project.file("Dockerfile.eta"), spoiled);
  const fault = await project.json<{ code: string; why: string }>(["build", "--verify"], 3);
  expect(fault.code).toBe("build.not-reproducible");
  expect(fault.why).toContain('the layer environment of linux/amd64 differs in "app/python/noise"');
});
