// Every damage that an object can have is named, with its key, and nothing that is right is.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import * as fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { MlshipError } from "../../../src/errors.ts";
import { digestDocument } from "../../../src/digest.ts";
import { encode } from "../../../src/artifacts/document.ts";
import { blobKey, entryKey, releaseKey, servedKey, versionKey } from "../../../src/artifacts/layout.ts";
import { appendMove } from "../../../src/artifacts/move.ts";
import { publish } from "../../../src/artifacts/publish.ts";
import { appendServed } from "../../../src/artifacts/served.ts";
import { verifyStore, verifyVersion, type Looking } from "../../../src/artifacts/verify.ts";
import { exampleRelease } from "./example.ts";
import { machineClock } from "./machine-clock.ts";
import { createMemoryStore, type MemoryStore } from "./memory-store.ts";

const folder = mkdtempSync(path.join(tmpdir(), "mlship-verify-"));
afterAll(() => rmSync(folder, { recursive: true }));

const { signal } = new AbortController();
const bytes = { told: 0, total: 0 };

function looking(store: Looking["store"]): Looking {
  Object.assign(bytes, { told: 0, total: 0 });
  const onBytes = (more: number) => (bytes.told += more);
  return { store, folder, signal, onBytes, onTotal: (total) => (bytes.total = total) };
}

const [one, two] = [exampleRelease("1.0.0"), exampleRelease("2.0.0", "w".repeat(1_200_000))];

/** Two versions, a channel of five entries, one of one entry, and how one version was served. */
async function filled(): Promise<MemoryStore> {
  const store = createMemoryStore();
  for (const { release, sources } of [one, two])
    await publish(store, release, sources, { clock: machineClock });
  const said = { reason: "because", evidence: null, actor: "ada@loom", at: "2026-01-02T03:04:05Z" };
  const move = async (channel: string, nonce: string, version: string, expected: string | null) => {
    const { digest } = (version === "1.0.0" ? one : two).release;
    const made = { ...said, action: "promote" as const, version, release: digest, expected, nonce };
    await appendMove(store, "fraud", channel, made);
  };
  await move("production", "a", "1.0.0", null);
  for (const [nonce, version, from] of [
    ["b", "2.0.0", "1.0.0"],
    ["c", "1.0.0", "2.0.0"],
    ["d", "2.0.0", "1.0.0"],
    ["e", "1.0.0", "2.0.0"],
  ] as const)
    await move("production", nonce, version, from);
  await move("staging", "f", "2.0.0", null);
  const served = { schema: "mlship.served/v1", release: one.release.digest, image: "x" };
  const place = { model: "fraud", version: "1.0.0", channel: "production" };
  await appendServed(store, place, { ...served, digest: digestDocument(served) });
  return store;
}

test("a whole store is found whole, counted, and left as it is", async () => {
  const store = await filled();
  const before = new Map(store.objects);
  expect(await verifyStore(looking(store))).toMatchObject({
    versions: 2,
    releases: 2,
    channels: 2,
    entries: 6,
    damage: [],
  });
  expect(bytes.told).toBe(bytes.total);
  expect(bytes.total).toBeGreaterThan(1_200_000);
  expect(store.objects).toEqual(before);
  expect(readdirSync(folder)).toEqual([]);
  expect(await verifyVersion(looking(store), "fraud", "2.0.0")).toMatchObject({
    versions: 1,
    releases: 1,
    entries: 0,
    damage: [],
  });
});

