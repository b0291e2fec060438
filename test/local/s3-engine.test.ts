// What mlship's S3 engine does when a server is elsewhere, late, busy, strange or wrong: one test per case, on the strict fake.
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setDefaultCACertificates, getCACertificates } from "node:tls";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, test } from "vitest";
import { digestBytes } from "../../src/digest.ts";
import { MlshipError } from "../../src/errors.ts";
import { openS3Store } from "../../src/tools/s3/open.ts";
import { makeCertificate } from "../s3/fake/certificate.ts";
import { nth, slowDown } from "../s3/fake/faults.ts";
import type { Fault } from "../s3/fake/faults.ts";
import type { Operation } from "../s3/fake/request.ts";
import { startFakeS3 } from "../s3/fake/server.ts";
import type { FakeS3 } from "../s3/fake/server.ts";
import { crc } from "../s3/probes.ts";
import { openStore, quickly, settingsFor } from "../s3/open-store.ts";

const mebi = 2 ** 20;
let fake: FakeS3;
let scratch: string;

const place = () => ({ url: fake.url, bucket: "models" });
const count = (operation: Operation) => fake.requests.filter((one) => one.operation === operation).length;
const stored = (key: string) => fake.bucket("models").objects.get(`team/${key}`);
const bytes = Buffer.from("the bytes of an object");

function fileOf(content: Uint8Array) {
  const file = join(scratch, digestBytes(content).slice(7, 20));
  writeFileSync(file, content);
  return { file, size: content.length, digest: digestBytes(content) };
}

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "mlship-s3-engine-"));
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

beforeEach(async () => {
  fake = await startFakeS3();
  fake.addBucket("models");
});

afterEach(() => fake.close());

describe("a small object", () => {
  it.each<[string, Fault, number]>([
    ["the reply was lost", { kind: "lose-reply" }, 1],
    ["the reply was cut", { kind: "cut-reply", after: 0 }, 1],
    ["it was done, and 500 said", { kind: "act-then-refuse", status: 500, code: "InternalError" }, 1],
  ])("counts as ours when %s", async (_what, fault, times) => {
    fake.faults.add({ when: nth("PutObject"), fault, times });
    const store = await openStore(place());
    expect(await store.create("a", bytes)).toBe("created");
    expect(stored("a")?.bytes.equals(bytes)).toBe(true);
  });

  it("is somebody else's when the reply was lost and other bytes are there", async () => {
    const store = await openStore(place());
    await store.create("other", Buffer.from("other bytes"));
    const { objects } = fake.bucket("models");
    const met = () => void objects.set("team/a", { ...objects.get("team/other")!, key: "team/a" });
    fake.faults.add({ when: nth("PutObject"), fault: { kind: "cut-request", after: 3 }, met });
    expect(await store.create("a", bytes)).toBe("exists");
  });

  it.each([
    ["the same bytes", "created"],
    ["other bytes", "exists"],
  ] as const)(
    "is not sent again and again where another wrote %s since it was looked for",
    async (which, told) => {
      const mine = randomBytes(100_000);
      const store = await openStore(place());
      await store.create("other", which === "the same bytes" ? mine : randomBytes(100_000));
      const { objects } = fake.bucket("models");
      const met = () => void objects.set("team/a", { ...objects.get("team/other")!, key: "team/a" });
      // versitygw refuses by closing the connection before it has read the body, each time.
      fake.faults.add({
        when: ({ operation, key }) => operation === "PutObject" && key === "team/a",
        fault: { kind: "cut-request", after: 1000 },
        times: 99,
        met,
      });
      const before = count("PutObject");
      expect(await store.create("a", mine)).toBe(told);
      expect(count("PutObject") - before).toBe(1);
    },
  );

  it.each<[string, Fault]>([
    ["409, while another one writes", { kind: "refuse", status: 409, code: "ConditionalRequestConflict" }],
    ["503 SlowDown", slowDown],
    ["429", { kind: "refuse", status: 429, code: "TooManyRequests" }],
    ["500", { kind: "refuse", status: 500, code: "InternalError" }],
    ["a connection that is cut within the body", { kind: "cut-request", after: 1 }],
    ["silence", { kind: "stall" }],
    ["bytes that were damaged on their way", { kind: "refuse", status: 400, code: "BadDigest" }],
  ])("is sent again after %s", async (_what, fault) => {
    fake.faults.add({ when: nth("PutObject"), fault, times: 2 });
    const store = await openStore(place(), {}, { silenceMs: 2000 });
    expect(await store.create("a", bytes)).toBe("created");
    expect(count("PutObject")).toBe(3);
  });

  it("is given up after nine attempts, with the cause", async () => {
    fake.faults.add({ when: nth("PutObject"), fault: slowDown, times: 99 });
    const store = await openStore(place());
    const refused = { code: "store.busy", exit: "unavailable", why: expect.stringContaining("SlowDown") };
    await expect(store.create("a", bytes)).rejects.toMatchObject(refused);
    expect(count("PutObject")).toBe(9);
  });

  it("carries its checksum and its condition", async () => {
    await (await openStore(place())).create("a", bytes);
    const [{ headers }] = fake.requests as [(typeof fake.requests)[number]];
    expect(headers).toMatchObject({ "if-none-match": "*", "x-amz-checksum-crc32": crc(bytes) });
  });
});

