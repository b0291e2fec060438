// Whatever is killed: stable serves or is served again, no process is left over, one process drives.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  ask,
  deploy,
  eventually,
  freePort,
  holder,
  load,
  processes,
  serveStable,
  startCanary,
} from "./gateway/harness.ts";
import type { Deployment } from "./gateway/harness.ts";

const driverFile = path.join(path.dirname(fileURLToPath(import.meta.url)), "gateway/driver.ts");

let site: Deployment;
beforeEach(async () => {
  site = await deploy();
});
afterEach(async () => {
  await site.driver().stop();
  await eventually("no server is left", async () => (await site.servers()).length === 0);
  await site.destroy();
});

/** Starts a driver of its own and waits for its first words. */
async function drive(
  version: string,
  share: number,
  leaseMs: number,
): Promise<{ child: ChildProcess; said: string }> {
  const root = path.dirname(path.dirname(site.folder));
  const args = [driverFile, root, String(site.port), version, String(share), String(leaseMs)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const said = await new Promise<string>((resolve) =>
    child.stdout.once("data", (text) => resolve(String(text))),
  );
  return { child, said: said.trim() };
}

const dead = async (pid: number) => (await processes.identify(pid)) === null;

test("a driver is killed: its share falls to 0, stable goes on, the next one takes the lock at once", async () => {
  const target = site.driver({ leaseMs: 3_000 });
  const held = await target.lock.acquire(holder());
  const stable = site.revision("1.0.0");
  await serveStable(target, stable);
  await held.release();
  const { child, said } = await drive("1.1.0", 0.5, 3_000);
  expect(said).toBe("driving 2");
  let stop = false;
  const running = load(site.port, { until: () => stop });
  expect(await target.observe()).toMatchObject({ share: 0.5 });
  await expect(target.lock.acquire(holder())).rejects.toMatchObject({
    code: "rollout.locked",
    exit: "locked",
    what: "`mlship deploy` by ada is at work on this deployment",
    why: expect.stringContaining(`process ${child.pid} on`) as string,
  });
  child.kill("SIGKILL");
  await eventually("the share falls to 0", async () => (await target.observe()).share === 0);
  const after = await target.lock.acquire(holder());
  expect(after.epoch).toBe(3);
  expect(await target.lock.holder()).toMatchObject({ pid: process.pid });
  stop = true;
  expect((await running).failed).toEqual([]);
  expect(await target.observe()).toMatchObject({ stable, share: 0, canary: site.revision("1.1.0") });
});

test("the gateway is killed: its servers end, the next command serves stable again and not the canary", async () => {
  const target = site.driver();
  const held = await target.lock.acquire(holder());
  const stable = site.revision("1.0.0");
  await serveStable(target, stable);
  await startCanary(target, site.revision("1.1.0"));
  await held.release();
  const { pid } = site.found();
  process.kill(pid, "SIGKILL");
  await eventually("servers end with their gateway", async () => (await site.servers()).length === 0);
  expect((await ask(site.port)).status).toBe(0);
  const next = site.driver();
  expect(await next.observe()).toEqual({
    stable: null,
    canary: null,
    previous: null,
    share: 0,
    endpoint: null,
  });
  expect(await site.servers()).toEqual([]);
  const said = await next.recover();
  expect(said).toEqual([
    expect.stringContaining("its gateway had been killed"),
    expect.stringContaining("was not started again; its share is 0"),
    `stable 1.0.0 serves again on port ${site.port}`,
  ]);
  expect(await next.recover()).toEqual([]);
  expect(await next.observe()).toEqual({
    stable,
    canary: null,
    previous: null,
    share: 0,
    endpoint: `http://127.0.0.1:${site.port}`,
  });
  expect(await ask(site.port)).toMatchObject({ status: 200, version: "1.0.0" });
});

test("the gateway is killed under a driver: the driver's next look serves stable again", async () => {
  const target = site.driver();
  await target.lock.acquire(holder());
  const stable = site.revision("1.0.0");
  await serveStable(target, stable);
  process.kill(site.found().pid, "SIGKILL");
  await eventually("it is dead", () => dead(site.found().pid));
  await expect(target.traffic.measured()).rejects.toMatchObject({ code: "gateway.absent" });
  expect(await ask(site.port)).toMatchObject({ status: 200, version: "1.0.0" });
  expect(await target.traffic.measured()).toMatchObject({ ready: { stable: 1 } });
});

test("a stale gateway.json with the pid of another process is not trusted", async () => {
  const target = site.driver();
  await target.lock.acquire(holder());
  await serveStable(target, site.revision("1.0.0"));
  const found = site.found();
  process.kill(found.pid, "SIGKILL");
  await eventually("it is dead", () => dead(found.pid));
  writeFileSync(path.join(site.folder, "gateway.json"), JSON.stringify({ ...found, pid: process.pid }));
  expect((await target.observe()).stable).toBe(null);
});

test("a gateway that hangs is named, not replaced", async () => {
  const target = site.driver();
  await target.lock.acquire(holder());
  await serveStable(target, site.revision("1.0.0"));
  const { pid } = site.found();
  process.kill(pid, "SIGSTOP");
  try {
    await expect(target.observe()).rejects.toMatchObject({ code: "gateway.hung", exit: "attention" });
  } finally {
    process.kill(pid, "SIGCONT");
  }
  expect((await target.observe()).stable).not.toBe(null);
});

test("the gateway's secret is its owner's, and nobody is let in without it", async () => {
  const target = site.driver();
  await target.lock.acquire(holder());
  await serveStable(target, site.revision("1.0.0"));
  expect(statSync(path.join(site.folder, "gateway.json")).mode & 0o777).toBe(0o600);
  const { adminPort, token } = site.found();
  const stranger = {
    path: "/stop",
    body: "{}",
    headers: { authorization: `Bearer ${"x".repeat(token.length)}` },
  };
  expect((await ask(adminPort, stranger)).status).toBe(401);
  expect((await ask(adminPort, { path: "/stop", body: "{}" })).status).toBe(401);
  expect((await ask(site.port)).status).toBe(200);
  expect(readFileSync(path.join(site.folder, "gateway.log"), "utf8")).not.toContain(token);
});

test("a driver whose lock was taken over is refused by the gateway, whatever it writes", async () => {
  const first = site.driver();
  const lost = await first.lock.acquire(holder());
  const stable = site.revision("1.0.0");
  await serveStable(first, stable);
  const canary = site.revision("1.1.0");
  await startCanary(first, canary);
  await lost.release();
  const second = site.driver();
  await second.lock.acquire(holder());
  const refused = { code: "rollout.lock-lost", exit: "attention" };
  await expect(lost.renew()).rejects.toMatchObject(refused);
  await expect(first.traffic.set(canary, 0.5)).rejects.toMatchObject(refused);
  await expect(first.traffic.renew()).rejects.toMatchObject(refused);
  await expect(first.fleet.promote(canary)).rejects.toMatchObject(refused);
  await expect(first.fleet.retire(canary)).rejects.toMatchObject(refused);
  await expect(first.fleet.start(canary)).rejects.toMatchObject(refused);
  expect(await second.observe()).toMatchObject({ stable, canary, share: 0 });
});

test("of several processes that ask for the lock at the same time one gets it", async () => {
  const target = site.driver();
  const held = await target.lock.acquire(holder());
  await serveStable(target, site.revision("1.0.0"));
  await held.release();
  const drivers = await Promise.all([1, 2, 3, 4].map(() => drive("1.1.0", 0.1, 30_000)));
  const said = drivers.map((driver) => driver.said).sort();
  for (const { child } of drivers) child.kill("SIGKILL");
  expect(said).toEqual([
    "driving 2",
    "failed rollout.locked",
    "failed rollout.locked",
    "failed rollout.locked",
  ]);
});

test("a port in use is found before anything is started, and names who has it", async () => {
  const blocker = createServer().listen(site.port, "127.0.0.1");
  const target = site.driver();
  await target.lock.acquire(holder());
  const revision = site.revision("1.0.0");
  const inUse = {
    code: "port.in-use",
    exit: "unavailable",
    why: expect.stringContaining(`pid ${process.pid},`) as string,
    fix: expect.stringContaining("serve.port") as string,
  };
  await expect(target.preflight(revision)).rejects.toMatchObject(inUse);
  await expect(target.fleet.start(revision)).rejects.toMatchObject(inUse);
  expect(existsSync(path.join(site.folder, "gateway.json"))).toBe(false);
  await new Promise((resolve) => blocker.close(resolve));
  await target.preflight(revision);
  await serveStable(target, revision);
  await target.preflight(revision);
  const elsewhere = await deploy(await freePort(), path.dirname(path.dirname(site.folder)));
  await expect(elsewhere.driver().preflight(revision)).rejects.toMatchObject({
    code: "port.moved",
    exit: "usage",
  });
});

test("stop leaves no process, no port and no secret, and may be repeated", async () => {
  const target = site.driver({ replicas: 2 });
  await target.lock.acquire(holder());
  await serveStable(target, site.revision("1.0.0"));
  await startCanary(target, site.revision("1.1.0"));
  const { pid } = site.found();
  expect(await site.servers()).toHaveLength(4);
  await target.stop();
  expect(await dead(pid)).toBe(true);
  expect(await site.servers()).toEqual([]);
  expect(existsSync(path.join(site.folder, "gateway.json"))).toBe(false);
  await target.stop();
  expect(await target.recover()).toEqual([]);
  expect((await target.observe()).endpoint).toBe(null);
  const port = createServer();
  await new Promise<void>((resolve, reject) => {
    port.once("error", reject).listen(site.port, "127.0.0.1", () => port.close(() => resolve()));
  });
});

test("SIGTERM ends the gateway in order; what it served is known to the next one", async () => {
  const target = site.driver();
  const held = await target.lock.acquire(holder());
  await serveStable(target, site.revision("1.0.0"));
  await held.release();
  const { pid } = site.found();
  process.kill(pid, "SIGTERM");
  await eventually("it ends", () => dead(pid));
  expect(existsSync(path.join(site.folder, "gateway.json"))).toBe(false);
  expect(await site.servers()).toEqual([]);
  expect(await target.recover()).toContain(`stable 1.0.0 serves again on port ${site.port}`);
});
