// The leash: a program lives no longer than the pipe to the process that asked for it.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, expect, test } from "vitest";

const leash = path.resolve("src/leash.ts");
const folders: string[] = [];
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A folder that goes with a program. */
function newFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "mlship-leash-"));
  folders.push(folder);
  return folder;
}

/** Holds a Node program, and gives it once it has said its pid. */
async function hold(folder: string, code: string) {
  const child = spawn(process.execPath, [leash, folder, process.execPath, "-e", code], { stdio: "pipe" });
  children.push(child);
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  return { child, pid: Number(String(said)), ended: once(child, "exit") };
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const forever = "console.log(process.pid); setInterval(() => {}, 1000);";

test("the program and its folder go when the pipe closes", async () => {
  const folder = newFolder();
  const { child, pid, ended } = await hold(folder, forever);
  expect(isThere(pid)).toBe(true);
  child.stdin.end();
  await ended;
  expect([isThere(pid), existsSync(folder)]).toEqual([false, false]);
});

test("a program that does not want to end is ended", async () => {
  const { child, pid, ended } = await hold("", `process.on("SIGTERM", () => {}); ${forever}`);
  child.stdin.end();
  await ended;
  expect(isThere(pid)).toBe(false);
});

test("ending the leash ends the program", async () => {
  const { child, pid, ended } = await hold("", forever);
  child.kill("SIGTERM");
  await ended;
  expect(isThere(pid)).toBe(false);
});

test("it goes with the program, and gives its exit code", async () => {
  const folder = newFolder();
  const { ended } = await hold(folder, "console.log(process.pid); process.exitCode = 3;");
  expect((await ended)[0]).toBe(3);
  expect(existsSync(folder)).toBe(false);
});

test("a program that cannot be started is told by the exit code of a shell", async () => {
  const child = spawn(process.execPath, [leash, "", "/nonexistent/kubectl"], { stdio: "pipe" });
  children.push(child);
  expect((await once(child, "exit"))[0]).toBe(127);
});

test("SIGKILL of the process that asked ends the program", async () => {
  const code = `
    const { spawn } = require("node:child_process");
    const child = spawn(process.execPath, ${JSON.stringify([leash, "", process.execPath, "-e", forever])}, { detached: true, stdio: "pipe" });
    child.stdout.pipe(process.stdout);`;
  const asker = spawn(process.execPath, ["-e", code], { stdio: "pipe" });
  children.push(asker);
  const [said] = (await once(asker.stdout, "data")) as [Buffer];
  const pid = Number(String(said));
  expect(isThere(pid)).toBe(true);
  asker.kill("SIGKILL");
  await expect.poll(() => isThere(pid), { timeout: 10_000 }).toBe(false);
});