describe("a large object", () => {
  const content = randomBytes(3 * 8 * mebi + 5);

  it("goes in four parts and five requests more, and is checked as a whole", async () => {
    const store = await openStore(place());
    const body = fileOf(content);
    let told = 0;
    expect(await store.create("blob", body, (more) => (told += more))).toBe("created");
    expect(told).toBe(content.length);
    expect(count("UploadPart")).toBe(4);
    expect(fake.requests).toHaveLength(4 + 5);
    expect(stored("blob")?.checksum?.type).toBe("FULL_OBJECT");
    expect(await store.create("blob", body)).toBe("exists");
    expect(fake.requests).toHaveLength(4 + 6);
  });

  it("goes on on another machine: of four parts the missing ones are sent", async () => {
    const down: Fault = { kind: "refuse", status: 403, code: "AccessDenied" };
    fake.faults.add({ when: nth("UploadPart", 3), fault: down, times: 99 });
    const body = fileOf(content);
    const first = await openStore(place());
    await expect(first.create("blob", body)).rejects.toMatchObject({ code: "store.denied" });
    fake.faults.clear();
    const there = [...(fake.bucket("models").uploads.values().next().value?.parts.keys() ?? [])];
    expect(there.length).toBeGreaterThan(0);
    const before = count("UploadPart");
    let told = 0;
    const second = await openStore(place());
    expect(await second.create("blob", body, (more) => (told += more))).toBe("created");
    expect(count("UploadPart") - before).toBe(4 - there.length);
    expect(told).toBe(content.length);
    expect(count("AbortMultipartUpload")).toBe(0);
    expect(stored("blob")?.bytes.equals(content)).toBe(true);
  });

  it("sends a part again whose bytes are others, though it is as long", async () => {
    const body = fileOf(content);
    const store = await openStore(place());
    const down: Fault = { kind: "refuse", status: 403, code: "AccessDenied" };
    fake.faults.add({ when: nth("CompleteMultipartUpload"), fault: down });
    await expect(store.create("blob", body)).rejects.toMatchObject({ code: "store.denied" });
    const [upload] = fake.bucket("models").uploads.values();
    const part = upload?.parts.get(2);
    const other = fileOf(
      Buffer.concat([content.subarray(0, 9 * mebi), randomBytes(content.length - 9 * mebi)]),
    );
    const before = count("UploadPart");
    await expect(store.create("blob", { ...other, digest: body.digest })).rejects.toMatchObject({
      code: "store.source-changed",
    });
    expect(count("UploadPart") - before).toBe(3);
    expect(upload?.parts.get(2)?.etag).not.toBe(part?.etag);
    expect(stored("blob")).toBeUndefined();
    expect(await store.create("blob", body)).toBe("created");
    expect(stored("blob")?.bytes.equals(content)).toBe(true);
  });

  it.each<[string, Operation, Fault]>([
    ["the reply of Complete was lost", "CompleteMultipartUpload", { kind: "lose-reply" }],
    [
      "Complete said 500 and did it",
      "CompleteMultipartUpload",
      { kind: "act-then-refuse", status: 500, code: "InternalError" },
    ],
    [
      "Complete said 200 with an error in it",
      "CompleteMultipartUpload",
      { kind: "error-in-200", code: "InternalError" },
    ],
    ["Complete was throttled", "CompleteMultipartUpload", slowDown],
    ["a part was cut", "UploadPart", { kind: "cut-request", after: 3 * mebi }],
    ["a part's reply was lost", "UploadPart", { kind: "lose-reply" }],
    ["a part was refused before it was read", "UploadPart", { ...slowDown, kind: "refuse-early" }],
    ["the upload was begun and the reply lost", "CreateMultipartUpload", { kind: "lose-reply" }],
  ])("is whole though %s", async (_what, operation, fault) => {
    fake.faults.add({ when: nth(operation), fault });
    const store = await openStore(place());
    expect(await store.create("blob", fileOf(content))).toBe("created");
    expect(stored("blob")?.bytes.equals(content)).toBe(true);
  });

  it("is begun again when somebody abandons the upload", async () => {
    const met = () => fake.bucket("models").uploads.clear();
    const gone: Fault = { kind: "refuse", status: 404, code: "NoSuchUpload" };
    fake.faults.add({ when: nth("UploadPart", 2), fault: gone, met });
    const store = await openStore(place());
    let told = 0;
    expect(await store.create("blob", fileOf(content), (more) => (told += more))).toBe("created");
    expect(told).toBe(content.length);
    expect(count("CreateMultipartUpload")).toBe(2);
    expect(stored("blob")?.bytes.equals(content)).toBe(true);
  });

  it("is not taken for stored when the server has less of it", async () => {
    const met = () => {
      const object = stored("blob");
      if (object !== undefined) object.bytes = object.bytes.subarray(1);
    };
    const late: Fault = { kind: "drip", bytes: mebi, everyMs: 0 };
    fake.faults.add({ when: nth("HeadObject", 2), fault: late, met });
    const store = await openStore(place());
    const damaged = { code: "store.damaged", exit: "attention" };
    await expect(store.create("blob", fileOf(content))).rejects.toMatchObject(damaged);
  });

  it("is downloaded whole though pieces are cut", async () => {
    const store = await openStore(place());
    await store.create("blob", fileOf(content));
    fake.faults.add({ when: nth("GetObject"), fault: { kind: "cut-reply", after: mebi }, times: 3 });
    const file = join(scratch, "copy");
    expect(await store.download("blob", file)).toBe(true);
    expect(readFileSync(file).equals(content)).toBe(true);
  });

  it("is not sent where it is refused, and says which right is missing", async () => {
    const large = randomBytes(9 * mebi);
    fake.manners.denied = (action) => action === "s3:PutObject";
    const store = await openStore(place());
    const refused = { code: "store.denied", fix: expect.stringContaining("s3:PutObject") };
    await expect(store.create("blob", fileOf(large))).rejects.toMatchObject(refused);
    expect(count("UploadPart")).toBe(0);
  });
});

