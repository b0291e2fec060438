import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { commitOf } from "../../../src/tools/git.ts";

let folder: string;
const env = { PATH: process.env["PATH"], GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
const git = (...args: string[]): string =>
  execFileSync("git", ["-C", folder, "-c", "user.name=Ada", "-c", "user.email=ada@loom.invalid", ...args], {
    encoding: "utf8",
    env,
  });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mlship-git-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("gives the commit of the work tree that holds a folder, and whether tracked files differ", async () => {
  expect(await commitOf(folder, env)).toBe(null);
  git("init", "-q");
  expect(await commitOf(folder, env)).toBe(null);
  const inner = join(folder, "project");
  mkdirSync(inner);
  writeFileSync(join(inner, "mlship.yaml"), "name: fraud\n");
  git("add", ".");
  git("commit", "-q", "-m", "First");
  const commit = git("rev-parse", "HEAD").trim();
  expect(await commitOf(inner, env)).toEqual({ commit, dirty: false });
  writeFileSync(join(inner, "untracked"), "");
  expect(await commitOf(inner, env)).toEqual({ commit, dirty: false });
  writeFileSync(join(inner, "mlship.yaml"), "name: other\n");
  expect(await commitOf(inner, env)).toEqual({ commit, dirty: true });
});

it("gives null where git is not installed, and says so when git refuses", async () => {
  expect(await commitOf(folder, { PATH: folder })).toBe(null);
  git("init", "-q");
  writeFileSync(join(folder, ".git", "config"), "not a configuration");
  await expect(commitOf(folder, env)).rejects.toMatchObject({
    code: "git.failed",
    why: expect.stringContaining("config"),
  });
});
