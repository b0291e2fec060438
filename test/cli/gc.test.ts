// `mlship gc`: shows garbage, asks, removes, and leaves what serves as it is.
import { beforeEach, expect, test } from "vitest";
import { blobKey, modelsPrefix } from "../../src/artifacts/layout.ts";
import { digestBytes } from "../../src/digest.ts";
import { documentOf, Machine } from "./fake-host.ts";
import { makeProject } from "./project.ts";

let machine: Machine;
const orphan = blobKey(digestBytes("orphan"));
const young = blobKey(digestBytes("young"));

beforeEach(async () => {
  machine = new Machine(makeProject());
  await machine.run("upload");
  machine.store.objects.set(orphan, Buffer.from("orphan"));
  machine.store.objects.set(young, Buffer.from("young"));
  machine.store.times.set(orphan, new Date("2025-12-01T00:00:00Z"));
  machine.store.times.set(young, machine.world.clock.now());
});

test("only looks, by default", async () => {
  const before = new Map(machine.store.objects);
  const ran = await machine.run("gc", "--json");
  expect(ran.exit).toBe(0);
  expect(documentOf(ran)).toMatchObject({
    schema: "mlship.gc/v1",
    deleted: false,
    graceMs: 7 * 24 * 3600 * 1000,
    garbage: { blob: { objects: 1, bytes: 6 }, release: { objects: 0 }, note: { objects: 0 } },
    objects: [{ kind: "blob", key: orphan, size: 6, at: "2025-12-01T00:00:00.000Z" }],
  });
  expect(machine.store.objects).toEqual(before);
  expect((await machine.run("gc")).stdout).toBe(`blob\t${orphan}\t6\t2025-12-01T00:00:00.000Z\n`);
});

test("tells a person what there is and what to do next", async () => {
  machine.isTerminal = true;
  machine.env = { NO_COLOR: "1" };
  machine.columns = 60;
  const { stdout } = await machine.run("gc");
  expect(stdout).toContain("blobs that no version needs  1        6 B");
  expect(stdout).toContain("next: mlship gc --delete");
  for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(60);
  await machine.run("gc", "--delete", "--yes");
  expect((await machine.run("gc")).stdout).toMatch(/^no garbage in memory/);
});

test("asks before it removes, and without a terminal needs --yes", async () => {
  const before = new Map(machine.store.objects);
  const refused = await machine.run("gc", "--delete", "--json");
  expect(refused.exit).toBe(2);
  expect(documentOf(refused)).toMatchObject({ code: "gc.unconfirmed" });
  machine.answer = false;
  expect((await machine.run("gc", "--delete")).exit).toBe(2);
  expect(machine.questions.at(-1)).toBe("Remove 1 object, 6 B from memory for ever?");
  expect(machine.store.objects).toEqual(before);
  machine.answer = true;
  expect((await machine.run("gc", "--delete")).exit).toBe(0);
  expect(machine.store.objects.has(orphan)).toBe(false);
});

test("removes it, and the version can still be deployed", async () => {
  const ran = await machine.run("gc", "--delete", "--yes", "--grace", "0s", "--json");
  expect(ran.exit).toBe(0);
  expect(documentOf(ran)).toMatchObject({ deleted: true, garbage: { blob: { objects: 2, bytes: 11 } } });
  expect([...machine.store.objects.keys()]).not.toContain(young);
  expect([...machine.store.objects.keys()].some((key) => key.startsWith(modelsPrefix))).toBe(true);
  expect((await machine.run("deploy")).exit).toBe(0);
});

test("says what is no duration", async () => {
  const ran = await machine.run("gc", "--grace", "a week", "--json");
  expect(ran.exit).toBe(2);
  expect(documentOf(ran)).toMatchObject({ code: "gc.grace" });
});

test("does not touch a store of a later mlship", async () => {
  machine.store.objects.set("mlship.json", Buffer.from(`{"schema":"mlship.store/v9"}`));
  const before = new Map(machine.store.objects);
  const ran = await machine.run("gc", "--delete", "--yes", "--json");
  expect(ran.exit).toBe(2);
  expect(documentOf(ran)).toMatchObject({ code: "store.newer" });
  expect(machine.store.objects).toEqual(before);
});