describe("where and who", () => {
  it("finds a bucket in another region, once", async () => {
    fake.bucket("models").region = "eu-central-1";
    const store = await openStore(place());
    expect(await store.create("a", bytes)).toBe("created");
    expect(await store.size("a")).toBe(bytes.length);
    expect(fake.requests.map(({ status }) => status)).toEqual([301, 200, 200]);
  });

  it("signs by the server's clock when this machine's is wrong", async () => {
    fake.manners.clock = () => new Date(Date.now() + 5 * 3_600_000);
    const store = await openStore(place());
    expect(await store.create("a", bytes)).toBe("created");
    expect(await store.size("a")).toBe(bytes.length);
    expect(fake.requests.map(({ status }) => status)).toEqual([403, 200, 200]);
  });

  it("says that credentials have expired, after asking for fresh ones", async () => {
    const expired: Fault = { kind: "refuse", status: 400, code: "ExpiredToken" };
    fake.faults.add({ when: () => true, fault: expired, times: 1 });
    const store = await openStore(place());
    expect(await store.create("a", bytes)).toBe("created");
    fake.faults.add({ when: () => true, fault: expired, times: 99 });
    await expect(store.create("b", bytes)).rejects.toMatchObject({ code: "store.credentials" });
    expect(fake.requests).toHaveLength(4);
  });

  it("hears why a HEAD was refused", async () => {
    fake.faults.add({
      when: () => true,
      fault: { kind: "refuse", status: 400, code: "ExpiredToken" },
      times: 99,
    });
    const store = await openStore(place());
    const why = expect.stringContaining("ExpiredToken");
    await expect(store.size("a")).rejects.toMatchObject({ code: "store.credentials", why });
  });

  it.each([
    ["no such bucket", "NoSuchBucket", 404, "store.bucket-missing"],
    ["an unknown key", "InvalidAccessKeyId", 403, "store.credentials"],
    ["a wrong secret", "SignatureDoesNotMatch", 403, "store.credentials"],
    ["a quota", "QuotaExceeded", 403, "store.full"],
    ["a full disk", "XMinioStorageFull", 507, "store.full"],
    ["a disabled key of KMS", "KMS.DisabledException", 400, "store.encryption"],
    ["whatever else", "MethodNotAllowed", 405, "store.refused"],
  ])("says in one error: %s", async (_what, code, status, expected) => {
    fake.faults.add({ when: () => true, fault: { kind: "refuse", status, code }, times: 99 });
    const store = await openStore(place());
    const asked = [store.create("a", bytes), store.read("a")];
    for (const result of await Promise.allSettled(asked)) {
      expect(result).toMatchObject({
        status: "rejected",
        reason: { code: expected, exit: "unavailable", what: expect.any(String), fix: expect.any(String) },
      });
    }
  });

  it("is unreachable where nothing listens, at once", async () => {
    const { url } = fake;
    await fake.close();
    const store = await openStore({ url, bucket: "models" });
    await expect(store.read("a")).rejects.toMatchObject({ code: "store.unreachable" });
    await expect(store.read("a")).rejects.toMatchObject({ why: expect.stringContaining("ECONNREFUSED") });
    fake = await startFakeS3();
  });

  it("stops in the middle when the command is interrupted", async () => {
    const controller = new AbortController();
    const reason = new MlshipError({ code: "interrupted", what: "interrupted", exit: "interrupted" });
    const met = () => controller.abort(reason);
    fake.faults.add({ when: nth("UploadPart"), fault: { kind: "stall" }, times: 99, met });
    await openStore(place());
    const store = await openS3Store(settingsFor(place()), { ...quickly, signal: controller.signal });
    await expect(store.create("blob", fileOf(randomBytes(17 * mebi)))).rejects.toBe(reason);
    expect(fake.bucket("models").uploads.size).toBe(1);
  });
});

