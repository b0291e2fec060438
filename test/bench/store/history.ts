// The history of 10,000 releases: node test/bench/store/history.ts [ENTRIES] [URL]; without a URL in a folder.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { channelEntrySchema, readChannel, readNewest } from "../../../src/artifacts/channel.ts";
import { encode } from "../../../src/artifacts/document.ts";
import { inParallel } from "../../../src/artifacts/in-parallel.ts";
import { channelPrefix, entryKey } from "../../../src/artifacts/layout.ts";
import type { ObjectStore } from "../../../src/artifacts/ports.ts";
import { findPrevious } from "../../../src/artifacts/previous.ts";
import { digestDocument } from "../../../src/digest.ts";
import { createFolderStore } from "../../../src/tools/folder-store.ts";
import { openStore } from "../../s3/open-store.ts";
import { openBucket, removeBucket } from "../../s3/own-bucket.ts";

const [length = "10000", url] = process.argv.slice(2);
const folder = mkdtempSync(path.join(tmpdir(), "mlship-history-"));
const place = url === undefined ? null : await openBucket(url);
const store = place === null ? createFolderStore(folder, folder) : await openStore(place);
const keys = Array.from({ length: Number(length) }, (_, index) => entryKey("fraud", "production", index + 1));

try {
  await fill();
  const read =
    place === null ? (key: string) => readFile(path.join(folder, key)) : (key: string) => store.read(key);
  // What no way to read the log can be faster than: the same objects, nothing looked at.
  const [few, all] = [keys.slice(-20), keys];
  const work: [what: string, run: (watched: ObjectStore) => Promise<unknown>][] = [
    ["bare reads of 20", () => inParallel(few, read)],
    ["history, newest 20", (watched) => readNewest(watched, "fraud", "production", 20)],
    ["target of a rollback", (watched) => findPrevious(watched, "fraud", "production")],
    ["bare reads of all", () => inParallel(all, read)],
    ["history --all", (watched) => readChannel(watched, "fraud", "production")],
  ];
  for (const [what, run] of work) await measure(what, run);
} finally {
  if (place !== null) await removeBucket(place);
  rmSync(folder, { recursive: true });
}

async function measure(what: string, run: (watched: ObjectStore) => Promise<unknown>): Promise<void> {
  const times: number[] = [];
  let asked = 0;
  for (let round = 0; round < 5; round++) {
    const { watched, requests } = counted();
    const began = performance.now();
    await run(watched);
    times.push(performance.now() - began);
    asked = requests();
  }
  const [, , median = 0] = times.toSorted((a, b) => a - b);
  console.log(`${what.padEnd(22)} ${median.toFixed(0).padStart(6)} ms, ${asked} requests`);
}

/** The store with its requests counted; 1,000 keys of a listing are one. */
function counted(): { watched: ObjectStore; requests: () => number } {
  let requests = 0;
  const watched: ObjectStore = {
    ...store,
    read: (key) => ((requests += 1), store.read(key)),
    size: (key) => ((requests += 1), store.size(key)),
    async *list(prefix, after) {
      let keysSeen = 0;
      requests += 1;
      for await (const key of store.list(prefix, after)) {
        if (keysSeen > 0 && keysSeen % 1000 === 0) requests += 1;
        keysSeen += 1;
        yield key;
      }
    },
  };
  return { watched, requests: () => requests };
}

/** Promotions of ever new versions, as `deploy` writes them. */
async function fill(): Promise<void> {
  mkdirSync(path.join(folder, channelPrefix("fraud", "production")), { recursive: true });
  let before: { digest: string; to: string } | null = null;
  const objects: [key: string, bytes: Uint8Array][] = [];
  for (const [index, key] of keys.entries()) {
    const version = `1.${index}.0`;
    const content: object = {
      schema: "mlship.channel-entry/v1",
      model: "fraud",
      channel: "production",
      seq: index + 1,
      previous: before?.digest ?? null,
      action: "promote",
      version,
      release: digestDocument({ version }),
      from: before?.to ?? null,
      to: version,
      reason: `deploy of ${version}`,
      evidence: {
        canaryRequests: 6030,
        canaryErrors: 0,
        stableRequests: 8070,
        stableErrors: 0,
        eValue: 1.25,
      },
      actor: "ada@loom",
      nonce: crypto.randomUUID(),
      volatile: { at: "2026-01-02T03:04:05Z" },
    };
    const entry = channelEntrySchema.parse({ ...content, digest: digestDocument(content) });
    before = { digest: entry.digest, to: version };
    objects.push([key, encode(entry)]);
  }
  if (place !== null) await inParallel(objects, ([key, bytes]) => store.create(key, bytes));
  else for (const [key, bytes] of objects) writeFileSync(path.join(folder, key), bytes);
}
