// Writes to a folder store from a process of its own: FOLDER race WRITER | FOLDER forever.
import { createHash, randomBytes } from "node:crypto";
import { createFolderStore } from "../../src/tools/folder-store.ts";

const [folder = "", task = "", writer = ""] = process.argv.slice(2);
const store = createFolderStore(folder, folder);

if (task === "race") {
  const created: number[] = [];
  for (let key = 0; key < 40; key += 1) {
    if ((await store.create(`race/${key}`, Buffer.from(writer))) === "created") created.push(key);
  }
  console.log(JSON.stringify(created));
} else {
  console.log("writing");
  for (;;) {
    const bytes = randomBytes(2_000_000);
    await store.create(`blobs/${createHash("sha256").update(bytes).digest("hex")}`, bytes);
  }
}