test("any byte that changes, and any object that goes, is named by its key", async () => {
  const good = await filled();
  const keys = [...good.objects.keys()].filter((key) => /^(blobs|manifests|models)\//.test(key));
  // What stands in `volatile` is under no digest, and white space means nothing.
  const means = (key: string) => JSON.stringify({ ...readIn(good, key), volatile: null });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...keys),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      async (key, at, change) => {
        const store = createMemoryStore();
        for (const [name, object] of good.objects) store.objects.set(name, object);
        const damaged = Uint8Array.from(good.objects.get(key)!);
        damaged[at % damaged.length]! ^= change;
        store.objects.set(key, damaged);
        if (
          !key.startsWith("blobs/") &&
          readIn(store, key) !== null &&
          means(key) === JSON.stringify({ ...readIn(store, key), volatile: null })
        )
          return;
        const { damage } = await verifyStore(looking(store));
        // A digest that changed names another object, which is missing.
        expect(damage.some((one_) => one_.key === key || one_.why.includes(`${key} names it`))).toBe(true);
      },
    ),
    { numRuns: 40 },
  );
  for (const key of keys) {
    const store = createMemoryStore();
    for (const [name, object] of good.objects) if (name !== key) store.objects.set(name, object);
    const { damage } = await verifyStore(looking(store));
    const isNamed = /blobs|manifests|versions|channels\/production\/000000000[1-4]/.test(key);
    expect({ key, damage: damage.map((one_) => one_.key) }).toEqual({ key, damage: isNamed ? [key] : [] });
  }
}, 60_000);

function readIn(store: MemoryStore, key: string): object | null {
  try {
    return JSON.parse(Buffer.from(store.objects.get(key)!).toString()) as object;
  } catch {
    return null;
  }
}

test("all damages are reported at once, each with what is wrong", async () => {
  const store = await filled();
  const at = (seq: number) => entryKey("fraud", "production", seq);
  const blob = blobKey(two.release.model.files[1]!.sha256);
  store.objects.set(blob, Buffer.from("short"));
  store.objects.delete(at(2));
  store.objects.delete(at(3));
  store.objects.set(entryKey("fraud", "staging", 1), store.objects.get(at(1))!);
  store.objects.set(versionKey("fraud", "not-a-version"), Buffer.from("{}"));
  store.objects.delete(releaseKey(one.release.digest));
  store.objects.set("blobs/sha256/zz/stray", Buffer.from("stray"));
  const served = servedKey("fraud", "1.0.0", "production", 1);
  store.objects.set(served, encode({ ...readIn(store, served), image: "y" }));
  const { damage } = await verifyStore(looking(store));
  expect(damage).toEqual(
    [
      { key: blob, why: "its bytes are not those of its name" },
      { key: "blobs/sha256/zz/stray", why: "its name is no digest" },
      {
        key: releaseKey(one.release.digest),
        why: expect.stringMatching(/^it is missing; models\/fraud\/.* names it$/),
      },
      { key: at(2), why: "it is missing, and 1 behind it" },
      { key: entryKey("fraud", "staging", 1), why: "it is the entry of another place" },
      { key: served, why: "the digest is not that of the document" },
      { key: versionKey("fraud", "not-a-version"), why: "it names no version" },
    ].toSorted((a, b) => (a.key < b.key ? -1 : 1)),
  );
});

test("a version that stands for the release of another is found, and not fetched", async () => {
  const store = await filled();
  const key = versionKey("fraud", "1.0.0");
  store.objects.set(key, encode({ ...readIn(store, key), release: two.release.digest }));
  const { damage } = await verifyVersion(looking(store), "fraud", "1.0.0");
  expect(damage).toContainEqual({ key, why: "it stands for a release of fraud 2.0.0" });
});

test("a version that is not there is unknown, not damaged", async () => {
  const looked = verifyVersion(looking(await filled()), "fraud", "3.0.0");
  await expect(looked).rejects.toMatchObject({ code: "version.unknown", exit: "usage" });
});

test("a store that cannot be reached is an error, not a damage", async () => {
  const store = await filled();
  const gone = new MlshipError({ code: "store.unreachable", what: "no answer", exit: "unavailable" });
  const cut = { ...store, read: () => Promise.reject(gone) };
  await expect(verifyStore(looking(cut))).rejects.toBe(gone);
  const stopped = AbortSignal.abort(new Error("stopped"));
  await expect(verifyStore({ ...looking(store), signal: stopped })).rejects.toThrow("stopped");
});
