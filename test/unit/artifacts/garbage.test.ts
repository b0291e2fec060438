// What gc takes for garbage, and that it removes this and nothing else.
import { beforeEach, expect, test } from "vitest";
import { findGarbage } from "../../../src/artifacts/garbage.ts";
import { blobKey, intentsPrefix, releaseKey, versionKey } from "../../../src/artifacts/layout.ts";
import { publish } from "../../../src/artifacts/publish.ts";
import { blobsOf } from "../../../src/artifacts/release.ts";
import { sweep } from "../../../src/artifacts/sweep.ts";
import { digestBytes } from "../../../src/digest.ts";
import { exampleRelease } from "./example.ts";
import { Killed, born, createMemoryStore, createMemorySweeper, type MemoryStore } from "./memory-store.ts";
import { machineClock } from "./machine-clock.ts";

const day = 24 * 3600 * 1000;
const week = 7 * day;
let store: MemoryStore;
let now: Date;
const sweeper = () => createMemorySweeper(store, () => now);
const collect = async (graceMs = week) => {
  const found = await findGarbage(store, sweeper(), graceMs);
  return await sweep({ store, sweeper: sweeper(), clock: machineClock }, found);
};
const keysOf = (garbage: readonly { key: string }[]) => garbage.map(({ key }) => key).sort();

/** A publisher that was killed just before it named its release. */
async function leaveHalf(version: string, weights: string) {
  const { release, sources } = exampleRelease(version, weights);
  store.kill = { at: store.creates + blobsOf(release).length + 3, when: "before" };
  await expect(publish(store, release, sources, { clock: machineClock })).rejects.toThrow(Killed);
  store.kill = null;
  return release;
}

beforeEach(() => {
  store = createMemoryStore();
  now = new Date(born.getTime() + week);
});

test("keeps all that versions lead to, and removes what a killed publisher left when it is old enough", async () => {
  const { release, sources } = exampleRelease();
  await publish(store, release, sources, { clock: machineClock });
  const half = await leaveHalf("2.0.0", "better");
  const shared = new Set(blobsOf(release).map(({ sha256 }) => sha256));
  const unshared = blobsOf(half).filter(({ sha256 }) => !shared.has(sha256));
  const garbage = [releaseKey(half.digest), ...unshared.map(({ sha256 }) => blobKey(sha256))].sort();
  expect(unshared).toHaveLength(1);

  now = new Date(born.getTime() + week - 1);
  expect((await findGarbage(store, sweeper(), week)).unneeded).toEqual([]);
  now = new Date(born.getTime() + week);
  const found = await findGarbage(store, sweeper(), week);
  expect(keysOf(found.unneeded)).toEqual(garbage);
  expect(found.kept.objects).toBe(blobsOf(release).length + 1);
  expect(found.marks.releases).toBe(1);

  const before = new Set(store.objects.keys());
  const { removed, left, locked } = await collect();
  expect(keysOf(removed.filter(({ kind }) => kind !== "note"))).toEqual(garbage);
  // Both intents are a week old.
  expect(removed.filter(({ kind }) => kind === "note")).toHaveLength(2);
  expect([...left, ...locked]).toEqual([]);
  const gone = [...before].filter((key) => !store.objects.has(key));
  expect(gone.sort()).toEqual(keysOf(removed));
  expect([...store.objects.keys()].filter((key) => key.startsWith("condemned/"))).toEqual([]);
  expect((await findGarbage(store, sweeper(), 0)).unneeded).toEqual([]);
});

test("keeps what an intent names, without grace too, until the intent is a day old", async () => {
  await leaveHalf("2.0.0", "better");
  const intent = [...store.objects.keys()].find((key) => key.startsWith(intentsPrefix));
  store.times.set(intent!, new Date(now.getTime() - day + 1));
  expect((await findGarbage(store, sweeper(), 0)).unneeded).toEqual([]);
  store.times.set(intent!, new Date(now.getTime() - day));
  expect((await findGarbage(store, sweeper(), 0)).unneeded.length).toBeGreaterThan(0);
});

test("keeps what any document names, also one of a kind that it does not know", async () => {
  const bytes = Buffer.from("of a later mlship");
  const key = blobKey(digestBytes(bytes));
  store.objects.set(key, bytes);
  store.objects.set(
    "models/fraud/cards/1.json",
    Buffer.from(`{"schema":"mlship.card/v9","page":"${digestBytes(bytes)}"}`),
  );
  expect((await collect(0)).removed).toEqual([]);
  store.objects.delete("models/fraud/cards/1.json");
  expect(keysOf((await collect(0)).removed)).toEqual([key]);
});

