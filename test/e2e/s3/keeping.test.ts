// How real buckets keep objects, as doctor reads it: settings are made by hand and found again.
import { createHash } from "node:crypto";
import { env } from "node:process";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readKeeping } from "../../../src/tools/s3/keeping.ts";
import { openBucket as openS3Bucket } from "../../../src/tools/s3/open.ts";
import { ask, type Place } from "../../s3/ask.ts";
import { quickly, settingsFor, testEnvironment } from "../../s3/open-store.ts";
import { openBucket, removeBucket } from "../../s3/own-bucket.ts";

const keepingOf = async (place: Place) => {
  Object.assign(process.env, testEnvironment);
  return await readKeeping(await openS3Bucket(settingsFor(place), quickly));
};

async function set(place: Place, setting: string, document: string): Promise<void> {
  const body = Buffer.from(document);
  const headers = { "content-md5": createHash("md5").update(body).digest("base64") };
  const { status, body: said } = await ask(place, { method: "PUT", query: { [setting]: "" }, headers, body });
  if (status !== 200) throw new Error(said.toString());
}

describe.each(["MLSHIP_TEST_S3", "MLSHIP_TEST_S3_MINIO"])("%s", (server) => {
  let place: Place;
  beforeEach(async () => {
    place = await openBucket(env[server]);
  });
  afterEach(() => removeBucket(place));

  test("a fresh bucket keeps no versions, and its clock is the machine's", async () => {
    const { now, versioning, lock } = await keepingOf(place);
    expect(Math.abs(now.getTime() - Date.now())).toBeLessThan(30_000);
    expect([versioning, lock]).toEqual([false, false]);
  });

  test("versioning that is turned on is seen", async () => {
    await set(
      place,
      "versioning",
      "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
    );
    expect(await keepingOf(place)).toMatchObject({ versioning: true });
  });
});

test("MinIO: a rule that removes releases is seen, one of another prefix is not one", async () => {
  const place = await openBucket(env["MLSHIP_TEST_S3_MINIO"]);
  const rule = (prefix: string) =>
    `<LifecycleConfiguration><Rule><ID>a</ID><Status>Enabled</Status><Filter><Prefix>${prefix}</Prefix></Filter><Expiration><Days>30</Days></Expiration></Rule></LifecycleConfiguration>`;
  try {
    await set(place, "lifecycle", rule("logs/"));
    expect(await keepingOf(place)).toMatchObject({ lifecycle: { expires: false } });
    await set(place, "lifecycle", rule("team/"));
    expect(await keepingOf(place)).toMatchObject({ lifecycle: { expires: true } });
  } finally {
    await removeBucket(place);
  }
});
