// 64 publishers and promoters at once, on a folder and on the strict fake; all 1,000 rounds: test/bench/store/races.ts.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createFolderStore } from "../../src/tools/folder-store.ts";
import { objectsInFake, objectsInFolder } from "../s3/all-objects.ts";
import { nth, slowDown } from "../s3/fake/faults.ts";
import { startFakeS3 } from "../s3/fake/server.ts";
import { findDamage } from "../s3/invariants.ts";
import { openStore } from "../s3/open-store.ts";
import { race } from "../s3/race.ts";

const writers = 64;

it("a folder: one wins each round", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mlship-races-"));
  try {
    const stores = Array.from({ length: writers }, () => createFolderStore(folder, folder));
    expect(await race(stores, 3)).toEqual([]);
    expect(findDamage(objectsInFolder(folder))).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it(
  "S3: one wins each round, also where replies are lost and requests throttled",
  { timeout: 300_000 },
  async () => {
    const fake = await startFakeS3();
    try {
      fake.addBucket("models");
      const open = () => openStore({ url: fake.url, bucket: "models" });
      const stores = await Promise.all(Array.from({ length: writers }, open));
      expect(await race(stores, 3)).toEqual([]);
      const often = (n: number) => {
        let seen = 0;
        return () => (seen += 1) % n === 0;
      };
      fake.faults.add({ when: often(20), fault: { kind: "lose-reply" }, times: Infinity });
      fake.faults.add({ when: often(20), fault: slowDown, times: Infinity });
      fake.faults.add({
        when: nth("PutObject"),
        fault: { kind: "refuse", status: 409, code: "ConditionalRequestConflict" },
        times: 50,
      });
      const told = await race(stores, 2, 3);
      // A lost reply leaves open who of two with the same bytes created a version; nothing else.
      expect(told.filter((what) => !what.includes("created the version"))).toEqual([]);
      expect(findDamage(objectsInFake(fake, "models"))).toEqual([]);
    } finally {
      await fake.close();
    }
  },
);
