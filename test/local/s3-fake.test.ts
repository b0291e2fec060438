// The strict fake S3 server: it answers as Amazon's is documented to, and goes wrong as it is told to.
import { createHash, randomBytes } from "node:crypto";
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { ask } from "../s3/ask.ts";
import type { Place, Question } from "../s3/ask.ts";
import { putAsGoogle } from "../s3/ask-google.ts";
import { makeCertificate } from "../s3/fake/certificate.ts";
import { nth, slowDown } from "../s3/fake/faults.ts";
import type { Fault } from "../s3/fake/faults.ts";
import { startFakeS3 } from "../s3/fake/server.ts";
import type { FakeS3 } from "../s3/fake/server.ts";
import { probes } from "../s3/probes.ts";

let fake: FakeS3;
let place: Place;

beforeEach(async () => {
  fake = await startFakeS3();
  fake.addBucket("models");
  place = { url: fake.url, bucket: "models" };
});

afterEach(() => fake.close());

const put = (key: string, more: Question = {}) =>
  ask(place, { method: "PUT", key, body: Buffer.from("bytes"), ...more });

async function told(question: Question): Promise<string> {
  const { status, code } = await ask(place, question);
  return code === null ? String(status) : `${status} ${code}`;
}

test.each(Object.entries(probes))("%s", async (_name, probe) => {
  expect(await probe.run(place)).toBe(probe.expected);
});

describe("Amazon's own client", () => {
  const credentials = { accessKeyId: "test", secretAccessKey: "testsecret" };

  it("stores and reads with its default checksums, whole and in parts", async () => {
    const client = new S3Client({
      endpoint: fake.url,
      region: "us-east-1",
      forcePathStyle: true,
      credentials,
    });
    const at = { Bucket: "models", Key: "by/the sdk+é" };
    await client.send(new PutObjectCommand({ ...at, Body: "first", IfNoneMatch: "*" }));
    const again = client.send(new PutObjectCommand({ ...at, Body: "second", IfNoneMatch: "*" }));
    await expect(again).rejects.toMatchObject({ name: "PreconditionFailed" });
    const found = await client.send(new GetObjectCommand({ ...at, ChecksumMode: "ENABLED" }));
    expect(await found.Body?.transformToString()).toBe("first");
    const { UploadId } = await client.send(
      new CreateMultipartUploadCommand({ ...at, ChecksumAlgorithm: "CRC32C" }),
    );
    const pieces = [randomBytes(5 * 1024 * 1024), Buffer.from("the end")];
    const parts = await Promise.all(
      pieces.map(async (Body, index) => {
        const part = { ...at, UploadId, PartNumber: index + 1, ChecksumAlgorithm: "CRC32C" as const };
        const { ETag, ChecksumCRC32C } = await client.send(new UploadPartCommand({ ...part, Body }));
        return { ETag, ChecksumCRC32C, PartNumber: index + 1 };
      }),
    );
    const done = await client.send(
      new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts: parts } }),
    );
    expect(done.ChecksumCRC32C).toMatch(/-2$/);
    expect(fake.bucket("models").objects.get(at.Key)?.bytes.equals(Buffer.concat(pieces))).toBe(true);
    client.destroy();
  });
});

describe("who may do what", () => {
  it("a session ends", async () => {
    const session = { accessKeyId: "s", secretAccessKey: "x", sessionToken: "t" };
    fake.credentials.push({ ...session, expires: new Date(Date.now() + 60_000) });
    expect((await put("a", { credentials: session })).status).toBe(200);
    const other = await put("a", { credentials: { ...session, sessionToken: "u" } });
    expect([other.status, other.code]).toEqual([400, "InvalidToken"]);
    fake.manners.clock = () => new Date(Date.now() + 61_000);
    const late = await put("a", { credentials: session });
    expect([late.status, late.code]).toEqual([400, "ExpiredToken"]);
  });

  it("an action is denied, and 404 is hidden from who may not list", async () => {
    await put("a");
    fake.manners.denied = (action) => action === "s3:PutObject";
    expect(await told({ method: "PUT", key: "b" })).toBe("403 AccessDenied");
    expect(await told({ key: "a" })).toBe("200");
    fake.manners.denied = (action) => action === "s3:ListBucket";
    expect([
      await told({ key: "a" }),
      await told({ key: "b" }),
      await told({ query: { "list-type": "2" } }),
    ]).toEqual(["200", "403 AccessDenied", "403 AccessDenied"]);
  });

  it("a request for another region is sent there", async () => {
    fake.addBucket("far", { region: "eu-central-1" });
    place.bucket = "far";
    const { status, code, headers } = await put("a");
    expect([status, code, headers["x-amz-bucket-region"]]).toEqual([
      301,
      "PermanentRedirect",
      "eu-central-1",
    ]);
    expect((await put("a", { region: "eu-central-1" })).status).toBe(200);
  });

  it("a quota is kept", async () => {
    fake.addBucket("small", { quota: 8 });
    place.bucket = "small";
    expect((await put("a")).status).toBe(200);
    expect((await put("b")).code).toBe("QuotaExceeded");
    expect((await put("c", { body: Buffer.from("abc") })).status).toBe(200);
  });
});

