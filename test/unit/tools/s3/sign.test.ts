// Signatures: the examples that Amazon publishes, and whatever its own signer makes of other requests.
import { createHash, createHmac } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { amazon, google } from "../../../../src/tools/s3/dialect.ts";
import { encodePath, encodeQuery, sign } from "../../../../src/tools/s3/sign.ts";

// "Signature Calculations for the Authorization Header" in the Amazon S3 API reference.
const example = {
  dialect: amazon,
  region: "us-east-1",
  credentials: {
    accessKeyId: "AKIAIOSFODNN7EXAMPLE",
    secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  },
};
const at = new Date("2013-05-24T00:00:00Z");
const empty = createHash("sha256").digest("hex");
const welcome = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
const host = "examplebucket.s3.amazonaws.com";

test.each([
  {
    what: "GET with a range",
    request: {
      method: "GET",
      path: "/test.txt",
      query: {},
      headers: { host, range: "bytes=0-9" },
      payload: empty,
    },
    signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
  },
  {
    what: "PUT",
    request: {
      method: "PUT",
      path: encodePath("/test$file.text"),
      query: {},
      headers: { host, date: "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY" },
      payload: welcome,
    },
    signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
  },
  {
    what: "a member of the query without a value",
    request: { method: "GET", path: "/", query: { lifecycle: "" }, headers: { host }, payload: empty },
    signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
  },
  {
    what: "a list",
    request: {
      method: "GET",
      path: "/",
      query: { prefix: "J", "max-keys": "2" },
      headers: { host },
      payload: empty,
    },
    signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
  },
])("signs Amazon's example: $what", ({ request, signature }) => {
  expect(sign(request, example, at)["authorization"]).toMatch(new RegExp(`, Signature=${signature}$`));
});

class Sha256 {
  readonly #hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    const key = typeof secret === "string" ? secret : secret && Buffer.from(secret as Uint8Array);
    this.#hash = key === undefined ? createHash("sha256") : createHmac("sha256", key);
  }
  update(bytes: string | Uint8Array) {
    this.#hash.update(bytes);
  }
  digest() {
    return Promise.resolve(new Uint8Array(this.#hash.digest()));
  }
  reset() {}
}

test("signs any request as Amazon's own signer does", async () => {
  const text = fc.string({ unit: "grapheme", maxLength: 12 });
  const value = fc.string({ unit: fc.constantFrom("a", "Z", "0", " ", "+", "=", "/", "é"), maxLength: 12 });
  const names = fc.constantFrom("prefix", "start-after", "uploadId", "partNumber", "max-keys", "uploads");
  await fc.assert(
    fc.asyncProperty(
      fc.array(text, { minLength: 1, maxLength: 4 }),
      fc.dictionary(names, text),
      fc.dictionary(fc.constantFrom("x-amz-meta-a", "content-type", "x-amz-b", "range"), value),
      fc.option(fc.constant("session token"), { nil: undefined }),
      fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }),
      async (keys, query, more, sessionToken, when) => {
        const path = encodePath(`/${keys.join("/")}`);
        const headers = { host, ...more };
        const credentials = { ...example.credentials, ...(sessionToken !== undefined && { sessionToken }) };
        const ours = sign(
          { method: "PUT", path, query, headers, payload: welcome },
          { ...example, credentials },
          when,
        );
        const signer = new SignatureV4({
          service: "s3",
          region: "us-east-1",
          credentials,
          sha256: Sha256,
          uriEscapePath: false,
          applyChecksum: false,
        });
        const theirs = await signer.sign(
          {
            method: "PUT",
            protocol: "https:",
            hostname: host,
            path,
            query,
            headers: { ...headers, "x-amz-content-sha256": welcome },
          },
          // It leaves range out by itself; here everything is signed.
          { signingDate: when, signableHeaders: new Set([...Object.keys(headers), "range"]) },
        );
        expect(ours["authorization"]).toBe(theirs.headers["authorization"]);
      },
    ),
    { numRuns: 300 },
  );
});

test("says the same in Google's words", () => {
  const headers = sign(
    { method: "GET", path: "/b/a", query: {}, headers: { host: "storage.googleapis.com" }, payload: empty },
    { ...example, dialect: google, region: "auto" },
    at,
  );
  expect(headers["authorization"]).toMatch(
    /^GOOG4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE\/20130524\/auto\/storage\/goog4_request, SignedHeaders=host;x-goog-content-sha256;x-goog-date, Signature=[0-9a-f]{64}$/,
  );
  expect(Object.keys(headers).filter((name) => name.startsWith("x-amz-"))).toEqual([]);
});

test("encodes what is unsafe, once, and sorts a query", () => {
  expect(encodePath("/a b/é+(1)*.json")).toBe("/a%20b/%C3%A9%2B%281%29%2A.json");
  expect(encodeQuery({ b: "1/2", a: "", "a-b": "~" })).toBe("a=&a-b=~&b=1%2F2");
});
