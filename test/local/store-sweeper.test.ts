// gc on a real folder: ages by the file system's clock, removal, half-written files, and publishers beside it.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fetchVersion } from "../../src/artifacts/fetch.ts";
import { findGarbage } from "../../src/artifacts/garbage.ts";
import { blobKey, releaseKey } from "../../src/artifacts/layout.ts";
import { publish } from "../../src/artifacts/publish.ts";
import { blobsOf } from "../../src/artifacts/release.ts";
import { sweep } from "../../src/artifacts/sweep.ts";
import { digestBytes } from "../../src/digest.ts";
import { createFolderStore } from "../../src/tools/folder-store.ts";
import { createFolderSweeper } from "../../src/tools/folder-sweeper.ts";
import { exampleRelease } from "../unit/artifacts/example.ts";
import { machineClock } from "../unit/artifacts/machine-clock.ts";

const day = 24 * 3600 * 1000;
let folder: string;
const open = () => ({
  store: createFolderStore(folder, "./store"),
  sweeper: createFolderSweeper(folder, "./store"),
  clock: machineClock,
});
const age = (name: string, ms: number) => {
  const at = new Date(Date.now() - ms);
  utimesSync(join(folder, name), at, at);
};
const collect = async (graceMs: number) => {
  const { store, sweeper } = open();
  return await sweep(open(), await findGarbage(store, sweeper, graceMs));
};

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), "mlship-sweep-")), "store");
});
afterEach(() => rmSync(join(folder, ".."), { recursive: true, force: true }));

test("finds nothing where there is no store, and makes none", async () => {
  const { store, sweeper } = open();
  expect(await findGarbage(store, sweeper, 0)).toMatchObject({ unneeded: [], spent: [], unfinished: [] });
  expect(readdirSync(join(folder, ".."))).toEqual([]);
});

test("removes old garbage and half-written files, and keeps young ones and what is released", async () => {
  const { store } = open();
  const { release, sources } = exampleRelease();
  await publish(store, release, sources, { clock: machineClock });
  const [old, young] = ["old", "young"].map((text) => blobKey(digestBytes(text)));
  await store.create(old!, Buffer.from("old"));
  await store.create(young!, Buffer.from("young"));
  age(old!, 8 * day);
  for (const name of ["half", "fresh"]) writeFileSync(join(folder, ".writing", name), "ha");
  age(".writing/half", 8 * day);
  const { removed, abandoned } = await collect(7 * day);
  expect(removed.map(({ key }) => key)).toEqual([old]);
  expect(abandoned.map(({ id }) => id)).toEqual(["half"]);
  expect(readdirSync(join(folder, ".writing"))).toEqual(["fresh"]);
  expect(readdirSync(join(folder, "condemned"))).toEqual([]);
  expect(await store.size(young!)).toBe(5);
  expect(await fetchVersion(store, "fraud", "1.4.0")).toEqual(release);
});

test("does not follow a symbolic link out of the store", async () => {
  const outside = join(folder, "..", "outside");
  mkdirSync(outside);
  await open().store.create("blobs/a", Buffer.from("a"));
  const { symlinkSync } = await import("node:fs");
  symlinkSync(outside, join(folder, "blobs", "linked"));
  writeFileSync(join(outside, "precious"), "x");
  const { removed } = await collect(0);
  expect(removed.map(({ key }) => key)).toEqual(["blobs/a"]);
  expect(readdirSync(outside)).toEqual(["precious"]);
});

test("collectors without grace beside publishers of the same blobs lose nothing", async () => {
  const rounds = 8;
  for (let round = 0; round < rounds; round += 1) {
    const shared = exampleRelease("9.9.9", `weights ${round}`);
    // What a publisher left that died: all blobs, no release.
    for (const { sha256 } of blobsOf(shared.release))
      await open().store.create(blobKey(sha256), shared.sources.get(sha256) as Uint8Array);
    const examples = [1, 2, 3].map((patch) => exampleRelease(`1.${round}.${patch}`, `weights ${round}`));
    await Promise.all([
      ...examples.map(({ release, sources }) =>
        publish(open().store, release, sources, { clock: machineClock }),
      ),
      ...[1, 2].map(() => collect(0)),
    ]);
    for (const { release } of examples) {
      const keys = [releaseKey(release.digest), ...blobsOf(release).map(({ sha256 }) => blobKey(sha256))];
      const sizes = await Promise.all(keys.map((key) => open().store.size(key)));
      expect(sizes).not.toContain(null);
    }
  }
});
