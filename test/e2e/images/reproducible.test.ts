// Same inputs, same bytes: two folders, two builders, a machine with another name, time zone and umask, and the Engine's own store.
import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openBuilder, type Builder } from "../../bench/image/builder.ts";
import type { BuiltImage } from "../../../src/image/built.ts";
import { imageFor, listing, ownLayers } from "./layers.ts";
import { openCancer, type Environment, type Project } from "../project.ts";

const base = `${process.env["MLSHIP_TEST_REGISTRY"]}/library/python:3.11-slim`;
/** Runs a daemon as on a machine that somebody else has set up. */
const elsewhere = ["hostname elsewhere", "umask 077", "export TZ=Asia/Kolkata LANG=de_DE.UTF-8", 'exec "$@"'];
const run = promisify(execFile);
const projects: Project[] = [];
let folder = "";
let other: Builder | undefined;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "mlship-elsewhere-"));
  other = await openBuilder(folder, ["unshare", "--uts", "sh", "-c", elsewhere.join("; "), "sh"]);
});

afterEach(async () => {
  for (const project of projects.splice(0)) await project.close();
});

afterAll(async () => {
  await other?.close();
  await rm(folder, { recursive: true, force: true });
});

/** The same project in a folder of its own, with the lock of another. */
async function openSame(lock?: string): Promise<Project> {
  const project = await openCancer();
  projects.push(project);
  await project.write("1.0.0", { image: { base } });
  if (lock !== undefined) await copyFile(lock, project.file("mlship.lock"));
  return project;
}

/** Builds from nothing. @returns the image and the folder of its layout */
async function build(project: Project, env: Environment): Promise<{ built: BuiltImage; layout: string }> {
  const built = await project.json<BuiltImage>(["build", "--no-cache"], 0, env);
  const layout = project.file(".mlship/images", built.plan.slice("sha256:".length, 23), "layout");
  return { built, layout };
}

test("three builders make one image, wherever they are", { timeout: 900_000 }, async () => {
  const here = await openSame();
  const first = await build(here, {});
  const there = await openSame(here.file("mlship.lock"));
  const before = process.umask(0o077);
  const second = await build(there, {
    BUILDX_BUILDER: other?.name,
    TZ: "Asia/Kolkata",
    LANG: "de_DE.UTF-8",
  }).finally(() => process.umask(before));
  expect(second.built.volatile.builder).not.toBe(first.built.volatile.builder);
  expect(second.built.plan).toBe(first.built.plan);
  expect(second.built.digest).toBe(first.built.digest);

  const image = await imageFor(first.layout, "linux/amd64");
  for (const { digest } of ownLayers(image)) {
    for (const line of await listing(first.layout, digest)) {
      expect(line).toMatch(/^(-r(-x|--){0,1}\S*|drwxr-xr-x|l\S+) 0\/0 +\d+ 1970-01-01 00:00:00 /);
    }
  }

  // A builder that met the same files with other times, as in a build by hand, remembers them by their bytes.
  const byHand = await openSame(here.file("mlship.lock"));
  await byHand.mlship(["generate"]);
  const context = byHand.file("deploy", "image");
  await run("docker", ["buildx", "build", "--output=type=cacheonly", context], { timeout: 300_000 });
  const cached = await byHand.json<BuiltImage>(["build"]);
  expect(cached.digest).toBe(first.built.digest);

  // The store that Docker had before containerd's packs and compresses layers by itself: what they hold is equal.
  const engine = await build(await openSame(here.file("mlship.lock")), { BUILDX_BUILDER: "default" });
  expect(engine.built.volatile.builder).toContain("Docker Engine");
  const stored = await imageFor(engine.layout, "linux/amd64");
  expect(stored.diffIds).toEqual(image.diffIds);
  expect(stored.labels).toEqual(image.labels);
  // The lock that three builds were made from is the same text.
  const locks = await Promise.all(projects.map((each) => readFile(each.file("mlship.lock"), "utf8")));
  expect(new Set(locks).size).toBe(1);
});
