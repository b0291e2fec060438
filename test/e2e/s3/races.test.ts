// 64 publishers and promoters at once on real S3 servers.
import { env } from "node:process";
import { expect, it } from "vitest";
import { objectsOn } from "../../s3/all-objects.ts";
import { findDamage } from "../../s3/invariants.ts";
import { openStore } from "../../s3/open-store.ts";
import { openBucket, removeBucket } from "../../s3/own-bucket.ts";
import { race } from "../../s3/race.ts";

it.each(["MLSHIP_TEST_S3", "MLSHIP_TEST_S3_MINIO"])("%s: one wins each round", async (server) => {
  const place = await openBucket(env[server]);
  try {
    const stores = await Promise.all(Array.from({ length: 64 }, () => openStore(place)));
    expect(await race(stores, 3)).toEqual([]);
    expect(findDamage(await objectsOn(place))).toEqual([]);
  } finally {
    await removeBucket(place);
  }
});
