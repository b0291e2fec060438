// The policies that `mlship doctor --policy` prints, in force on MinIO: they are enough, and nothing in them is too much.
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { crc32 } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { blobKey, probeKey } from "../../../src/artifacts/layout.ts";
import { policyOf, type IamPolicy, type StoreRole } from "../../../src/artifacts/policy.ts";
import { openForWriting } from "../../../src/artifacts/store-document.ts";
import { digestBytes } from "../../../src/digest.ts";
import { encodeCrc32 } from "../../../src/tools/s3/checksum.ts";
import { partSizeOf } from "../../../src/tools/s3/part-plan.ts";
import { openS3Store, openS3Sweeper } from "../../../src/tools/s3/open.ts";
import { ask, type Place } from "../../s3/ask.ts";
import { openStore, quickly, settingsFor, testEnvironment } from "../../s3/open-store.ts";
import { openBucket, removeBucket } from "../../s3/own-bucket.ts";
import { openCancer, type Project } from "../project.ts";
import { openSession } from "./session.ts";

const server = process.env["MLSHIP_TEST_S3_MINIO"] ?? "";
const opening = { singleWriter: false, at: "2026-01-02T03:04:05.000Z", actor: "ada@loom", tool: "0.0.0" };
let place: Place;
let folder: string;

beforeAll(async () => {
  place = await openBucket(server);
  folder = await mkdtemp(path.join(tmpdir(), "mlship-policy-"));
  const store = await openStore(place);
  await openForWriting(store, opening);
  await store.create(blobKey(digestBytes("kept")), Buffer.from("kept"));
});

afterEach(() => {
  delete process.env["AWS_SESSION_TOKEN"];
});

afterAll(async () => {
  await removeBucket(place);
  await rm(folder, { recursive: true });
});

/** The policy of a role, less one action. */
function policyFor(role: StoreRole, without = ""): IamPolicy {
  const { Version, Statement } = policyOf(role, settingsFor(place));
  const left = Statement.map((one) => ({
    ...one,
    Action: one.Action.filter((action) => action !== without),
  }));
  return { Version, Statement: left.filter(({ Action }) => Action.length > 0) };
}

/** Opens the store and what sweeps it with the rights of a policy. */
async function openAs(policy: IamPolicy) {
  Object.assign(process.env, testEnvironment, await openSession(server, policy));
  const settings = settingsFor(place);
  return { store: await openS3Store(settings, quickly), sweeper: await openS3Sweeper(settings, quickly) };
}

async function all<T>(listed: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of listed) found.push(one);
  return found;
}

type Opened = Awaited<ReturnType<typeof openAs>>;
let objects = 0;

/** Begins the upload of a large file as somebody did who was killed after the first part. */
async function beginUpload() {
  const bytes = randomBytes(partSizeOf(1) + 1000);
  const digest = digestBytes(bytes);
  const key = `team/${blobKey(digest)}`;
  const headers = { "x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": "FULL_OBJECT" };
  const begun = await ask(place, { method: "POST", key, query: { uploads: "" }, headers });
  const id = /<UploadId>(.*?)</.exec(begun.body.toString())?.[1] ?? "";
  const part = bytes.subarray(0, partSizeOf(bytes.length));
  const checked = { "x-amz-checksum-crc32": encodeCrc32(crc32(part)) };
  const query = { uploadId: id, partNumber: "1" };
  expect((await ask(place, { method: "PUT", key, query, headers: checked, body: part })).status).toBe(200);
  const file = path.join(folder, digest.slice(-12));
  await writeFile(file, bytes);
  return { key: blobKey(digest), id, body: { file, size: bytes.length, digest } };
}

