// `mlship lock` with the real registry, its base images and the real package index.
import { readFile, readdir, rm, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { eventually, openCancer, type Project } from "./project.ts";

const registry = process.env["MLSHIP_TEST_REGISTRY"] ?? "";
const multi = `${registry}/library/python:3.11-slim-multi`;
const amd64 = `${registry}/library/python:3.11-slim`;
const both = ["linux/amd64", "linux/arm64"];

let project: Project;

beforeEach(async () => {
  project = await openCancer();
});
afterEach(() => project.close());

const lockText = () => readFile(project.file("mlship.lock"), "utf8");
const lockFiles = async () => (await readdir(project.folder)).filter((name) => name.includes("mlship.lock"));

/** The digest that the registry has for a tag. */
async function digestOf(tag: string): Promise<string | null> {
  const accept = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json";
  const response = await fetch(`http://${registry}/v2/library/python/manifests/${tag}`, {
    headers: { accept: `${accept}, application/vnd.docker.distribution.manifest.v2+json` },
  });
  return response.headers.get("docker-content-digest");
}

test("pins base and packages of two platforms, the same bytes each time, and validates with them", async () => {
  await project.write("1.0.0", { image: { base: multi, platforms: both } });
  await project.mlship(["lock"]);
  const first = await lockText();
  const lock = JSON.parse(first);
  expect(lock.base).toMatchObject({ reference: multi, digest: await digestOf("3.11-slim-multi") });
  expect(Object.keys(lock.base.platforms)).toEqual(both);
  for (const platform of both) {
    expect(lock.packages[platform]).toContainEqual(
      expect.objectContaining({ name: "scikit-learn", version: "1.7.2" }),
    );
  }
  expect(first).not.toContain("://");

  await project.mlship(["lock", "--check"]);
  await rm(project.file("mlship.lock"));
  await project.mlship(["lock"]);
  expect(await lockText()).toBe(first);

  const { told } = await project.mlship(["validate"]);
  expect(told).toContain(`Python 3.11, ${lock.packages["linux/amd64"].length} packages locked by hash`);
  const again = await project.mlship(["validate", "--json"]);
  expect(again.told).not.toContain("out of date");
});

test("finds drift, keeps what it can, and pins anew what it is told to", async () => {
  await project.write("1.0.0", { image: { base: amd64 }, python: { requirements: "requirements.txt" } });
  await writeFile(project.file("requirements.txt"), "cloudpickle==3.0.0\n");
  await project.mlship(["lock"]);
  await writeFile(project.file("requirements.txt"), "cloudpickle\nsix\n");
  const checked = await project.mlship(["lock", "--check"], 2);
  expect(checked.told).toContain("the requirement cloudpickle==3.0.0 is gone");
  const kept = await project.json<{ changes: object[] }>(["lock"]);
  expect(kept.changes).toEqual([
    { subject: "six", platforms: ["linux/amd64"], from: null, to: expect.any(String) },
  ]);
  const upgraded = await project.json<{ changes: object[] }>(["lock", "--upgrade", "cloudpickle"]);
  expect(upgraded.changes).toEqual([expect.objectContaining({ subject: "cloudpickle", from: "3.0.0" })]);
});

test("refuses a base that vanished, lacks a platform, or whose registry is away", async () => {
  await project.write("1.0.0", { image: { base: `${registry}/library/python:gone` } });
  expect((await project.mlship(["lock"], 2)).told).toContain(
    `there is no image ${registry}/library/python:gone`,
  );
  await project.write("1.0.0", { image: { base: amd64, platforms: both } });
  const lacking = await project.mlship(["lock"], 2);
  expect(lacking.told).toContain("is not there for linux/arm64");
  expect(lacking.told).toContain("it is there for linux/amd64");
  await project.write("1.0.0", { image: { base: "127.0.0.1:9/library/python:3.11-slim" } });
  await project.mlship(["lock"], 5);
  expect(await lockFiles()).toEqual([]);
});

test("leaves the lock that was there when it is killed or interrupted, and two at once end well", async () => {
  await project.write("1.0.0", { image: { base: amd64 } });
  await project.mlship(["lock"]);
  const before = await lockText();
  for (const signal of ["SIGKILL", "SIGINT"] as const) {
    const running = project.start(["lock", "--upgrade"]);
    await eventually("it locks", () => running.told().includes("lock ..."));
    running.process.kill(signal);
    const { code } = await running.ended;
    expect(code).toBe(signal === "SIGINT" ? 130 : null);
    expect(await lockText()).toBe(before);
  }
  const ended = await Promise.all([project.run(["lock", "--upgrade"]), project.run(["lock", "--upgrade"])]);
  expect(ended.map(({ code }) => code)).toEqual([0, 0]);
  expect(await lockText()).toBe(before);
  expect(await lockFiles()).toEqual(["mlship.lock"]);
});
