// Client-side encryption on a real folder: what the store sees, what a reader needs, and what is said without it.
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { randomBytes } from "node:crypto";
import { chmodSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fetchBlob, fetchVersion, materialise } from "../../src/artifacts/fetch.ts";
import { blobKey } from "../../src/artifacts/layout.ts";
import type { ObjectStore } from "../../src/artifacts/ports.ts";
import { publish } from "../../src/artifacts/publish.ts";
import { blobsOf } from "../../src/artifacts/release.ts";
import { openForWriting } from "../../src/artifacts/store-document.ts";
import { digestBytes, type Digest } from "../../src/digest.ts";
import { openStore } from "../../src/tools/stores.ts";
import { exampleRelease } from "../unit/artifacts/example.ts";
import { machineClock } from "../unit/artifacts/machine-clock.ts";
import { quickly, testEnvironment } from "../s3/open-store.ts";
import { plainBucket } from "../s3/plain-bucket.ts";
import { startKms, type KmsServer } from "./kms-server.ts";

let folder: string;
let keyFile: string;
const secret = "nobody but us may read these weights";
const opening = { singleWriter: false, at: "2026-01-02T03:04:05Z", actor: "ada@loom", tool: "0.1.0" };
const clock = machineClock;

/** @param encryption null: without a key */
async function open(
  encryption: { keyFile?: string; kmsKey?: string } | null = { keyFile },
): Promise<ObjectStore> {
  const keys = encryption === null ? null : { keyFile: null, kmsKey: null, ...encryption };
  return await openStore(
    { store: join(folder, "store"), singleWriter: false, encryption: keys, s3: plainBucket },
    { cwd: folder, cacheFolder: join(folder, "cache"), s3: quickly },
  );
}
const stored = (key: string) => readFileSync(join(folder, "store", key));
/** Writes to an object as nobody but a damaged disk does. */
const damage = (key: string, how: (file: string) => void) => {
  const file = join(folder, "store", key);
  chmodSync(file, 0o644);
  how(file);
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mlship-sealing-"));
  keyFile = join(folder, "store.key");
  writeFileSync(keyFile, randomBytes(32));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("the store holds no byte of a blob, and who has the key reads all of it", async () => {
  const store = await open();
  await openForWriting(store, opening);
  const { release, sources } = exampleRelease("1.4.0", secret);
  await publish(store, release, sources, { clock });
  for (const blob of blobsOf(release)) {
    const plain = Buffer.from(sources.get(blob.sha256) as Uint8Array);
    const bytes = stored(blobKey(blob.sha256));
    expect(await store.size(blobKey(blob.sha256))).toBe(blob.size);
    if (plain.length > 4) expect(bytes.includes(plain)).toBe(false);
  }
  const again = await open();
  expect(await fetchVersion(again, "fraud", "1.4.0")).toEqual(release);
  const weights = release.model.files.find(({ path }) => path === "model/weights.bin")!;
  expect(Buffer.from(await fetchBlob(again, weights)).toString()).toBe(secret);
  await materialise(again, release, join(folder, "bundle"));
  expect(readFileSync(join(folder, "bundle", "model", "weights.bin"), "utf8")).toBe(secret);
  expect(readdirSync(join(folder, "cache", "sealing"))).toEqual([]);
});

test("a file of many frames goes in and out, and sealing it again gives the same bytes", async () => {
  const bytes = randomBytes(3 * 1024 * 1024 + 17);
  const digest = digestBytes(bytes);
  const file = join(folder, "model.bin");
  writeFileSync(file, bytes);
  const store = await open();
  const key = blobKey(digest);
  let told = 0;
  await store.create(key, { file, size: bytes.length, digest }, (more) => (told += more));
  const first = stored(key);
  expect(told).toBe(bytes.length);
  expect(await store.download(key, join(folder, "back.bin"))).toBe(true);
  expect(readFileSync(join(folder, "back.bin")).equals(bytes)).toBe(true);
  rmSync(join(folder, "store"), { recursive: true });
  await store.create(key, bytes);
  expect(stored(key).equals(first)).toBe(true);
  expect(readdirSync(join(folder, "cache", "sealing"))).toEqual([]);
});

test("a file that changed since it was digested is not stored", async () => {
  const file = join(folder, "model.bin");
  writeFileSync(file, "after");
  const body = { file, size: 5, digest: digestBytes("befor") };
  const store = await open();
  await expect(store.create(blobKey(body.digest), body)).rejects.toMatchObject({
    code: "store.source-changed",
  });
  expect(await store.size(blobKey(body.digest))).toBe(null);
  expect(readdirSync(join(folder, "cache", "sealing"))).toEqual([]);
});

describe("a damaged object is told, and nothing of it is given out", () => {
  const bytes = randomBytes(2 * 1024 * 1024);
  const key = blobKey(digestBytes(bytes));
  test.each([
    ["cut", (file: string) => truncateSync(file, 1024 * 1024)],
    ["cut at a frame's end", (file: string) => truncateSync(file, 56 + 1024 * 1024 + 16)],
    ["longer", (file: string) => appendFileSync(file, "more")],
    ["another", (file: string) => writeFileSync(file, randomBytes(2 * 1024 * 1024 + 88))],
    ["not encrypted", (file: string) => writeFileSync(file, bytes)],
  ])("%s", async (_what, how) => {
    const store = await open();
    await store.create(key, bytes);
    damage(key, how);
    await expect(store.read(key)).rejects.toMatchObject({ code: "store.corrupt", exit: "attention" });
    await expect(store.download(key, join(folder, "back"))).rejects.toMatchObject({ code: "store.corrupt" });
  });
});

test("another key and no key are told from damage, for readers and for writers", async () => {
  const store = await open();
  await openForWriting(store, opening);
  const digest: Digest = digestBytes(secret);
  await store.create(blobKey(digest), Buffer.from(secret));
  const blob = { sha256: digest, size: secret.length };

  const other = join(folder, "other.key");
  writeFileSync(other, `${randomBytes(32).toString("base64")}\n`);
  const withOther = await open({ keyFile: other });
  await expect(fetchBlob(withOther, blob)).rejects.toMatchObject({ code: "store.key-wrong", exit: "usage" });
  await expect(openForWriting(withOther, opening)).rejects.toMatchObject({ code: "store.other-key" });

  const without = await open(null);
  await expect(fetchBlob(without, blob)).rejects.toMatchObject({ code: "store.key-missing", exit: "usage" });
  const file = join(folder, "back");
  await expect(without.download(blobKey(digest), file)).rejects.toMatchObject({ code: "store.key-missing" });
  expect(readdirSync(folder)).not.toContain("back");
  await expect(openForWriting(without, opening)).rejects.toMatchObject({ code: "store.other-key" });
});

test("a store that was begun without a key stays so", async () => {
  const plain = await open(null);
  await openForWriting(plain, opening);
  await expect(openForWriting(await open(), opening)).rejects.toMatchObject({ code: "store.other-key" });
});

test("a model's own file that looks encrypted is stored and read like any other, with a key and without", async () => {
  const sealedElsewhere = Buffer.concat([Buffer.from("mlship\u0001\n"), randomBytes(200)]);
  const key = blobKey(digestBytes(sealedElsewhere));
  for (const store of [await open(null), await open()]) {
    await store.create(key, sealedElsewhere);
    expect(Buffer.from((await store.read(key)) ?? [])).toEqual(sealedElsewhere);
    expect(await store.download(key, join(folder, "back"))).toBe(true);
    expect(readFileSync(join(folder, "back"))).toEqual(sealedElsewhere);
    rmSync(join(folder, "store"), { recursive: true });
  }
});

test.each([
  ["missing", null],
  ["too short", "too short"],
  ["not base64", "!".repeat(44)],
])("a key's file that is %s is said at once", async (_what, content) => {
  rmSync(keyFile);
  if (content !== null) writeFileSync(keyFile, content);
  await expect(open()).rejects.toMatchObject({ code: "store.key-file", exit: "usage" });
});

describe("a key that KMS wraps (a stand-in for KMS)", () => {
  const arn = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
  let kms: KmsServer;
  const before = { ...process.env };
  const withKms = (kmsKey = "alias/mlship") => open({ kmsKey });
  beforeEach(async () => {
    kms = await startKms("alias/mlship", arn);
    Object.assign(process.env, testEnvironment, {
      AWS_ENDPOINT_URL_KMS: kms.url,
      AWS_REGION: "eu-central-1",
    });
  });
  afterEach(() => {
    kms.close();
    for (const name of ["AWS_ENDPOINT_URL_KMS", "AWS_REGION"]) delete process.env[name];
    Object.assign(process.env, before);
  });

  test("is made once, asked for once in each command, and never stored in the clear", async () => {
    const store = await withKms();
    const { release, sources } = exampleRelease("1.4.0", secret);
    await publish(store, release, sources, { clock });
    expect(kms.asked).toEqual(["GenerateDataKey"]);
    const reader = await withKms();
    await materialise(reader, release, join(folder, "bundle"));
    expect(readFileSync(join(folder, "bundle", "model", "weights.bin"), "utf8")).toBe(secret);
    expect(kms.asked).toEqual(["GenerateDataKey", "Decrypt"]);
    const document = JSON.parse(stored("encryption-key.json").toString("utf8")) as Record<string, string>;
    expect(document).toMatchObject({ schema: "mlship.wrapped-key/v1", kmsKey: arn });
    expect(Buffer.from(document["wrapped"]!, "base64")).toHaveLength(60);
  });

  test("two who begin at once use the same one", async () => {
    const digests = await Promise.all(
      [1, 2, 3, 4].map(async (number) => {
        const bytes = Buffer.from(`${secret} ${number}`);
        await (await withKms()).create(blobKey(digestBytes(bytes)), bytes);
        return { sha256: digestBytes(bytes), size: bytes.length };
      }),
    );
    const reader = await withKms();
    for (const blob of digests)
      expect(Buffer.from(await fetchBlob(reader, blob)).toString()).toContain(secret);
  });

  test("what KMS refuses is said with the action", async () => {
    await expect((await withKms("alias/none")).create("blobs/a", Buffer.from("a"))).rejects.toMatchObject({
      code: "store.kms",
      exit: "unavailable",
      why: expect.stringMatching(/^kms:GenerateDataKey: NotFoundException/),
    });
    await (await withKms()).create("blobs/a", Buffer.from("a"));
    kms.refuse();
    await expect((await withKms()).read("blobs/a")).rejects.toMatchObject({
      code: "store.kms",
      why: expect.stringMatching(/^kms:Decrypt: AccessDeniedException/),
    });
  });

  test("a store without a wrapped key has nothing to read", async () => {
    await (await open()).create("blobs/a", Buffer.from("a"));
    await expect((await withKms()).read("blobs/a")).rejects.toMatchObject({ code: "store.key-wrong" });
  });
});
