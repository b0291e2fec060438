// A store is tried out before it is trusted, and what was found is kept with it.
import { expect, test } from "vitest";
import type { ObjectStore } from "../../../src/artifacts/ports.ts";
import { probeStore } from "../../../src/artifacts/probe.ts";
import { openForWriting, readStoreDocument } from "../../../src/artifacts/store-document.ts";
import { Killed, createMemoryStore, type MemoryStore } from "./memory-store.ts";

const opening = { singleWriter: false, at: "2026-01-02T03:04:05Z", actor: "ada@loom", tool: "0.1.0" };

/** Stores that do not keep their promise, each in a way that some server has. */
const liars: Record<string, (store: MemoryStore) => ObjectStore["create"]> = {
  "ignores the condition": (store) => (key, body) => {
    store.objects.set(key, body as Uint8Array);
    return Promise.resolve("created");
  },
  // Looks first and writes later, with nothing between to keep others out.
  "checks and then writes": (store) => async (key, body) => {
    if (store.objects.has(key)) return "exists";
    await new Promise((resolve) => setImmediate(resolve));
    store.objects.set(key, body as Uint8Array);
    return "created";
  },
  "tells one winner and keeps the bytes of another": (store) => async (key, body) => {
    const isFirst = !store.objects.has(key);
    const own = Buffer.from(body as Uint8Array).toString();
    if (isFirst || own.endsWith(" 7\n")) store.objects.set(key, body as Uint8Array);
    await Promise.resolve();
    return isFirst ? "created" : "exists";
  },
  "says that everything is there": () => () => Promise.resolve("exists"),
  "stores other bytes": (store) => (key) => {
    const isFirst = !store.objects.has(key);
    store.objects.set(key, Buffer.from("x"));
    return Promise.resolve(isFirst ? "created" : "exists");
  },
};

function lying(name: string): MemoryStore {
  const store = createMemoryStore();
  store.create = liars[name]!(store);
  return store;
}

test("a good store is tried out once, and then opened with one request", async () => {
  const store = createMemoryStore();
  const document = await openForWriting(store, opening);
  expect(document).toMatchObject({ probe: { races: 3, creators: 16, fault: null }, singleWriter: null });
  const before = new Map(store.objects);
  expect([...before.keys()].filter((key) => !key.startsWith("probe/"))).toEqual(["mlship.json"]);
  expect(before.size).toBe(5);
  const asked: string[] = [];
  const read = (key: string) => {
    asked.push(key);
    return store.read(key);
  };
  const watched = { ...store, read, create: () => Promise.reject(new Error("not needed")) };
  expect(await openForWriting(watched, opening)).toEqual(document);
  expect(asked).toEqual(["mlship.json"]);
  expect(store.objects).toEqual(before);
});

test.each(Object.keys(liars))("a store that %s is refused, and nothing is recorded", async (name) => {
  const store = lying(name);
  await expect(openForWriting(store, opening)).rejects.toMatchObject({
    code: "store.unsafe",
    exit: "unavailable",
    fix: expect.stringContaining("artifacts.singleWriter"),
  });
  expect(store.objects.has("mlship.json")).toBe(false);
});

test("a single writer may use it, which is recorded and asked for every time", async () => {
  const store = lying("ignores the condition");
  const alone = { ...opening, singleWriter: true };
  const { singleWriter, probe } = await openForWriting(store, alone);
  expect(singleWriter).toEqual({ actor: "ada@loom", at: opening.at, why: probe.fault });
  expect(probe.fault).toMatch(/replaced/);
  expect(await openForWriting(store, { ...alone, actor: "bob@mill" })).toMatchObject({ singleWriter });
  await expect(openForWriting(store, opening)).rejects.toMatchObject({ code: "store.unsafe" });
});

test("of many who begin at once all go by one document", async () => {
  const store = createMemoryStore();
  const actors = ["ada", "bob", "cy", "dee"];
  const opened = await Promise.all(actors.map((actor) => openForWriting(store, { ...opening, actor })));
  for (const document of opened) expect(document).toEqual(await readStoreDocument(store));
});

test("killed while it is tried out, it is tried out again", async () => {
  for (const at of [1, 2, 10, 51]) {
    const store = createMemoryStore();
    store.kill = { at, when: "after" };
    await expect(openForWriting(store, opening)).rejects.toThrow(Killed);
    store.kill = null;
    expect(await openForWriting(store, opening)).toMatchObject({ probe: { fault: null } });
  }
});

test("a store has one key for all of its blobs", async () => {
  const store = createMemoryStore();
  const withKey = (keyId: string): ObjectStore => ({ ...store, encryption: { keyId } });
  expect(await openForWriting(withKey("k1"), opening)).toMatchObject({ encryption: { keyId: "k1" } });
  await openForWriting(withKey("k1"), opening);
  for (const other of [store, withKey("k2")])
    await expect(openForWriting(other, opening)).rejects.toMatchObject({
      code: "store.other-key",
      exit: "usage",
      why: expect.stringContaining("k1"),
    });
});

test("a document of a later mlship, or an altered one, is not guessed at", async () => {
  const store = createMemoryStore();
  await openForWriting(store, opening);
  const text = Buffer.from(store.objects.get("mlship.json")!).toString();
  store.objects.set("mlship.json", Buffer.from(text.replace("store/v1", "store/v2")));
  await expect(openForWriting(store, opening)).rejects.toMatchObject({ code: "store.newer" });
  store.objects.set("mlship.json", Buffer.from(text.replace('"races": 3', '"races": 4')));
  await expect(openForWriting(store, opening)).rejects.toMatchObject({ code: "store.corrupt" });
});

test("a fault that shows in one race of many is found in that race", async () => {
  const store = createMemoryStore();
  const create = store.create.bind(store);
  store.create = async (key, body) => {
    const outcome = await create(key, body);
    return key.endsWith("/3") &&
      Buffer.from(body as Uint8Array)
        .toString()
        .endsWith(" 5\n")
      ? "created"
      : outcome;
  };
  expect((await probeStore(store)).fault).toBe("2 of 16 creators of one object were told that they had");
});
