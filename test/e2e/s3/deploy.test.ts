// A project whose store is a bucket: stored, served, rolled back and looked at by the real binary, from two machines.
import { rm } from "node:fs/promises";
import { env } from "node:process";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Place } from "../../s3/ask.ts";
import { testEnvironment } from "../../s3/open-store.ts";
import { keysIn, openBucket, removeBucket } from "../../s3/own-bucket.ts";
import { openCancer, type Project } from "../project.ts";

const servers = ["MLSHIP_TEST_S3", "MLSHIP_TEST_S3_MINIO"];

describe.each(servers)("%s", (server) => {
  let place: Place;
  let project: Project;
  const artifacts = () => ({
    store: `s3://${place.bucket}/team/models`,
    s3: { endpoint: env[server] ?? "" },
  });

  beforeEach(async () => {
    place = await openBucket(env[server]);
    project = await openCancer("1.0.0", { ...testEnvironment });
    await project.write("1.0.0", { artifacts: artifacts() });
  });

  afterEach(async () => {
    await project.close();
    await removeBucket(place);
  });

  test("deploy, canary, rollback and history; nothing but the bucket is needed to go back", async () => {
    await project.mlship(["deploy"]);
    await project.handOver("1.1.0", "1.1.0", { artifacts: artifacts(), canary: { steps: [100] } });
    await project.mlship(["deploy"]);
    expect(await project.status()).toMatchObject({ stable: { version: "1.1.0" }, expected: "1.1.0" });
    // Releases unpacked earlier and everything that was looked at are gone: the bucket has it all.
    for (const made of ["bundles", "reports", "locks"])
      await rm(project.file(".mlship", made), { recursive: true, force: true });
    await project.mlship(["rollback"]);
    expect(await project.status()).toMatchObject({ stable: { version: "1.0.0" }, expected: "1.0.0" });
    expect(await project.history()).toEqual(["promote 1.0.0", "promote 1.1.0", "rollback 1.0.0"]);
    const keys = await keysIn(place);
    expect(keys.every((key) => key.startsWith("team/models/"))).toBe(true);
    expect(keys.filter((key) => key.includes("/versions/"))).toHaveLength(2);
  });

  test("doctor finds the store well, and says what the bucket lacks", async () => {
    const { findings } = await project.json<{
      findings: { check: string; outcome: string; found: string }[];
    }>(["doctor"]);
    const by = Object.fromEntries(findings.map(({ check, outcome }) => [check, outcome]));
    expect(by).toMatchObject({
      "mlship.yaml": "ok",
      model: "ok",
      data: "ok",
      python: "ok",
      store: "ok",
      clock: "ok",
    });
    expect(["ok", "warn"]).toContain(by["bucket"]);
    expect(["ok", "warn"]).toContain(by["lifecycle"]);
  });
});

test("a server that lets two writers win is refused before anything is judged", async () => {
  const place = await openBucket(env["MLSHIP_TEST_S3_UNSAFE"]);
  const project = await openCancer("1.0.0", { ...testEnvironment });
  try {
    const endpoint = env["MLSHIP_TEST_S3_UNSAFE"] ?? "";
    await project.write("1.0.0", { artifacts: { store: `s3://${place.bucket}/team`, s3: { endpoint } } });
    for (const verb of ["upload", "doctor"])
      expect((await project.mlship([verb], 5)).told).toContain("cannot keep two writers apart");
    expect((await keysIn(place)).every((key) => key.startsWith("team/probe/"))).toBe(true);
  } finally {
    await project.close();
    await removeBucket(place);
  }
});
