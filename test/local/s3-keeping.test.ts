// What a bucket tells of how it keeps objects: answers as Amazon documents them, from a server that says nothing else.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { openBucket } from "../../src/tools/s3/open.ts";
import { readKeeping } from "../../src/tools/s3/keeping.ts";
import { quickly, settingsFor, testEnvironment } from "../s3/open-store.ts";

type Setting = "versioning" | "object-lock" | "lifecycle";
type Told = Partial<Record<Setting, { status: number; body: string }>>;

let server: Server | undefined;
afterEach(() => void server?.close());

/** What is read of a bucket that tells this; of what it does not tell it says that it may not be asked. */
async function keepingOf(told: Told) {
  server = createServer((request, response) => {
    const query = new URL(request.url ?? "", "http://any").searchParams;
    const setting = (["versioning", "object-lock", "lifecycle"] as const).find((name) => query.has(name));
    const denied = { status: 403, body: "<Error><Code>AccessDenied</Code></Error>" };
    const listed = { status: 200, body: "<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>" };
    const { status, body } = setting === undefined ? listed : (told[setting] ?? denied);
    response.writeHead(status, { date: "Sat, 21 Nov 2026 12:00:00 GMT" }).end(body);
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  Object.assign(process.env, testEnvironment);
  const place = { url: `http://127.0.0.1:${port}`, bucket: "acme" };
  return await readKeeping(await openBucket(settingsFor(place), quickly));
}

const ok = (body: string) => ({ status: 200, body });
const none = (code: string) => ({ status: 404, body: `<Error><Code>${code}</Code></Error>` });
const rules = (...all: string[]) =>
  ok(`<LifecycleConfiguration>${all.map((one) => `<Rule>${one}</Rule>`).join("")}</LifecycleConfiguration>`);
const enabled = "<Status>Enabled</Status>";
const aborts =
  "<AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload>";
const expires = "<Expiration><Days>30</Days></Expiration>";
const below = (prefix: string) => `<Filter><Prefix>${prefix}</Prefix></Filter>`;

test("a bucket that tells nothing leaves everything open but the time", async () => {
  expect(await keepingOf({})).toEqual({
    now: new Date("2026-11-21T12:00:00Z"),
    versioning: null,
    lock: null,
    lifecycle: null,
  });
});

test("a bucket without any settings has none of them", async () => {
  const told = {
    versioning: ok("<VersioningConfiguration/>"),
    "object-lock": none("ObjectLockConfigurationNotFoundError"),
    lifecycle: none("NoSuchLifecycleConfiguration"),
  };
  expect(await keepingOf(told)).toMatchObject({
    versioning: false,
    lock: false,
    lifecycle: { aborts: false, expires: false },
  });
});

test("versioning that is suspended is off; with both on, both are told", async () => {
  const versioning = (status: string) =>
    ok(`<VersioningConfiguration><Status>${status}</Status></VersioningConfiguration>`);
  const lock =
    "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>";
  expect(await keepingOf({ versioning: versioning("Suspended") })).toMatchObject({ versioning: false });
  expect(await keepingOf({ versioning: versioning("Enabled"), "object-lock": ok(lock) })).toMatchObject({
    versioning: true,
    lock: true,
  });
});

// The store is below team/ in its bucket.
test.each([
  ["of the whole bucket", [`${enabled}${below("")}${aborts}`], { aborts: true, expires: false }],
  ["without a filter", [`${enabled}<Prefix/>${expires}`], { aborts: false, expires: true }],
  ["of the store's prefix", [`${enabled}${below("team/")}${expires}`], { aborts: false, expires: true }],
  [
    "of a part of the store",
    [`${enabled}${below("team/blobs/")}${expires}`],
    { aborts: false, expires: true },
  ],
  [
    "of another prefix",
    [`${enabled}${below("logs/")}${expires}${aborts}`],
    { aborts: false, expires: false },
  ],
  [
    "that is switched off",
    [`<Status>Disabled</Status>${below("")}${expires}`],
    { aborts: false, expires: false },
  ],
  [
    "of objects with a tag",
    [`${enabled}<Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter>${expires}`],
    { aborts: false, expires: false },
  ],
  [
    "of markers of removed objects",
    [
      `${enabled}${below("")}<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>`,
    ],
    { aborts: false, expires: false },
  ],
  [
    "beside another",
    [`${enabled}${below("")}${aborts}`, `${enabled}${below("team/")}${expires}`],
    { aborts: true, expires: true },
  ],
])("a lifecycle rule %s", async (_what, all, lifecycle) => {
  expect(await keepingOf({ lifecycle: rules(...all) })).toMatchObject({ lifecycle });
});
