// What goes wrong between mlship and a bucket: it is mended or said, and nothing published is lost, rewritten or half visible.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readChannel } from "../../src/artifacts/channel.ts";
import type { ObjectStore } from "../../src/artifacts/ports.ts";
import { openForWriting } from "../../src/artifacts/store-document.ts";
import { listVersions } from "../../src/artifacts/versions.ts";
import { channel, collect, model, promote, publishExample, publishVersion, rollBack } from "../s3/actions.ts";
import type { Place } from "../s3/ask.ts";
import { nth, slowDown } from "../s3/fake/faults.ts";
import type { Fault } from "../s3/fake/faults.ts";
import type { Operation } from "../s3/fake/request.ts";
import { startFakeS3, testCredentials } from "../s3/fake/server.ts";
import type { FakeS3 } from "../s3/fake/server.ts";
import { largeRelease } from "../s3/large-release.ts";
import { openStore, openSweeper, testEnvironment } from "../s3/open-store.ts";
import { beginWorld } from "../s3/world.ts";
import type { World } from "../s3/world.ts";

let fake: FakeS3;
let world: World;
let scratch: string;

beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), "mlship-faults-"));
  fake = await startFakeS3();
  world = await beginWorld(fake);
});

afterEach(async () => {
  await fake.close();
  Object.assign(process.env, testEnvironment);
  delete process.env["AWS_SESSION_TOKEN"];
  rmSync(scratch, { recursive: true, force: true });
});

/** Publishes 3.0.0, makes it serve, and takes it back. */
async function ship(store: ObjectStore): Promise<void> {
  await publishVersion(store, "3.0.0");
  await promote(store, "3.0.0");
  await rollBack(store, "3.0.0");
}

async function expectShipped(place: Place): Promise<void> {
  const store = await openStore(place);
  expect(await listVersions(store, model)).toEqual(["1.0.0", "2.0.0", "3.0.0"]);
  const log = await readChannel(store, model, channel);
  expect(log.map(({ action, to }) => `${action} ${to}`)).toEqual([
    "promote 1.0.0",
    "promote 2.0.0",
    "promote 3.0.0",
    "rollback 2.0.0",
  ]);
  expect(world.harmIn(place)).toEqual([]);
}

/** Requests that some work makes when nothing goes wrong. */
async function requestsOf(work: (place: Place) => Promise<void>): Promise<number> {
  const from = fake.requests.length;
  await work(world.copy());
  return fake.requests.length - from;
}

const collectOn = async (place: Place) => collect(await openStore(place), await openSweeper(place));

const conflict: Fault = { kind: "refuse", status: 409, code: "ConditionalRequestConflict" };

const passing: Fault[] = [
  { kind: "cut-request", after: 0 },
  { kind: "cut-request", after: 100 },
  { kind: "cut-reply", after: 0 },
  { kind: "cut-reply", after: 20 },
  { kind: "lose-reply" },
  { kind: "refuse", status: 429, code: "TooManyRequests" },
  slowDown,
  { ...slowDown, kind: "refuse-early" },
  { kind: "act-then-refuse", status: 500, code: "InternalError" },
  { kind: "drip", bytes: 50, everyMs: 1 },
];