describe("what the server protects", () => {
  const key = () => {
    const file = join(scratch, "key");
    if (!existsSync(file)) writeFileSync(file, randomBytes(32));
    return file;
  };

  it("refuses a server that takes encryption headers and ignores them, before anything is sent", async () => {
    fake.manners.ignoresEncryption = true;
    const store = await openStore(place(), { encryption: "kms" });
    const ignored = { code: "store.encryption-ignored" };
    await expect(store.create("a", bytes)).rejects.toMatchObject(ignored);
    await expect(store.create("b", fileOf(randomBytes(17 * mebi)))).rejects.toMatchObject(ignored);
    expect([...fake.bucket("models").objects.keys()]).toEqual(["team/probe/encryption-kms"]);
  });

  it("locks what it creates, in a bucket that can", async () => {
    const lock = { mode: "governance", days: 3 } as const;
    await expect((await openStore(place(), { lock })).create("a", bytes)).rejects.toMatchObject({
      code: "store.lock",
    });
    expect(stored("a")).toBeUndefined();
    fake.addBucket("models", { lockable: true });
    const store = await openStore(place(), { lock });
    await store.create("a", bytes);
    await store.create("b", fileOf(randomBytes(9 * mebi)));
    for (const name of ["a", "b"]) {
      const kept = stored(name)?.protection.lock;
      expect(kept?.mode).toBe("GOVERNANCE");
      expect(Number(kept?.until)).toBeGreaterThan(Date.now() + 2.9 * 86_400_000);
    }
  });

  it("never sends a customer's key in the clear", async () => {
    const opened = openStore(place(), { encryption: "customer", customerKeyFile: key() });
    await expect(opened).rejects.toMatchObject({ code: "store.encryption", exit: "usage" });
    expect(fake.requests).toEqual([]);
  });

  it.each([
    ["s3", {}],
    ["kms", { kmsKey: "alias/models" }],
    ["customer", {}],
  ] as const)("encrypts with %s over TLS, small and large, and reads it back", async (encryption, more) => {
    await fake.close();
    const tls = makeCertificate();
    setDefaultCACertificates([...getCACertificates(), tls.cert]);
    fake = await startFakeS3({ tls });
    fake.addBucket("models");
    const customerKeyFile = encryption === "customer" ? key() : null;
    const store = await openStore(place(), { encryption, customerKeyFile, ...more });
    const large = randomBytes(17 * mebi);
    expect(await store.create("a", bytes)).toBe("created");
    expect(await store.create("b", fileOf(large))).toBe("created");
    for (const name of ["a", "b"]) expect(stored(name)?.protection.encryption.kind).toBe(encryption);
    expect(await store.read("a")).toEqual(bytes);
    expect(await store.size("b")).toBe(large.length);
    const file = join(scratch, "copy");
    await store.download("b", file);
    expect(readFileSync(file).equals(large)).toBe(true);
    const payloads = fake.requests.filter(({ operation }) => operation === "UploadPart");
    expect(payloads.map(({ headers }) => headers["x-amz-content-sha256"])).toContain("UNSIGNED-PAYLOAD");
    const again = await openStore(place(), { encryption, customerKeyFile, ...more });
    expect(await again.create("c", bytes)).toBe("created");
  });

  it.each(["", "too short", randomBytes(33)])(
    "refuses a key file that holds no key (%#)",
    async (content) => {
      const file = join(scratch, "bad-key");
      writeFileSync(file, content);
      const url = fake.url.replace("http:", "https:");
      const opened = openStore({ url, bucket: "models" }, { encryption: "customer", customerKeyFile: file });
      await expect(opened).rejects.toMatchObject({ code: "store.key-file", exit: "usage" });
    },
  );
});

