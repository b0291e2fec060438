// Publishing, channels and verification on real S3 servers; a server that lets two writers win is refused.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { env } from "node:process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lastOf, readNewest } from "../../../src/artifacts/channel.ts";
import { servingEverywhere } from "../../../src/artifacts/channels.ts";
import { fetchVersion, materialise } from "../../../src/artifacts/fetch.ts";
import { blobKey } from "../../../src/artifacts/layout.ts";
import { appendMove } from "../../../src/artifacts/move.ts";
import { publish } from "../../../src/artifacts/publish.ts";
import { openForWriting, readStoreDocument } from "../../../src/artifacts/store-document.ts";
import { tagRelease } from "../../../src/artifacts/tag.ts";
import { verifyStore, type Looking } from "../../../src/artifacts/verify.ts";
import type { ObjectStore } from "../../../src/artifacts/ports.ts";
import { exampleRelease } from "../../unit/artifacts/example.ts";
import { machineClock } from "../../unit/artifacts/machine-clock.ts";
import type { Place } from "../../s3/ask.ts";
import { ask } from "../../s3/ask.ts";
import { openStore } from "../../s3/open-store.ts";
import { keysIn, openBucket, removeBucket } from "../../s3/own-bucket.ts";

const opening = { singleWriter: false, at: "2026-01-02T03:04:05Z", actor: "ada@loom", tool: "0.1.0" };
const folder = mkdtempSync(path.join(tmpdir(), "mlship-versions-"));
afterAll(() => rmSync(folder, { recursive: true }));

const look = (store: ObjectStore): Looking => ({
  store,
  folder,
  signal: new AbortController().signal,
  onTotal: () => {},
  onBytes: () => {},
});

describe.each(["MLSHIP_TEST_S3", "MLSHIP_TEST_S3_MINIO"])("versions on %s", (server) => {
  let place: Place;
  let store: ObjectStore;
  const examples = ["1.0.0", "1.10.0", "1.9.0"].map((version) =>
    exampleRelease(version, `weights of ${version}`),
  );
  const [first, newest] = examples;
  beforeAll(async () => {
    place = await openBucket(env[server]);
    store = await openStore(place);
  });
  afterAll(async () => await removeBucket(place));

  test("the store is tried out by a race, and used", async () => {
    expect(await openForWriting(store, opening)).toMatchObject({ probe: { fault: null, creators: 16 } });
    expect(await readStoreDocument(store)).toMatchObject({ schema: "mlship.store/v1", singleWriter: null });
  });

  test("many publishers at once make each version once, and every version is whole", async () => {
    const all = [...examples, ...examples, ...examples].map(({ release, sources }) =>
      publish(store, release, sources, { clock: machineClock }),
    );
    const made = (await Promise.all(all)).filter(({ created }) => created);
    expect(made.map(({ release }) => release.version).sort()).toEqual(["1.0.0", "1.10.0", "1.9.0"]);
    expect(await fetchVersion(store, "fraud", "1.10.0")).toEqual(newest!.release);
    await materialise(store, newest!.release, path.join(folder, "bundle"));
    expect(await verifyStore(look(store))).toMatchObject({ versions: 3, releases: 3, damage: [] });
  });

  test("many writers of one channel leave a log without gaps", async () => {
    const said = { reason: "because", evidence: null, actor: "ada@loom", at: opening.at };
    const move = (action: "promote" | "refuse", nonce: string) =>
      appendMove(store, "fraud", "production", {
        ...said,
        action,
        version: "1.0.0",
        release: first!.release.digest,
        expected: null,
        nonce,
      });
    const refused = await Promise.all(Array.from({ length: 20 }, (_, index) => move("refuse", `r${index}`)));
    expect(refused.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual(refused.map((_, index) => index + 1));
    const promoted = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) => move("promote", `p${index}`)),
    );
    expect(promoted.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await lastOf(store, "fraud", "production")).toBe(21);
    expect((await readNewest(store, "fraud", "production", 2)).map(({ action }) => action)).toEqual([
      "refuse",
      "promote",
    ]);
  });

  test("a tag moves a channel of its own, and damage is found by its key", async () => {
    const said = { reason: "signed off", actor: "ada@loom", nonce: "t", at: opening.at };
    await expect(tagRelease(store, newest!.release, "production", said)).rejects.toMatchObject({
      code: "channel.served",
    });
    expect(await tagRelease(store, newest!.release, "reviewed", said)).toMatchObject({ entry: { seq: 1 } });
    expect(await servingEverywhere(store, "fraud")).toEqual(
      new Map([
        ["1.0.0", ["production"]],
        ["1.10.0", ["reviewed"]],
      ]),
    );
    const key = blobKey(first!.release.model.files[1]!.sha256);
    const { status } = await ask(place, { method: "PUT", key: `team/${key}`, body: Buffer.from("other") });
    expect(status).toBe(200);
    expect((await verifyStore(look(store))).damage).toEqual([
      { key, why: "its bytes are not those of its name" },
    ]);
  });
});

test("a server that ignores conditions is refused, and keeps nothing but what tried it", async () => {
  const place = await openBucket(env["MLSHIP_TEST_S3_UNSAFE"]);
  try {
    const store = await openStore(place);
    await expect(openForWriting(store, opening)).rejects.toMatchObject({
      code: "store.unsafe",
      exit: "unavailable",
    });
    expect((await keysIn(place)).filter((key) => !key.startsWith("team/probe/"))).toEqual([]);
    const { singleWriter } = await openForWriting(store, { ...opening, singleWriter: true });
    expect(singleWriter).toMatchObject({ actor: "ada@loom" });
  } finally {
    await removeBucket(place);
  }
});
