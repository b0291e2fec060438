// The stores that need no server of the testbed: a folder, and S3 on the strict fake.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFolderStore } from "../../src/tools/folder-store.ts";
import { describeStore } from "../s3/conformance.ts";
import { startFakeS3 } from "../s3/fake/server.ts";
import { openStore } from "../s3/open-store.ts";

describeStore("a folder", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mlship-folder-"));
  return {
    open: async () => createFolderStore(folder, folder),
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
});

describeStore("S3 on the strict fake", async () => {
  // Small pages, so that every list goes on.
  const fake = await startFakeS3({ manners: { pageSize: 3 } });
  fake.addBucket("models");
  return { open: () => openStore({ url: fake.url, bucket: "models" }), close: () => fake.close() };
});
