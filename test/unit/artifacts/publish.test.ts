import * as fc from "fast-check";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ZodError } from "zod";
import {
  fetchLock,
  fetchRelease,
  fetchServerFile,
  fetchVersion,
  materialise,
} from "../../../src/artifacts/fetch.ts";
import { blobKey, intentsPrefix, releaseKey, versionKey } from "../../../src/artifacts/layout.ts";
import { publish } from "../../../src/artifacts/publish.ts";
import type { ObjectStore } from "../../../src/artifacts/ports.ts";
import { blobsOf, makeRelease, releaseSchema } from "../../../src/artifacts/release.ts";
import { listVersions } from "../../../src/artifacts/versions.ts";
import { digestBytes } from "../../../src/digest.ts";
import { exampleRelease } from "./example.ts";
import { Killed, createMemoryStore, type MemoryStore } from "./memory-store.ts";
import { machineClock } from "./machine-clock.ts";

const { release, sources } = exampleRelease();

/** All that is in a store but who relied on what, which each attempt says for itself. */
const published = ({ objects }: MemoryStore) =>
  new Map([...objects].filter(([key]) => !key.startsWith(intentsPrefix)));

describe("a release", () => {
  it("has a digest that times do not change and content does", () => {
    expect(exampleRelease("1.4.0", "weights", "2027-01-01T00:00:00Z").release.digest).toBe(release.digest);
    expect(exampleRelease("1.4.0", "other").release.digest).not.toBe(release.digest);
    expect(exampleRelease("1.4.1").release.digest).not.toBe(release.digest);
  });

  it.each([
    [
      "a path that leaves the folder",
      { model: { ...release.model, files: [{ ...release.model.files[0]!, path: "../evil" }] } },
    ],
    ["a bundle of another model", { bundle: { ...release.bundle, digest: digestBytes("other") } }],
    ["a bundle of another version", { version: "9.9.9" }],
    ["a name that is not a label", { name: "../fraud" }],
    [
      "files that are not those of their digest",
      { model: { ...release.model, files: release.model.files.slice(1) } },
    ],
  ])("is not made from %s", (_what, parts) => {
    expect(() => makeRelease({ ...release, ...parts })).toThrow(ZodError);
  });
});