describe("what passes does no harm at any request", () => {
  const shipOn = async (place: Place) => ship(await openStore(place));

  it.each(passing)("publish, promote and roll back: %j", async (fault) => {
    const count = await requestsOf(shipOn);
    expect(count).toBeGreaterThan(15);
    for (let at = 1; at <= count; at += 1) {
      const place = world.copy();
      let seen = 0;
      fake.faults.add({ fault, when: ({ bucket }) => bucket === place.bucket && (seen += 1) === at });
      await shipOn(place);
      await expectShipped(place);
    }
  });

  it("publish, promote and roll back: two creators in conflict", async () => {
    const place = world.copy();
    fake.faults.add({ fault: conflict, when: ({ method }) => method === "PUT", times: 3 });
    await shipOn(place);
    await expectShipped(place);
  });

  it.each(passing.filter(({ kind }) => kind !== "drip" && kind !== "refuse-early"))(
    "gc: %j",
    async (fault) => {
      const count = await requestsOf(collectOn);
      expect(count).toBeGreaterThan(15);
      // Each third request: a gc has many that are alike.
      for (let at = 1; at <= count; at += 3) {
        const place = world.copy();
        let seen = 0;
        fake.faults.add({ fault, when: ({ bucket }) => bucket === place.bucket && (seen += 1) === at });
        await collectOn(place);
        expect(world.harmIn(place)).toEqual([]);
        const blobs = [...fake.bucket(place.bucket).objects.keys()].filter((key) => key.includes("/blobs/"));
        expect(blobs).toHaveLength(7);
      }
    },
  );

  it("one reply in six lost, and one request in five throttled", async () => {
    const place = world.copy();
    const every = (n: number) => {
      let seen = 0;
      return () => (seen += 1) % n === 0;
    };
    fake.faults.add({ fault: { kind: "lose-reply" }, when: every(6), times: Infinity });
    fake.faults.add({ fault: slowDown, when: every(5), times: Infinity });
    await ship(await openStore(place));
    fake.faults.clear();
    await expectShipped(place);
  });

  const partly: [Operation, Fault][] = [
    ["CreateMultipartUpload", { kind: "lose-reply" }],
    ["UploadPart", { kind: "cut-request", after: 3_000_000 }],
    ["UploadPart", { kind: "lose-reply" }],
    ["UploadPart", { kind: "refuse", status: 400, code: "BadDigest" }],
    ["UploadPart", { ...slowDown, kind: "refuse-early" }],
    ["CompleteMultipartUpload", { kind: "lose-reply" }],
    ["CompleteMultipartUpload", { kind: "error-in-200", code: "InternalError" }],
    ["CompleteMultipartUpload", { kind: "act-then-refuse", status: 200, code: "InternalError" }],
    ["CompleteMultipartUpload", { kind: "refuse", status: 404, code: "NoSuchUpload" }],
    ["UploadPart", { kind: "refuse", status: 404, code: "NoSuchUpload" }],
  ];

  it.each(partly)("a large model: %s %j", async (operation, fault) => {
    const place = world.copy();
    fake.faults.add({ fault, when: nth(operation) });
    expect(await publishExample(await openStore(place), largeRelease("3.0.0", scratch))).toBe(true);
    expect(fake.requests.some(({ fault: met }) => met === fault)).toBe(true);
    expect(world.harmIn(place)).toEqual([]);
  });
});

describe("what does not pass is said, and the same command finishes when it is over", () => {
  interface Trouble {
    begin: (bucket: string) => void;
    code: string;
    end: (bucket: string) => void;
  }
  const always = (fault: Fault): Pick<Trouble, "begin" | "end"> => ({
    begin: () => fake.faults.add({ fault, when: () => true, times: Infinity }),
    end: () => fake.faults.clear(),
  });
  const denied = (right: string): Trouble => ({
    begin: () => (fake.manners.denied = (action) => action === right),
    code: "store.denied",
    end: () => (fake.manners.denied = () => false),
  });
  let hidden: ReturnType<FakeS3["bucket"]>;
  const troubles: Record<string, Trouble> = {
    "the bucket is missing": {
      begin(bucket) {
        hidden = fake.bucket(bucket);
        fake.buckets.delete(bucket);
      },
      code: "store.bucket-missing",
      end: (bucket) => void fake.buckets.set(bucket, hidden),
    },
    "the quota is used up": {
      begin: (bucket) => (fake.bucket(bucket).quota = 1),
      code: "store.full",
      end: (bucket) => (fake.bucket(bucket).quota = null),
    },
    "the key is not known": {
      begin: () => (fake.credentials = [{ ...testCredentials, accessKeyId: "other" }]),
      code: "store.credentials",
      end: () => (fake.credentials = [testCredentials]),
    },
    "the session is over": {
      begin: () => (fake.credentials = [{ ...testCredentials, expires: new Date(0) }]),
      code: "store.credentials",
      end: () => (fake.credentials = [testCredentials]),
    },
    "every request is throttled": { ...always(slowDown), code: "store.busy" },
    "no reply arrives": { ...always({ kind: "lose-reply" }), code: "store.unreachable" },
    "writing is denied": denied("s3:PutObject"),
    "reading is denied": denied("s3:GetObject"),
    "listing is denied": denied("s3:ListBucket"),
  };

  it.each(Object.entries(troubles))("%s", async (_name, { begin, code, end }) => {
    const place = world.copy();
    begin(place.bucket);
    await expect(ship(await openStore(place))).rejects.toMatchObject({ code, exit: "unavailable" });
    end(place.bucket);
    expect(world.harmIn(place)).toEqual([]);
    const store = await openStore(place);
    // With lost replies the version may be there already.
    if (code !== "store.unreachable") expect(await listVersions(store, model)).not.toContain("3.0.0");
    await ship(store);
    await expectShipped(place);
  });

  it.each(Object.entries({ ...troubles, "removing is denied": denied("s3:DeleteObject") }))(
    "gc, from its first request on or a later one: %s",
    async (_name, { begin, code, end }) => {
      const count = await requestsOf(collectOn);
      for (let at = 1; at <= count; at += 8) {
        const place = world.copy();
        let seen = 0;
        // Harmless in itself: it marks the request from which on the trouble is there.
        fake.faults.add({
          fault: { kind: "drip", bytes: 1e6, everyMs: 0 },
          when: ({ bucket }) => bucket === place.bucket && (seen += 1) === at,
          met: () => begin(place.bucket),
        });
        const error = await collectOn(place).then(
          () => null,
          (thrown: unknown) => thrown,
        );
        // What is not asked for any more after a later request cannot fail.
        if (at === 1 || error !== null) expect(error).toMatchObject({ code, exit: "unavailable" });
        fake.faults.clear();
        end(place.bucket);
        expect(world.harmIn(place)).toEqual([]);
        await collectOn(place);
        expect(world.harmIn(place)).toEqual([]);
        const blobs = [...fake.bucket(place.bucket).objects.keys()].filter((key) => key.includes("/blobs/"));
        expect(blobs).toHaveLength(7);
      }
    },
  );

  it("a create that is refused as if the key were taken", async () => {
    const place = world.copy();
    const refused: Fault = { kind: "refuse", status: 412, code: "PreconditionFailed" };
    for (let at = 1; at <= 11; at += 1) {
      fake.faults.add({ fault: refused, when: nth("PutObject", at) });
      await ship(await openStore(place)).catch((error: unknown) => {
        expect(error).toMatchObject({ code: expect.stringMatching(/^(store|version|channel)\./) as string });
      });
      fake.faults.clear();
      expect(world.harmIn(place)).toEqual([]);
    }
  });
});

