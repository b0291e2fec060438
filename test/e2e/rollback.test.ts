// Back and forth between versions, with a history that tells it, also when everything but the store is gone.
import { rm } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openCancer, type Project } from "./project.ts";

const straight = { canary: { steps: [100], bake: "0s" } };
let project: Project;

beforeAll(async () => {
  project = await openCancer("1.0.0");
  await project.mlship(["deploy"]);
  await project.handOver("1.1.0", "1.1.0", straight);
  await project.mlship(["deploy"]);
});
afterAll(() => project.close());

test("back to the version before, and no further", async () => {
  await project.mlship(["rollback"]);
  expect(await project.serving()).toBe("1.0.0");
  const { told } = await project.mlship(["rollback"], 2);
  expect(told).toContain("there is no version of tumour to go back to");
  expect(await project.serving()).toBe("1.0.0");
});

test("forward again with the release that is stored, and back by name", async () => {
  await project.mlship(["deploy"]);
  expect(await project.serving()).toBe("1.1.0");
  expect((await project.mlship(["deploy"])).told).toContain("serves already");
  await project.mlship(["rollback", "--to", "1.0.0", "--now"]);
  expect(await project.serving()).toBe("1.0.0");
  expect((await project.mlship(["rollback", "--to", "1.0.0"])).told).toContain("serves already");
  expect((await project.mlship(["rollback", "--to", "9.9.9"], 2)).told).toContain("9.9.9");
});

test("the history tells it", async () => {
  const story = ["promote 1.0.0", "promote 1.1.0", "rollback 1.0.0", "promote 1.1.0", "rollback 1.0.0"];
  expect(await project.history()).toEqual(story);
  expect(await project.status()).toMatchObject({
    stable: { version: "1.0.0" },
    expected: "1.0.0",
    rollout: null,
  });
});

test("bundle and environment are made again from the store", async () => {
  await rm(project.file(".mlship", "bundles"), { recursive: true });
  await rm(project.file(".mlship", "locks"), { recursive: true });
  const env = { MLSHIP_CACHE: project.file("cache") };
  await project.mlship(["rollback", "--to", "1.1.0", "--now"], 0, env);
  expect(await project.serving()).toBe("1.1.0");
  await rm(project.file(".mlship", "bundles"), { recursive: true });
  await rm(project.file("cache", "envs"), { recursive: true });
  await project.mlship(["rollback", "--to", "1.0.0", "--now"], 0, env);
  expect(await project.serving()).toBe("1.0.0");
});
