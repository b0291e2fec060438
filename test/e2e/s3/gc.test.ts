// mlship gc on real S3 servers: real listings and removals, seen from a week later.
import { randomUUID } from "node:crypto";
import { env } from "node:process";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fetchVersion } from "../../../src/artifacts/fetch.ts";
import { findGarbage } from "../../../src/artifacts/garbage.ts";
import { blobKey, releaseKey } from "../../../src/artifacts/layout.ts";
import type { Sweeper } from "../../../src/artifacts/ports.ts";
import { publish } from "../../../src/artifacts/publish.ts";
import { blobsOf } from "../../../src/artifacts/release.ts";
import { sweep } from "../../../src/artifacts/sweep.ts";
import { digestBytes } from "../../../src/digest.ts";
import { ask, type Place } from "../../s3/ask.ts";
import { openStore, openSweeper } from "../../s3/open-store.ts";
import { keysIn, openBucket, removeBucket } from "../../s3/own-bucket.ts";
import { exampleRelease } from "../../unit/artifacts/example.ts";
import { machineClock as clock } from "../../unit/artifacts/machine-clock.ts";

const day = 24 * 3600 * 1000;

describe.each(["MLSHIP_TEST_S3", "MLSHIP_TEST_S3_MINIO"])("%s", (server) => {
  let place: Place;
  beforeEach(async () => {
    place = await openBucket(env[server]);
  });
  afterEach(() => removeBucket(place));

  /** The bucket's sweeper when `ms` have gone by. */
  const sweeperIn = async (ms: number): Promise<Sweeper> => {
    const sweeper = await openSweeper(place);
    return { ...sweeper, now: async () => new Date((await sweeper.now()).getTime() + ms) };
  };
  const collect = async (ms: number, graceMs: number) => {
    const [store, sweeper] = [await openStore(place), await sweeperIn(ms)];
    return await sweep({ store, sweeper, clock }, await findGarbage(store, sweeper, graceMs));
  };

  test("removes what no version leads to when it is old enough, unfinished uploads too, and nothing else", async () => {
    const store = await openStore(place);
    const { release, sources } = exampleRelease();
    await publish(store, release, sources, { clock });
    const orphan = blobKey(digestBytes("orphan"));
    await store.create(orphan, Buffer.from("orphan"));
    const begun = await ask(place, {
      method: "POST",
      key: `team/${blobKey(digestBytes("half"))}`,
      query: { uploads: "" },
    });
    expect(begun.status).toBe(200);
    const before = await keysIn(place);

    expect((await collect(6 * day, 7 * day)).removed.filter(({ kind }) => kind === "blob")).toEqual([]);
    const { removed, abandoned, left } = await collect(8 * day, 7 * day);
    expect(removed.filter(({ kind }) => kind !== "note").map(({ key }) => key)).toEqual([orphan]);
    expect(left).toEqual([]);
    // MinIO lists uploads under their whole key only, so gc never hears of them there.
    expect(abandoned).toHaveLength(server === "MLSHIP_TEST_S3" ? 1 : 0);
    const isGone = (key: string) => key === `team/${orphan}` || key.startsWith("team/intents/");
    expect((await keysIn(place)).sort()).toEqual(before.filter((key) => !isGone(key)).sort());
    expect(await fetchVersion(store, "fraud", "1.4.0")).toEqual(release);
  });

  test("collectors without grace beside publishers of the same blobs lose nothing", async () => {
    for (let round = 0; round < 3; round += 1) {
      const examples = [1, 2, 3].map((patch) => exampleRelease(`1.${round}.${patch}`, `weights ${round}`));
      const [{ release: shared, sources: bytes }] = examples as [(typeof examples)[0]];
      const store = await openStore(place);
      for (const { sha256 } of blobsOf(shared))
        await store.create(blobKey(sha256), bytes.get(sha256) as Buffer);
      await Promise.all([
        ...examples.map(async ({ release, sources }) =>
          publish(await openStore(place), release, sources, { clock }),
        ),
        ...[1, 2].map(() => collect(0, 0)),
      ]);
      for (const { release } of examples) {
        const keys = [releaseKey(release.digest), ...blobsOf(release).map(({ sha256 }) => blobKey(sha256))];
        expect(await Promise.all(keys.map((key) => store.size(key)))).not.toContain(null);
      }
    }
  });
});

test("in a bucket that locks every object, what gc hides is published again, and nothing needed is hidden", async () => {
  const url = env["MLSHIP_TEST_S3_MINIO"] ?? "";
  const place = { url, bucket: `mlship-${randomUUID()}` };
  const made = await ask(place, { method: "PUT", headers: { "x-amz-bucket-object-lock-enabled": "true" } });
  expect(made.status).toBe(200);
  // The bucket itself stays until the lock ends: a day.
  const store = await openStore(place, { lock: { mode: "governance", days: 1 } });
  const first = exampleRelease("1.0.0", "one");
  const second = exampleRelease("2.0.0", "two");
  await publish(store, first.release, first.sources, { clock });
  for (const { sha256 } of blobsOf(second.release))
    await store.create(blobKey(sha256), second.sources.get(sha256) as Buffer);
  const sweeper = await openSweeper(place);
  // Its intent does not count any more.
  const later = { ...sweeper, now: async () => new Date((await sweeper.now()).getTime() + 2 * day) };
  const swept = await sweep({ store, sweeper: later, clock }, await findGarbage(store, later, day));
  const blobs = [...swept.removed, ...swept.locked].filter(({ kind }) => kind === "blob");
  expect(blobs.map(({ key }) => key)).toEqual(
    blobsOf(second.release)
      .filter(({ sha256 }) => !blobsOf(first.release).some((kept) => kept.sha256 === sha256))
      .map(({ sha256 }) => blobKey(sha256)),
  );
  await publish(store, second.release, second.sources, { clock });
  expect(await fetchVersion(store, "fraud", "1.0.0")).toEqual(first.release);
  for (const { sha256, size } of [...blobsOf(first.release), ...blobsOf(second.release)])
    expect(await store.size(blobKey(sha256))).toBe(size);
});