describe("encryption and locks", () => {
  it("a locked object can be hidden, and its version not removed", async () => {
    fake.addBucket("locked", { lockable: true });
    const until = new Date(Date.now() + 60_000).toISOString();
    const headers = {
      "x-amz-object-lock-mode": "COMPLIANCE",
      "x-amz-object-lock-retain-until-date": until,
    };
    expect((await put("a", { headers })).code).toBe("InvalidRequest");
    place.bucket = "locked";
    expect((await put("a", { headers })).code).toBe("InvalidRequest");
    const summed = { ...headers, "content-md5": createHash("md5").update("bytes").digest("base64") };
    const version = String((await put("a", { headers: summed })).headers["x-amz-version-id"]);
    expect(await told({ method: "DELETE", key: "a", query: { versionId: version } })).toBe(
      "403 AccessDenied",
    );
    expect(await told({ method: "DELETE", key: "a" })).toBe("204");
    expect(await told({ key: "a" })).toBe("404 NoSuchKey");
    expect(fake.bucket("locked").hidden.map((object) => object.version)).toEqual([version]);
  });

  it("a key that the client brings is needed to read, and never sent in the clear", async () => {
    const key = randomBytes(32);
    const customer = "x-amz-server-side-encryption-customer";
    const headers = {
      [`${customer}-algorithm`]: "AES256",
      [`${customer}-key`]: key.toString("base64"),
      [`${customer}-key-md5`]: createHash("md5").update(key).digest("base64"),
    };
    expect((await put("a", { headers })).code).toBe("InvalidRequest");
    const tls = makeCertificate();
    const secure = await startFakeS3({ tls });
    try {
      secure.addBucket("models");
      place = { url: secure.url, bucket: "models", ca: tls.cert };
      expect((await put("a", { headers })).headers[`${customer}-key-md5`]).toBe(
        headers[`${customer}-key-md5`],
      );
      expect(await told({ key: "a" })).toBe("400 InvalidRequest");
      expect(await told({ key: "a", headers })).toBe("200");
    } finally {
      await secure.close();
    }
  });
});

describe("Google's dialect", () => {
  it("takes a generation for a condition, and no mix of headers", async () => {
    fake.manners.dialect = "google";
    const once = () => putAsGoogle(place, "a", Buffer.from("bytes"), { "x-goog-if-generation-match": "0" });
    const [first, second] = [await once(), await once()];
    expect([first.status, second.status, second.code]).toEqual([200, 412, "PreconditionFailed"]);
    const mixed = await put("b", { headers: { "x-goog-if-generation-match": "0" } });
    expect(mixed.code).toBe("ExcessHeaderValues");
    const amazons = await put("a", { headers: { "if-none-match": "*" } });
    expect([amazons.status, amazons.code]).toEqual([200, null]);
  });
});

describe("servers that lie about conditions", () => {
  it.each(["ignored", "racy"] as const)("%s: more than one of 20 creators wins", async (conditions) => {
    fake.manners.conditions = conditions;
    expect(Number(await probes["of 20 creators one wins"]?.run(place))).toBeGreaterThan(1);
  });
});

describe("the fault script", () => {
  const stored = () => [...fake.bucket("models").objects.keys()];
  const cases: [Fault, string, string[]][] = [
    [{ kind: "cut-request", after: 0 }, "no answer", []],
    [{ kind: "cut-request", after: 3 }, "no answer", []],
    [{ kind: "lose-reply" }, "no answer", ["a"]],
    [slowDown, "503 SlowDown", []],
    [{ ...slowDown, kind: "refuse-early" }, "503 SlowDown", []],
    [{ kind: "act-then-refuse", status: 500, code: "InternalError" }, "500 InternalError", ["a"]],
    [{ kind: "error-in-200", code: "InternalError" }, "200 InternalError", []],
  ];

  it.each(cases)("%j", async (fault, expected, left) => {
    fake.faults.add({ when: nth("PutObject"), fault });
    const answer = await told({ method: "PUT", key: "a", body: Buffer.from("bytes") }).catch(
      () => "no answer",
    );
    expect(answer).toBe(expected);
    expect(stored()).toEqual(left);
    expect((await put("b")).status).toBe(200);
    expect(fake.requests.map(({ number, operation }) => [number, operation])).toEqual([
      [1, "PutObject"],
      [2, "PutObject"],
    ]);
  });

  it("cuts and drips answers", async () => {
    await put("a", { body: Buffer.alloc(1000, "x") });
    fake.faults.add({ when: nth("GetObject"), fault: { kind: "cut-reply", after: 500 } });
    await expect(ask(place, { key: "a" })).rejects.toMatchObject({ code: "ECONNRESET" });
    fake.faults.add({ when: nth("GetObject"), fault: { kind: "drip", bytes: 300, everyMs: 1 } });
    expect((await ask(place, { key: "a" })).body.length).toBe(1000);
  });

  it("meets the n-th request of a kind, as often as it is told", async () => {
    fake.faults.add({ when: nth("HeadObject", 2), fault: slowDown, times: 2 });
    const statuses: number[] = [];
    for (let index = 0; index < 5; index += 1) {
      statuses.push((await ask(place, { method: "HEAD", key: "a" })).status);
    }
    expect(statuses).toEqual([404, 503, 503, 404, 404]);
  });
});