test.each([
  ["missing", (key: string) => store.objects.delete(key)],
  ["damaged", (key: string) => store.objects.set(key, Buffer.from("{}"))],
])("removes nothing where the release of a version is %s", async (_what, damage) => {
  const { release, sources } = exampleRelease();
  await publish(store, release, sources, { clock: machineClock });
  damage(releaseKey(release.digest));
  const before = new Map(store.objects);
  await expect(collect(0)).rejects.toMatchObject({ code: "store.corrupt", exit: "attention" });
  expect(store.objects).toEqual(before);
});

test("says what is locked, and goes on with the rest", async () => {
  const half = await leaveHalf("2.0.0", "better");
  const key = releaseKey(half.digest);
  store.locked.add(key);
  const { removed, locked } = await collect();
  expect(keysOf(locked)).toEqual([key]);
  expect(removed.length).toBeGreaterThan(blobsOf(half).length);
  expect(store.objects.has(key)).toBe(true);
});

test("condemns nothing where it may not remove", async () => {
  await leaveHalf("2.0.0", "better");
  const refused = { ...sweeper(), remove: () => Promise.reject(new Error("may not")) };
  const found = await findGarbage(store, sweeper(), week);
  await expect(sweep({ store, sweeper: refused, clock: machineClock }, found)).rejects.toThrow("may not");
  const condemned = [...store.objects].filter(([key]) => key.startsWith("condemned/"));
  expect(condemned).toHaveLength(1);
  expect(JSON.parse(Buffer.from(condemned[0]![1]).toString())).toMatchObject({ keys: [] });
});

test("an interruption ends it between two removals, and the condemnation is withdrawn", async () => {
  const half = await leaveHalf("2.0.0", "better");
  const found = await findGarbage(store, sweeper(), week);
  const { signal, abort } = ((controller) => ({
    signal: controller.signal,
    abort: () => controller.abort(new Error("interrupted")),
  }))(new AbortController());
  const stopping = { store, sweeper: sweeper(), clock: machineClock, signal, onDone: abort };
  await expect(sweep(stopping, found)).rejects.toThrow("interrupted");
  expect([...store.objects.keys()].filter((key) => key.startsWith("condemned/"))).toEqual([]);
  expect(blobsOf(half).filter(({ sha256 }) => store.objects.has(blobKey(sha256))).length).toBeGreaterThan(0);
});

test("a publisher waits for a gc to end, and sends again what it removed", async () => {
  const half = await leaveHalf("2.0.0", "better");
  const { sources } = exampleRelease("2.0.0", "better");
  const [blob] = blobsOf(half);
  const key = blobKey(blob!.sha256);
  const at = new Date().toISOString();
  const condemnation = "condemned/one.json";
  const document = { schema: "mlship.condemned/v1", at, keys: [key] };
  store.objects.set(condemnation, Buffer.from(JSON.stringify(document)));
  let waits = 0;
  const clock = {
    ...machineClock,
    sleep: () => {
      waits += 1;
      expect(store.objects.has(versionKey("fraud", "2.0.0"))).toBe(false);
      if (waits === 3) store.objects.delete(key);
      if (waits === 4) store.objects.delete(condemnation);
      return Promise.resolve();
    },
  };
  await publish(store, half, sources, { clock });
  expect(waits).toBe(4);
  expect(store.objects.has(key)).toBe(true);
});

test("a publisher says when a gc does not end, and goes on when it has to be feared no more", async () => {
  const { release, sources } = exampleRelease();
  const key = blobKey(blobsOf(release)[0]!.sha256);
  const at = "2026-03-04T05:00:00.000Z";
  const document = { schema: "mlship.condemned/v1", at, keys: [key] };
  store.objects.set("condemned/one.json", Buffer.from(JSON.stringify(document)));
  let time = Date.parse(at);
  const clock = {
    now: () => new Date(time),
    monotonic: () => time,
    sleep: (ms: number) => {
      time += ms;
      return Promise.resolve();
    },
  };
  await expect(publish(store, release, sources, { clock })).rejects.toMatchObject({
    code: "store.sweeping",
    exit: "locked",
    fix: "run the same command again after 2026-03-04T06:00:00.000Z",
  });
  time = Date.parse("2026-03-04T06:00:00.000Z");
  expect((await publish(store, release, sources, { clock })).created).toBe(true);
});