describe("what mlship mends by itself", () => {
  it("a clock that is an hour off", async () => {
    const place = world.copy();
    fake.manners.clock = () => new Date(Date.now() + 3600_000);
    await ship(await openStore(place));
    await expectShipped(place);
    expect(fake.requests.filter(({ status }) => status === 403)).toHaveLength(2);
  });

  it("a bucket in another region", async () => {
    const place = world.copy();
    fake.bucket(place.bucket).region = "eu-central-1";
    await ship(await openStore(place));
    await expectShipped(place);
  });

  it("credentials that expire on the way, when there are fresh ones", async () => {
    const place = world.copy();
    const session = (name: string) => {
      const credentials = {
        accessKeyId: name,
        secretAccessKey: `${name} key`,
        sessionToken: `${name} token`,
      };
      const enter = () =>
        Object.assign(process.env, {
          AWS_ACCESS_KEY_ID: credentials.accessKeyId,
          AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
          AWS_SESSION_TOKEN: credentials.sessionToken,
        });
      return { credentials, enter };
    };
    const [first, second] = [session("first"), session("second")];
    fake.credentials = [first.credentials];
    const store = await openStore(place);
    first.enter();
    fake.faults.add({
      when: nth("PutObject", 4),
      fault: { kind: "refuse", status: 400, code: "ExpiredToken" },
      met: () => {
        fake.credentials = [{ ...first.credentials, expires: new Date(0) }, second.credentials];
        second.enter();
      },
    });
    await ship(store);
    Object.assign(process.env, testEnvironment);
    delete process.env["AWS_SESSION_TOKEN"];
    fake.credentials = [testCredentials];
    await expectShipped(place);
  });

  it("a server that falls silent", async () => {
    const place = world.copy();
    fake.faults.add({ when: nth("PutObject", 3), fault: { kind: "stall" } });
    await ship(await openStore(place, {}, { silenceMs: 1500 }));
    await expectShipped(place);
  });
});

it("a file that changes once its upload has begun is never published", async () => {
  const place = world.copy();
  const store = await openStore(place);
  const release = largeRelease("3.0.0", scratch);
  fake.faults.add({
    when: nth("CreateMultipartUpload"),
    fault: slowDown,
    met: () =>
      writeFileSync(join(scratch, "weights-3.0.0.bin"), Buffer.alloc(9 * 1024 * 1024, "trained again")),
  });
  await expect(publishExample(store, release)).rejects.toMatchObject({ code: "store.source-changed" });
  expect(await listVersions(store, model)).toEqual(["1.0.0", "2.0.0"]);
  expect(world.harmIn(place)).toEqual([]);
});

it.each(["ignored", "racy"] as const)("a store whose conditions are %s is refused", async (conditions) => {
  const place = world.copy();
  fake.manners.conditions = conditions;
  const opening = { at: new Date().toISOString(), actor: "ada@loom", tool: "0.0.0", singleWriter: false };
  const opened = openForWriting(await openStore(place), opening);
  await expect(opened).rejects.toMatchObject({ code: "store.unsafe", exit: "unavailable" });
  expect(world.harmIn(place)).toEqual([]);
  const agreed = await openForWriting(await openStore(place), { ...opening, singleWriter: true });
  expect(agreed.singleWriter).toMatchObject({ actor: "ada@loom" });
});
