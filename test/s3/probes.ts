// Questions to an S3 server, each with the answer that Amazon documents: what the fake server is held to, and real ones beside it.
import { createHash } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { crc32 } from "node:zlib";
import { ask } from "./ask.ts";
import type { Answer, Place, Question } from "./ask.ts";

interface Probe {
  /** What Amazon's server answers. */
  expected: string;
  run(place: Place): Promise<string>;
}

/** A part may be so small only when it is the last. */
const partSize = 5 * 1024 * 1024;
const text = Buffer.from("the bytes of an object");
const other = Buffer.from("other bytes of it here");

const said = ({ status, code }: Answer): string => (code === null ? String(status) : `${status} ${code}`);
const base64 = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest("base64");
const put = (place: Place, key: string, more: Question = {}) =>
  ask(place, { method: "PUT", key, body: text, ...more });
const createOnly = { "if-none-match": "*" };

/** CRC-32 as S3 writes it. */
export function crc(bytes: Uint8Array): string {
  const four = Buffer.alloc(4);
  four.writeUInt32BE(crc32(bytes));
  return four.toString("base64");
}

async function keys(place: Place, query: Record<string, string>): Promise<string> {
  const { body } = await ask(place, { query: { "list-type": "2", ...query } });
  return [...body.toString().matchAll(/<Key>(.*?)<\/Key>/g)].map(([, key]) => key).join(" ");
}

async function begin(place: Place, key: string, headers: Record<string, string> = {}): Promise<string> {
  const { body } = await ask(place, { method: "POST", key, query: { uploads: "" }, headers });
  return /<UploadId>(.*?)<\/UploadId>/.exec(body.toString())?.[1] ?? "none";
}

async function sendPart(place: Place, key: string, uploadId: string, number: number, body: Uint8Array) {
  const query = { partNumber: String(number), uploadId };
  const headers = { "x-amz-checksum-crc32": crc(body) };
  const { headers: told } = await ask(place, { method: "PUT", key, query, headers, body });
  const checksum = `<ChecksumCRC32>${crc(body)}</ChecksumCRC32>`;
  return `<Part><PartNumber>${number}</PartNumber><ETag>${String(told.etag)}</ETag>${checksum}</Part>`;
}

function complete(
  place: Place,
  key: string,
  uploadId: string,
  parts: string[],
  headers = {},
): Promise<Answer> {
  const body = Buffer.from(`<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`);
  return ask(place, { method: "POST", key, query: { uploadId }, headers, body });
}

const fullObject = { "x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": "FULL_OBJECT" };

/** Uploads two parts and completes them with the checksum that is named. */
async function twoParts(place: Place, key: string, checksum: (whole: Buffer) => string): Promise<Answer> {
  const [first, second] = [Buffer.alloc(partSize, "a"), Buffer.from("the end")];
  const id = await begin(place, key, fullObject);
  const parts = [await sendPart(place, key, id, 1, first), await sendPart(place, key, id, 2, second)];
  const whole = checksum(Buffer.concat([first, second]));
  const headers = { "x-amz-checksum-crc32": whole, "x-amz-checksum-type": "FULL_OBJECT" };
  return complete(place, key, id, parts, headers);
}