describe("publish", () => {
  it("stores every byte, and can be fetched by version and by digest", async () => {
    const store = createMemoryStore();
    expect(await publish(store, release, sources, { clock: machineClock })).toEqual({
      release,
      created: true,
    });
    expect(await fetchVersion(store, "fraud", "1.4.0")).toEqual(release);
    expect(await fetchRelease(store, release.digest)).toEqual(release);
    expect(await fetchLock(store, release)).toMatchObject({
      requirements: "numpy==2.0.0 --hash=sha256:00\n",
      python: "3.12",
    });
    expect(Buffer.from(await fetchServerFile(store, release, "mlship_server/__main__.py")).toString()).toBe(
      "print(1)",
    );
  });

  it("is a success without a write when the same release is there, whenever it was made", async () => {
    const store = createMemoryStore();
    await publish(store, release, sources, { clock: machineClock });
    const before = new Map(store.objects);
    const later = exampleRelease("1.4.0", "weights", "2027-01-01T00:00:00Z");
    expect((await publish(store, later.release, new Map(), { clock: machineClock })).created).toBe(false);
    expect(store.objects).toEqual(before);
  });

  it("refuses other content under a released version, names both and changes nothing of it", async () => {
    const store = createMemoryStore();
    await publish(store, release, sources, { clock: machineClock });
    const other = exampleRelease("1.4.0", "other");
    await expect(publish(store, other.release, other.sources, { clock: machineClock })).rejects.toMatchObject(
      {
        code: "version.exists",
        exit: "usage",
        why: expect.stringContaining(`${release.digest}, and this one would be ${other.release.digest}`),
      },
    );
    expect(await fetchVersion(store, "fraud", "1.4.0")).toEqual(release);
  });

  it("asks one thing about a release that is there, and sends nothing of another under its version", async () => {
    const store = createMemoryStore();
    await publish(store, release, sources, { clock: machineClock });
    const asked: string[] = [];
    const watched: ObjectStore = {
      ...store,
      read: (key) => (asked.push(key), store.read(key)),
      size: (key) => (asked.push(key), store.size(key)),
      create: (key, body) => (asked.push(key), store.create(key, body)),
    };
    await publish(watched, release, sources, { clock: machineClock });
    const other = exampleRelease("1.4.0", "other");
    await expect(publish(watched, other.release, other.sources, { clock: machineClock })).rejects.toThrow(
      "already released",
    );
    expect(asked).toEqual([versionKey("fraud", "1.4.0"), versionKey("fraud", "1.4.0")]);
  });

  it("tells every byte once, sent or found", async () => {
    const store = createMemoryStore();
    const all = blobsOf(release);
    await store.create(blobKey(all[0]!.sha256), sources.get(all[0]!.sha256) as Uint8Array);
    let told = 0;
    await publish(store, release, sources, { clock: machineClock, onBytes: (bytes) => (told += bytes) });
    expect(told).toBe(all.reduce((sum, { size }) => sum + size, 0));
  });

  // Also what it relies on, the release and the version.
  const writes = blobsOf(release).length + 3;
  const kills = Array.from({ length: writes }, (_, index) => index + 1);
  it.each(
    kills.flatMap((at) => [
      { at, when: "before" as const },
      { at, when: "after" as const },
    ]),
  )("killed $when write $at is invisible or whole, and the same call finishes it", async (kill) => {
    const uninterrupted = createMemoryStore();
    await publish(uninterrupted, release, sources, { clock: machineClock });
    const store = createMemoryStore();
    store.kill = kill;
    await expect(publish(store, release, sources, { clock: machineClock })).rejects.toThrow(Killed);
    const visible = await listVersions(store, "fraud");
    expect(visible).toEqual(kill.at === writes && kill.when === "after" ? ["1.4.0"] : []);
    await publish(store, release, sources, { clock: machineClock });
    expect(published(store)).toEqual(published(uninterrupted));
    expect(await fetchVersion(store, "fraud", "1.4.0")).toEqual(release);
  });

  it("lets exactly one of several releases have a version, however their steps interleave", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.constantFrom("a", "b", "c"), { minLength: 2, maxLength: 5 }),
        async (scheduler, weights) => {
          const store = createMemoryStore();
          store.pause = () => scheduler.schedule(Promise.resolve());
          const examples = weights.map((weight) => exampleRelease("1.4.0", weight));
          const publishing = Promise.allSettled(
            examples.map((example) =>
              publish(store, example.release, example.sources, { clock: machineClock }),
            ),
          );
          await scheduler.waitFor(publishing);
          const results = await publishing;
          store.pause = () => Promise.resolve();
          const winner = await fetchVersion(store, "fraud", "1.4.0");
          expect(
            results.filter((result) => result.status === "fulfilled" && result.value.created),
          ).toHaveLength(1);
          for (const [index, result] of results.entries()) {
            const same = examples[index]!.release.digest === winner.digest;
            expect(result).toMatchObject(
              same ? { status: "fulfilled" } : { reason: { code: "version.exists" } },
            );
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it("does not trust a blob of another size, nor bytes that changed since they were digested", async () => {
    const [blob] = blobsOf(release);
    const store = createMemoryStore();
    store.objects.set(blobKey(blob!.sha256), Buffer.from("x"));
    await expect(publish(store, release, sources, { clock: machineClock })).rejects.toMatchObject({
      code: "store.corrupt",
      exit: "attention",
    });
    const changed = new Map(sources).set(blob!.sha256, Buffer.from("changed"));
    await expect(
      publish(createMemoryStore(), release, changed, { clock: machineClock }),
    ).rejects.toMatchObject({
      code: "store.source-changed",
    });
  });
});

describe("fetch", () => {
  it("names the versions that there are when one is not", async () => {
    const store = createMemoryStore();
    await expect(fetchVersion(store, "fraud", "1.0.0")).rejects.toMatchObject({
      code: "version.unknown",
      exit: "usage",
    });
    for (const version of ["1.10.0", "1.9.0", "1.10.0-rc.1"]) {
      const example = exampleRelease(version);
      await publish(store, example.release, example.sources, { clock: machineClock });
    }
    expect(await listVersions(store, "fraud")).toEqual(["1.9.0", "1.10.0-rc.1", "1.10.0"]);
    await expect(fetchVersion(store, "fraud", "../../x")).rejects.toMatchObject({
      code: "version.unknown",
      why: "the newest there are 1.9.0, 1.10.0-rc.1, 1.10.0",
    });
  });

  it("finds any changed byte of a release document outside its times", async () => {
    const store = createMemoryStore();
    await publish(store, release, sources, { clock: machineClock });
    const key = releaseKey(release.digest);
    const bytes = store.objects.get(key)!;
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const damaged = Uint8Array.from(bytes);
        damaged[at] = damaged[at]! ^ change;
        store.objects.set(key, damaged);
        const result = await fetchRelease(store, release.digest).then(
          (fetched) => ({ ...fetched, volatile: release.volatile }),
          (error: unknown) => error,
        );
        const isFound =
          result instanceof Error && "code" in result && String(result.code).startsWith("store.");
        expect(isFound || JSON.stringify(result) === JSON.stringify(release)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it("says so when a version's document is that of another, or of a later mlship", async () => {
    const store = createMemoryStore();
    await publish(store, release, sources, { clock: machineClock });
    const document = Buffer.from(store.objects.get(versionKey("fraud", "1.4.0"))!).toString();
    store.objects.set(versionKey("fraud", "1.5.0"), Buffer.from(document));
    await expect(fetchVersion(store, "fraud", "1.5.0")).rejects.toMatchObject({ code: "store.corrupt" });
    store.objects.set(
      versionKey("fraud", "1.6.0"),
      Buffer.from(document.replace("mlship.version/v1", "mlship.version/v2")),
    );
    await expect(fetchVersion(store, "fraud", "1.6.0")).rejects.toMatchObject({
      code: "store.newer",
      exit: "usage",
    });
  });
});

describe("materialise", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "mlship-materialise-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("writes the bundle, keeps a good one and replaces an altered one", async () => {
    const store = createMemoryStore();
    await publish(store, release, sources, { clock: machineClock });
    const bundle = join(folder, "bundle");
    await Promise.all([materialise(store, release, bundle), materialise(store, release, bundle)]);
    expect(readFileSync(join(bundle, "model/weights.bin"), "utf8")).toBe("weights");
    expect(JSON.parse(readFileSync(join(bundle, "mlship.json"), "utf8"))).toEqual(release.bundle);

    await materialise({ ...store, download: () => Promise.reject(new Error("not needed")) }, release, bundle);
    writeFileSync(join(bundle, "handler.py"), "import os # changed");
    await materialise(store, release, bundle);
    expect(readFileSync(join(bundle, "handler.py"), "utf8")).toBe("def predict(): ...");
    expect(readdirSync(folder)).toEqual(["bundle"]);
  });

  it("leaves nothing when a blob is damaged or missing", async () => {
    const store = createMemoryStore();
    await publish(store, release, sources, { clock: machineClock });
    const key = blobKey(release.model.files[1]!.sha256);
    store.objects.set(key, Buffer.from("weighty"));
    await expect(materialise(store, release, join(folder, "bundle"))).rejects.toMatchObject({
      code: "store.corrupt",
    });
    store.objects.delete(key);
    await expect(materialise(store, release, join(folder, "bundle"))).rejects.toMatchObject({
      code: "store.corrupt",
    });
    expect(readdirSync(folder)).toEqual([]);
  });
});

it("the release schema accepts what it made and refuses unknown members", () => {
  expect(releaseSchema.parse(JSON.parse(JSON.stringify(release)))).toEqual(release);
  expect(releaseSchema.safeParse({ ...release, more: 1 }).success).toBe(false);
});