test("speaks Google's dialect for gs://", async () => {
  fake.manners.dialect = "google";
  await openStore(place());
  const settings = { ...settingsFor(place()), store: "gs://models/team" };
  const store = await openS3Store(settings, quickly);
  const large = randomBytes(17 * mebi);
  expect(await store.create("a", bytes)).toBe("created");
  expect(await store.create("a", Buffer.from("other"))).toBe("exists");
  expect(await store.create("b", fileOf(large))).toBe("created");
  expect(await store.read("a")).toEqual(bytes);
  expect(await store.size("b")).toBe(large.length);
  const keys: string[] = [];
  for await (const found of store.list("")) keys.push(found);
  expect(keys).toEqual(["a", "b"]);
  expect(stored("b")?.bytes.equals(large)).toBe(true);
  const names = fake.requests.flatMap(({ headers }) => Object.keys(headers));
  expect(names.filter((name) => name.startsWith("x-amz-"))).toEqual([]);
  const locked = openS3Store({ ...settings, s3: { ...settings.s3, encryption: "kms" } }, quickly);
  await expect(locked).rejects.toMatchObject({ code: "store.encryption", exit: "usage" });
});

describe("many small files", () => {
  const files = Array.from({ length: 150 }, (_none, at) => Buffer.from(`file ${at} `.repeat(at)));

  it("are read in a thread of their own after the first ones, and arrive as they are", async () => {
    const store = await openStore(place());
    const bodies = files.map(fileOf);
    const told = await Promise.all(bodies.map((body) => store.create(body.digest.slice(7), body)));
    expect(new Set(told)).toEqual(new Set(["created"]));
    for (const [at, { digest }] of bodies.entries())
      expect(stored(digest.slice(7))?.bytes.equals(files[at] ?? Buffer.of())).toBe(true);
  });

  it("are refused one by one where they changed or went away", async () => {
    const store = await openStore(place());
    const bodies = files.map(fileOf);
    const [early, late, gone] = [bodies[3], bodies[120], bodies[140]];
    for (const body of [early, late]) writeFileSync(body?.file ?? "", "other bytes");
    rmSync(gone?.file ?? "");
    const settled = await Promise.allSettled(bodies.map((body) => store.create(body.digest.slice(7), body)));
    const failed = settled.flatMap((one, at) => (one.status === "rejected" ? [[at, one.reason.code]] : []));
    expect(failed).toEqual([
      [3, "store.source-changed"],
      [120, "store.source-changed"],
      [140, "ENOENT"],
    ]);
    expect(fake.bucket("models").objects.size).toBe(files.length - 3);
  });
});
