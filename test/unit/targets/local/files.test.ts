// State files: whole or not at all; a lock of which exactly one holder is live; logs that stay small.
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import type { Holder } from "../../../../src/rollout/ports.ts";
import { BoundedLog, lastLines } from "../../../../src/targets/local/bounded-log.ts";
import { readJson, replaceJson } from "../../../../src/targets/local/durable.ts";
import { FileLock, LOCK_TTL_MS } from "../../../../src/targets/local/file-lock.ts";
import { FileRecords } from "../../../../src/targets/local/file-records.ts";
import { placesIn } from "../../../../src/targets/local/places.ts";
import type { Processes } from "../../../../src/targets/local/ports.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "mlship-files-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a file is replaced whole, for its owner only, and leaves no draft", () => {
  const file = path.join(folder, "deep", "a.json");
  replaceJson(file, { a: 1 });
  replaceJson(file, { a: 2 });
  expect(readJson(file, z.strictObject({ a: z.number() }))).toEqual({ a: 2 });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(path.dirname(file))).toEqual(["a.json"]);
});

test("a file that cannot be written says so and what to do", () => {
  writeFileSync(path.join(folder, "file"), "");
  expect(() => replaceJson(path.join(folder, "file", "a.json"), {})).toThrow(
    expect.objectContaining({ code: "state.not-written", exit: "unavailable" }),
  );
});

test.each(['{"a"', '{"a":"x"}', "[]"])("%s is not read as state", (text) => {
  const file = path.join(folder, "a.json");
  writeFileSync(file, text);
  expect(() => readJson(file, z.strictObject({ a: z.number() }))).toThrow(
    expect.objectContaining({ code: "state.unreadable", exit: "attention" }),
  );
});

/** A machine whose processes and clock a test decides on. */
function machine(): Processes & { now: number; alive: Map<number, string> } {
  const alive = new Map([
    [1, "boot/1"],
    [2, "boot/2"],
  ]);
  return {
    now: 1_000,
    alive,
    host: "here",
    monotonic() {
      return this.now;
    },
    identify: async (pid) => (alive.has(pid) ? { pid, began: alive.get(pid) ?? "" } : null),
    listener: async () => null,
  };
}

const holder = (pid: number, host = "here"): Holder => ({
  id: `run-${pid}`,
  user: "ada",
  host,
  pid,
  doing: "mlship deploy",
  since: "2026-01-02T03:04:05.000Z",
});

test("a lock is held by a live process that renews, and each holder gets the next epoch", async () => {
  const here = machine();
  const epochs: number[] = [];
  const lock = new FileLock(folder, here, async (epoch) => void epochs.push(epoch));
  const first = await lock.acquire(holder(1));
  expect(await lock.holder()).toEqual(holder(1));
  await expect(lock.acquire(holder(2))).rejects.toMatchObject({ code: "rollout.locked", exit: "locked" });
  here.now += LOCK_TTL_MS - 1;
  await first.renew();
  here.now += LOCK_TTL_MS - 1;
  expect(await lock.holder()).toEqual(holder(1));
  await first.release();
  expect(await lock.holder()).toBe(null);
  const second = await lock.acquire(holder(2));
  expect(second.epoch).toBe(2);
  await expect(first.renew()).rejects.toMatchObject({ code: "rollout.lock-lost" });
  await first.release();
  expect(await lock.holder()).toEqual(holder(2));
  expect(epochs).toEqual([1, 2]);
  expect(readdirSync(folder)).toEqual(["2.json"]);
});

test("a holder whose process is gone, or is another one with the same pid, loses the lock at once", async () => {
  for (const fate of ["gone", "reused"] as const) {
    const here = machine();
    const lock = new FileLock(path.join(folder, fate), here, async () => undefined);
    await lock.acquire(holder(1));
    if (fate === "gone") here.alive.delete(1);
    else here.alive.set(1, "boot/later");
    expect(await lock.holder()).toBe(null);
    expect((await lock.acquire(holder(2))).epoch).toBe(2);
  }
});

test("a holder that lives and stopped renewing loses the lock after its time", async () => {
  const here = machine();
  const lock = new FileLock(folder, here, async () => undefined);
  const stalled = await lock.acquire(holder(1));
  here.now += LOCK_TTL_MS;
  expect((await lock.acquire(holder(2))).epoch).toBe(2);
  await expect(stalled.renew()).rejects.toMatchObject({ code: "rollout.lock-lost", exit: "attention" });
});

test("a holder on another machine is judged by renewals that stay away, not by its clock", async () => {
  const here = machine();
  const lock = new FileLock(folder, here, async () => undefined);
  await lock.acquire(holder(1, "elsewhere"));
  here.now += 10 * LOCK_TTL_MS;
  await expect(lock.acquire(holder(2))).rejects.toMatchObject({ code: "rollout.locked" });
  here.now += LOCK_TTL_MS;
  expect((await lock.acquire(holder(2))).epoch).toBe(2);
});

test("of many that ask at the same time one gets the lock", async () => {
  const here = machine();
  const asked = Array.from({ length: 20 }, (_, index) => {
    here.alive.set(index + 10, `boot/${index}`);
    return new FileLock(folder, here, async () => undefined).acquire(holder(index + 10));
  });
  const results = await Promise.allSettled(asked);
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});

test("a wish is taken once; a record that is not one is refused", async () => {
  const places = placesIn(folder);
  const records = new FileRecords(places);
  expect([await records.load(), await records.takeWish()]).toEqual([null, null]);
  await records.wish("abort");
  await records.wish("promote");
  expect([await records.takeWish(), await records.takeWish()]).toEqual(["promote", null]);
  writeFileSync(places.record, '{"schema":"mlship.rollout/v9"}');
  await expect(records.load()).rejects.toMatchObject({ code: "rollout.record", exit: "attention" });
});

test("a log keeps its last lines and a bounded size, whatever is written", async () => {
  const file = path.join(folder, "logs", "a.log");
  const log = new BoundedLog(file);
  for (let line = 0; line < 3_000; line += 1) {
    log.write(`${line} ${"x".repeat(10_000)}`);
    if (line % 20 === 0) await log.flush();
  }
  await log.flush();
  log.write("the end");
  await log.flush();
  expect(statSync(file).size).toBeLessThanOrEqual(5 * 1024 * 1024);
  expect(statSync(`${file}.1`).size).toBeLessThanOrEqual(5 * 1024 * 1024);
  expect(readdirSync(path.dirname(file)).sort()).toEqual(["a.log", "a.log.1"]);
  expect((await lastLines(file, 2)).split("\n").map((line) => line.slice(0, 7))).toEqual([
    "2999 xx",
    "the end",
  ]);
  expect(await lastLines(path.join(folder, "none.log"), 5)).toBe("");
});

test("a log that cannot be written loses lines, says so later, and never throws", async () => {
  const blocked = path.join(folder, "logs");
  writeFileSync(blocked, "");
  const file = path.join(blocked, "a.log");
  const log = new BoundedLog(file);
  log.write("lost");
  await log.flush();
  rmSync(blocked);
  mkdirSync(blocked);
  log.write("kept");
  await log.flush();
  expect(readFileSync(file, "utf8")).toBe("kept\nmlship: 1 log lines dropped\n");
});