/** Each probe works below a prefix of its own, in a bucket that may hold anything else. */
export const probes: Record<string, Probe> = {
  "an object is given back": {
    expected: "200 200 true",
    async run(place) {
      const created = await put(place, "whole/a");
      const found = await ask(place, { key: "whole/a" });
      return `${said(created)} ${said(found)} ${text.equals(found.body)}`;
    },
  },
  "an empty object is one": {
    expected: "200 200 0",
    async run(place) {
      const created = await put(place, "empty/a", { body: new Uint8Array() });
      const found = await ask(place, { method: "HEAD", key: "empty/a" });
      return `${said(created)} ${said(found)} ${String(found.headers["content-length"])}`;
    },
  },
  "there is no object where none was created": {
    expected: "404 NoSuchKey, 404",
    async run(place) {
      const read = await ask(place, { key: "nothing" });
      return `${said(read)}, ${said(await ask(place, { method: "HEAD", key: "nothing" }))}`;
    },
  },
  "a key with a plus and a dot": {
    expected: "200 plus/1.0.0+build.7.json",
    async run(place) {
      const created = await put(place, "plus/1.0.0+build.7.json");
      return `${said(created)} ${await keys(place, { prefix: "plus/" })}`;
    },
  },
  "If-None-Match: * creates once": {
    expected: "200, 412 PreconditionFailed, first",
    async run(place) {
      const first = await put(place, "once/a", { body: Buffer.from("first"), headers: createOnly });
      const second = await put(place, "once/a", { body: Buffer.from("second"), headers: createOnly });
      const { body } = await ask(place, { key: "once/a" });
      return `${said(first)}, ${said(second)}, ${body.toString()}`;
    },
  },
  "of 20 creators one wins": {
    expected: "1",
    async run(place) {
      const creators = Array.from({ length: 20 }, (_, index) =>
        put(place, "race/a", { body: Buffer.from(`creator ${index}`), headers: createOnly }),
      );
      return String((await Promise.all(creators)).filter(({ status }) => status === 200).length);
    },
  },
  "a wrong x-amz-content-sha256 stores nothing": {
    expected: "400 XAmzContentSHA256Mismatch, 404",
    run: (place) => refusedPut(place, "sha/a", { instead: other }),
  },
  "a wrong Content-MD5 stores nothing": {
    expected: "400 BadDigest, 404",
    run: (place) => refusedPut(place, "md5/a", { headers: { "content-md5": base64("md5", other) } }),
  },
  "a wrong CRC-32 stores nothing": {
    expected: "400 BadDigest, 404",
    run: (place) => refusedPut(place, "crc/a", { headers: { "x-amz-checksum-crc32": crc(other) } }),
  },
  "a wrong SHA-256 stores nothing": {
    expected: "400 BadDigest, 404",
    run: (place) =>
      refusedPut(place, "sha256/a", { headers: { "x-amz-checksum-sha256": base64("sha256", other) } }),
  },
  "a cut upload without a checksum stores nothing": {
    expected: "404",
    async run(place) {
      const body = Buffer.alloc(200_000, "x");
      const cut = put(place, "cut/a", { body, payload: "UNSIGNED-PAYLOAD", cutAfter: 100_000 });
      await cut.catch(() => null);
      await wait(300);
      return said(await ask(place, { method: "HEAD", key: "cut/a" }));
    },
  },
  "a checksum is told when it is asked for": {
    expected: "true",
    async run(place) {
      await put(place, "told/a", { headers: { "x-amz-checksum-crc32": crc(text) } });
      const asked = { method: "HEAD", key: "told/a", headers: { "x-amz-checksum-mode": "ENABLED" } };
      return String((await ask(place, asked)).headers["x-amz-checksum-crc32"] === crc(text));
    },
  },
  "a range of bytes": {
    expected: "206 bytes 4-8/22 bytes; 206 ject; 416 InvalidRange",
    async run(place) {
      await put(place, "range/a");
      const range = (bytes: string) => ask(place, { key: "range/a", headers: { range: `bytes=${bytes}` } });
      const [middle, end, beyond] = [await range("4-8"), await range("-4"), await range("99-")];
      const where = String(middle.headers["content-range"]);
      return `${said(middle)} ${where} ${middle.body.toString()}; ${said(end)} ${end.body.toString()}; ${said(beyond)}`;
    },
  },
  "a signature of another secret": {
    expected: "403 SignatureDoesNotMatch",
    run: async (place) =>
      said(await put(place, "a", { credentials: { accessKeyId: "test", secretAccessKey: "wrong" } })),
  },
  "a key that nobody has": {
    expected: "403 InvalidAccessKeyId",
    run: async (place) =>
      said(await put(place, "a", { credentials: { accessKeyId: "nobody", secretAccessKey: "x" } })),
  },
  "a clock that is 20 minutes slow": {
    expected: "403 RequestTimeTooSkewed",
    run: async (place) => said(await put(place, "a", { at: new Date(Date.now() - 20 * 60_000) })),
  },
  "a header of Amazon's that is not signed": {
    expected: "403 AccessDenied",
    run: async (place) => said(await put(place, "a", { unsigned: { "x-amz-meta-x": "1" } })),
  },
  "a bucket that is not there": {
    expected: "404 NoSuchBucket",
    run: async ({ url }) => said(await put({ url, bucket: "mlship-is-not-there" }, "a")),
  },
  "a list is sorted by bytes and begins behind a key": {
    expected: "list/B list/a list/a.b list/b; list/a.b list/b; list/B list/a",
    async run(place) {
      for (const key of ["list/b", "list/a", "list/B", "list/a.b", "list2/x"]) await put(place, key);
      const all = await keys(place, { prefix: "list/" });
      const behind = await keys(place, { prefix: "list/", "start-after": "list/a" });
      return `${all}; ${behind}; ${await keys(place, { prefix: "list/", "max-keys": "2" })}`;
    },
  },
  "a list goes on from page to page": {
    expected: "3 7",
    async run(place) {
      await Promise.all(Array.from({ length: 7 }, (_, index) => put(place, `pages/${index}`)));
      const seen: string[] = [];
      let pages = 0;
      let token: string | undefined;
      do {
        const more: Record<string, string> = token === undefined ? {} : { "continuation-token": token };
        const query = { "list-type": "2", prefix: "pages/", "max-keys": "3", ...more };
        const body = (await ask(place, { query })).body.toString();
        seen.push(...[...body.matchAll(/<Key>(.*?)<\/Key>/g)].map(([, key]) => String(key)));
        token = /<NextContinuationToken>(.*?)</.exec(body)?.[1];
        pages += 1;
      } while (token !== undefined);
      return `${pages} ${new Set(seen).size}`;
    },
  },
  "keys x and x/y live beside each other": {
    expected: "200 200",
    async run(place) {
      const first = await put(place, "nested/x");
      return `${said(first)} ${said(await put(place, "nested/x/y"))}`;
    },
  },
  "the encryption that was asked for is told": {
    expected: "200 AES256",
    async run(place) {
      const answer = await put(place, "sse/a", { headers: { "x-amz-server-side-encryption": "AES256" } });
      return `${said(answer)} ${String(answer.headers["x-amz-server-side-encryption"])}`;
    },
  },
  "a multipart upload with the checksum of the whole": {
    expected: `200 ${partSize + 7} -2"`,
    async run(place) {
      const done = await twoParts(place, "parts/a", crc);
      const { headers } = await ask(place, { method: "HEAD", key: "parts/a" });
      return `${said(done)} ${String(headers["content-length"])} ${String(headers.etag).slice(-3)}`;
    },
  },
  "a multipart upload with a wrong checksum of the whole": {
    expected: "400 BadDigest, 404",
    async run(place) {
      const refused = await twoParts(place, "parts/b", () => crc(other));
      return `${said(refused)}, ${said(await ask(place, { method: "HEAD", key: "parts/b" }))}`;
    },
  },
  "a part with a wrong checksum": {
    expected: "400 BadDigest",
    async run(place) {
      const uploadId = await begin(place, "parts/c", fullObject);
      const headers = { "x-amz-checksum-crc32": crc(other) };
      const query = { partNumber: "1", uploadId };
      return said(await ask(place, { method: "PUT", key: "parts/c", query, headers, body: text }));
    },
  },
  "a part that is too small": {
    expected: "400 EntityTooSmall",
    async run(place) {
      const id = await begin(place, "parts/d", fullObject);
      const parts = [
        await sendPart(place, "parts/d", id, 1, text),
        await sendPart(place, "parts/d", id, 2, text),
      ];
      return said(await complete(place, "parts/d", id, parts));
    },
  },
  "a part that was never sent": {
    expected: "400 InvalidPart",
    async run(place) {
      const id = await begin(place, "parts/e", fullObject);
      const sent = await sendPart(place, "parts/e", id, 1, text);
      return said(await complete(place, "parts/e", id, [sent.replace(">1<", ">2<")]));
    },
  },
  "parts out of order": {
    expected: "400 InvalidPartOrder",
    async run(place) {
      const id = await begin(place, "parts/f", fullObject);
      const first = await sendPart(place, "parts/f", id, 1, Buffer.alloc(partSize));
      const second = await sendPart(place, "parts/f", id, 2, Buffer.alloc(partSize));
      return said(await complete(place, "parts/f", id, [second, first]));
    },
  },
  "an upload is found by its key, with its parts and their checksums": {
    expected: "true true 1 true",
    async run(place) {
      const key = "open/deep/a";
      const id = await begin(place, key, fullObject);
      await sendPart(place, key, id, 1, text);
      const listed = (await ask(place, { query: { uploads: "", prefix: key } })).body.toString();
      const parts = (await ask(place, { key, query: { uploadId: id } })).body.toString();
      const number = /<PartNumber>(\d+)</.exec(parts)?.[1];
      await ask(place, { method: "DELETE", key, query: { uploadId: id } });
      return `${listed.includes(`<UploadId>${id}<`)} ${listed.includes(`<Key>${key}<`)} ${number} ${parts.includes(crc(text))}`;
    },
  },
  "an upload is found by the prefix of its key": {
    expected: "true",
    async run(place) {
      const id = await begin(place, "open/below/a");
      const listed = (await ask(place, { query: { uploads: "", prefix: "open/" } })).body.toString();
      await ask(place, { method: "DELETE", key: "open/below/a", query: { uploadId: id } });
      return String(listed.includes(id));
    },
  },
  "an upload that was given up is gone": {
    expected: "204, 404 NoSuchUpload",
    async run(place) {
      const id = await begin(place, "open/b");
      const gone = await ask(place, { method: "DELETE", key: "open/b", query: { uploadId: id } });
      return `${said(gone)}, ${said(await ask(place, { key: "open/b", query: { uploadId: id } }))}`;
    },
  },
  "what is removed is gone, and can be removed again": {
    expected: "204 204 404",
    async run(place) {
      await put(place, "removed/a");
      const remove = () => ask(place, { method: "DELETE", key: "removed/a" });
      const [first, second] = [await remove(), await remove()];
      return `${said(first)} ${said(second)} ${said(await ask(place, { method: "HEAD", key: "removed/a" }))}`;
    },
  },
};

async function refusedPut(place: Place, key: string, more: Question): Promise<string> {
  const refused = await put(place, key, more);
  return `${said(refused)}, ${said(await ask(place, { method: "HEAD", key }))}`;
}
