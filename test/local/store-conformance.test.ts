// The stores that need no server of the testbed: a folder, and S3 on the strict fake.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { blobsPrefix } from "../../src/artifacts/layout.ts";
import type { ObjectStore } from "../../src/artifacts/ports.ts";
import { createFolderStore } from "../../src/tools/folder-store.ts";
import { openKeyFile } from "../../src/tools/sealing/key-file.ts";
import { createSealedStore } from "../../src/tools/sealing/sealed-store.ts";
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

/** What is below `blobs/` is encrypted, so all of the suite's keys go there. */
describeStore("an encrypted folder", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mlship-sealed-"));
  const keyFile = join(folder, "store.key");
  writeFileSync(keyFile, Buffer.alloc(32, 5));
  const open = async (): Promise<ObjectStore> => {
    const plain = createFolderStore(join(folder, "store"), folder);
    const store = createSealedStore(plain, await openKeyFile(keyFile), join(folder, "scratch"));
    const below = (key: string) => `${blobsPrefix}${key}`;
    return {
      location: store.location,
      create: (key, body, onBytes) => store.create(below(key), body, onBytes),
      read: (key) => store.read(below(key)),
      download: (key, file, onBytes) => store.download(below(key), file, onBytes),
      size: (key) => store.size(below(key)),
      async *list(prefix, after) {
        for await (const key of store.list(below(prefix), after && below(after)))
          yield key.slice(blobsPrefix.length);
      },
    };
  };
  return { open, close: async () => rmSync(folder, { recursive: true, force: true }) };
});
