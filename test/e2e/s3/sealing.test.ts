// Client-side encryption on real S3 servers: what lies in the bucket, and uploads that were cut.
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { blobKey } from "../../../src/artifacts/layout.ts";
import { digestBytes } from "../../../src/digest.ts";
import { MlshipError } from "../../../src/errors.ts";
import { openKeyFile } from "../../../src/tools/sealing/key-file.ts";
import { sealedSize } from "../../../src/tools/sealing/format.ts";
import { createSealedStore } from "../../../src/tools/sealing/sealed-store.ts";
import { ask, type Place } from "../../s3/ask.ts";
import { openStore, openSweeper, quickly, testEnvironment } from "../../s3/open-store.ts";
import { keysIn, openBucket, removeBucket } from "../../s3/own-bucket.ts";
import { openCancer } from "../project.ts";

const part = 8 * 1024 * 1024;

describe.each(["MLSHIP_TEST_S3", "MLSHIP_TEST_S3_MINIO"])("%s", (server) => {
  let place: Place;
  let folder: string;
  let keyFile: string;
  beforeEach(async () => {
    place = await openBucket(env[server]);
    folder = mkdtempSync(join(tmpdir(), "mlship-sealing-"));
    keyFile = join(folder, "store.key");
    writeFileSync(keyFile, randomBytes(32));
  });
  afterEach(async () => {
    await removeBucket(place);
    rmSync(folder, { recursive: true, force: true });
  });

  const open = async (scratch: string, signal = quickly.signal) => {
    const store = await openStore(place, {}, { signal });
    return createSealedStore(store, await openKeyFile(keyFile), join(folder, scratch));
  };

  test("an upload that was cut goes on from another machine, with the same encrypted bytes", async () => {
    const bytes = randomBytes(4 * part + 17);
    const digest = digestBytes(bytes);
    const file = join(folder, "model.bin");
    writeFileSync(file, bytes);
    const body = { file, size: bytes.length, digest };
    const key = blobKey(digest);
    const cut = new AbortController();
    const interruption = new MlshipError({ code: "interrupted", what: "cut", exit: "interrupted" });
    let sent = 0;
    const first = await open("first", cut.signal);
    const sending = first.create(key, body, (more) => {
      sent += more;
      if (sent >= part) cut.abort(interruption);
    });
    await expect(sending).rejects.toBe(interruption);
    const begun = async () => {
      const { body: listed } = await ask(place, { query: { uploads: "", prefix: `team/${key}` } });
      return [...listed.toString().matchAll(/<UploadId>(.*?)</g)].map(([, id]) => id);
    };
    const [upload, ...others] = await begun();
    expect(others).toEqual([]);
    const { body: parts } = await ask(place, { key: `team/${key}`, query: { uploadId: String(upload) } });
    expect(parts.toString()).toContain("<PartNumber>");

    const second = await open("second");
    expect(await second.create(key, body)).toBe("created");
    // It was that upload which was completed: no other one was begun, and none is left.
    expect(await begun()).toEqual([]);
    expect(await second.size(key)).toBe(bytes.length);
    const { body: stored } = await ask(place, { key: `team/${key}` });
    expect(stored.length).toBe(sealedSize(bytes.length));
    expect(stored.includes(bytes.subarray(1000, 1032))).toBe(false);
    expect(await second.download(key, join(folder, "back.bin"))).toBe(true);
    expect(readFileSync(join(folder, "back.bin")).equals(bytes)).toBe(true);
    const left = [];
    for await (const one of (await openSweeper(place)).unfinished()) left.push(one);
    expect(left).toEqual([]);
  });

  test("deploy, rollback and gc with a key; without it and with another one it is said", async () => {
    const artifacts = {
      store: `s3://${place.bucket}/team`,
      s3: { endpoint: env[server] ?? "" },
      encryption: { keyFile },
    };
    const project = await openCancer("1.0.0", { ...testEnvironment });
    try {
      await project.write("1.0.0", { artifacts });
      await project.mlship(["deploy"]);
      await project.handOver("1.1.0", "1.1.0", { artifacts, canary: { steps: [100] } });
      await project.mlship(["deploy"]);
      rmSync(project.file(".mlship", "bundles"), { recursive: true, force: true });
      await project.mlship(["rollback"]);
      expect(await project.status()).toMatchObject({ stable: { version: "1.0.0" } });
      expect(await project.json(["gc", "--grace", "0s"])).toMatchObject({ objects: [], deleted: false });
      const sealed = (await keysIn(place)).filter((key) => key.startsWith("team/blobs/"));
      expect(sealed.length).toBeGreaterThan(5);
      for (const key of sealed.slice(0, 5)) {
        const { body } = await ask(place, { key });
        expect(body.subarray(0, 6).toString()).toBe("mlship");
      }
      const { encryption: _none, ...without } = artifacts;
      await project.write("1.2.0", { artifacts: without });
      expect((await project.mlship(["upload"], 2)).told).toContain("it was begun with the key file:");
      writeFileSync(keyFile, randomBytes(32));
      await project.write("1.2.0", { artifacts });
      expect((await project.mlship(["upload"], 2)).told).toContain("it was begun with the key file:");
    } finally {
      await project.close();
    }
  });
});