const work: Record<StoreRole, (opened: Opened) => Promise<void>> = {
  async writer({ store }) {
    await openForWriting(store, opening);
    const { key, body } = await beginUpload();
    expect(await store.create(key, body)).toBe("created");
    const version = `models/fraud/versions/1.0.${(objects += 1)}.json`;
    expect(await store.create(version, Buffer.from("{}"))).toBe("created");
    expect(await store.size("models/fraud/versions/9.9.9.json")).toBeNull();
    expect(await all(store.list("models/"))).toContain(version);
  },
  async reader({ store }) {
    expect(await store.read("mlship.json")).not.toBeNull();
    expect(await store.size("models/fraud/versions/9.9.9.json")).toBeNull();
    expect((await all(store.list("blobs/"))).length).toBeGreaterThan(0);
  },
  async pod({ store }) {
    expect(await store.read(blobKey(digestBytes("kept")))).toEqual(Buffer.from("kept"));
  },
  async gc({ store, sweeper }) {
    await sweeper.now();
    await store.read("mlship.json");
    const key = probeKey("gone", (objects += 1));
    await store.create(key, Buffer.from("garbage"));
    const found = await all(sweeper.kept("probe/"));
    expect(found.map((object) => object.key)).toContain(key);
    expect(await sweeper.remove(key)).toBe("removed");
    await all(sweeper.unfinished());
    const upload = await beginUpload();
    await sweeper.abandon({ ...upload, at: new Date() });
  },
};

describe.each(["writer", "reader", "pod", "gc"] as const)("the policy of a %s", (role) => {
  test("is enough for its work", async () => {
    await work[role](await openAs(policyFor(role)));
  });

  test("has no action that is not needed", async () => {
    const { Statement } = policyOf(role, settingsFor(place));
    const actions = new Set(Statement.flatMap(({ Action }) => Action));
    expect(actions.size).toBeGreaterThan(0);
    for (const action of actions) {
      const opened = await openAs(policyFor(role, action));
      const refused = await work[role](opened).then(
        () => "nothing was refused",
        (error: unknown) => error,
      );
      expect(refused, action).toMatchObject({ code: "store.denied" });
      expect(String(Object(refused).fix), action).toContain(action);
    }
  });
});

test("no policy reaches what lies beside the store, and pods read blobs only", async () => {
  await ask(place, { method: "PUT", key: "other/secret", body: Buffer.from("theirs") });
  for (const role of ["writer", "reader", "pod", "gc"] as const) {
    const policy = policyFor(role);
    const session = await openSession(server, policy);
    const credentials = {
      accessKeyId: session.AWS_ACCESS_KEY_ID,
      secretAccessKey: session.AWS_SECRET_ACCESS_KEY,
      sessionToken: session.AWS_SESSION_TOKEN,
    };
    const status = async (question: Parameters<typeof ask>[1]) =>
      (await ask(place, { ...question, credentials })).status;
    expect(await status({ key: "other/secret" })).toBe(403);
    expect(await status({ method: "PUT", key: "other/mine", body: Buffer.from("x") })).toBe(403);
    expect(await status({ method: "DELETE", key: "other/secret" })).toBe(403);
    expect(await status({ query: { "list-type": "2", prefix: "other/" } })).toBe(403);
    if (role === "pod") expect(await status({ key: "team/mlship.json" })).toBe(403);
  }
});

describe("with the real binary", () => {
  let project: Project;
  afterEach(() => project.close());

  test("a writer uploads, a reader reads and gc removes; whoever does more is told which right they lack", async () => {
    project = await openCancer("1.0.0", { ...testEnvironment });
    const artifacts = { store: `s3://${place.bucket}/real`, s3: { endpoint: server } };
    await project.write("1.0.0", { artifacts });
    const garbage = { key: `real/${blobKey(digestBytes("garbage"))}`, body: Buffer.from("garbage") };
    expect((await ask(place, { method: "PUT", ...garbage })).status).toBe(200);
    const sessionOf = async (role: string) => {
      const { policy } = await project.json<{ policy: IamPolicy }>(["doctor", "--policy", role]);
      return await openSession(server, policy);
    };
    const [writer, reader] = [await sessionOf("writer"), await sessionOf("reader")];
    await project.mlship(["doctor"], 0, writer);
    const refused = await project.mlship(["upload"], 5, reader);
    expect(refused.told).toContain("s3:PutObject");
    expect(await project.json(["upload"], 0, writer)).toMatchObject({ created: true });
    for (const words of [["history"], ["versions"], ["versions", "verify"]])
      await project.mlship(words, 0, reader);
    const sweeping = ["gc", "--delete", "--yes", "--grace", "1s"];
    expect((await project.mlship(sweeping, 5, writer)).told).toContain("s3:DeleteObject");
    await project.mlship(sweeping, 0, await sessionOf("gc"));
    expect((await ask(place, { method: "HEAD", key: garbage.key })).status).toBe(404);
    await project.mlship(["versions", "verify"], 0, reader);
  });
});
