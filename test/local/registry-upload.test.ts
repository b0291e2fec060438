// Uploads: cut at every byte, in pieces of every size, begun anew where a registry is vague.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestBytes } from "../../src/digest.ts";
import { folderWith } from "../unit/model/folder.ts";
import { blobOf, openClient, referenceAt } from "./registry/client.ts";
import { refuse, startRegistry } from "./registry/server.ts";

const pushes = async (
  server: Awaited<ReturnType<typeof startRegistry>>,
  blob: ReturnType<typeof blobOf>,
  pieces = { whole: 8, piece: 16 },
) => {
  let told = 0;
  const { registry } = openClient(folderWith({}), { pieces });
  const travelled = await registry.pushBlob(referenceAt(server.host), blob, (bytes) => (told += bytes));
  return { travelled, told, registry };
};

describe("an upload", () => {
  it("cut at any byte goes on there, whatever the size of its pieces", async () => {
    const server = await startRegistry();
    const content = fc.uint8Array({ minLength: 1, maxLength: 60 });
    const pieces = fc.record({ whole: fc.nat(60), piece: fc.integer({ min: 1, max: 60 }) });
    await fc.assert(
      fc.asyncProperty(content, pieces, fc.nat(60), async (bytes, sizes, cut) => {
        server.seen.length = 0;
        server.restart(Math.min(cut, bytes.length));
        const blob = blobOf(bytes);
        const { travelled, told } = await pushes(server, blob, sizes);
        expect(travelled).toBe(true);
        expect(told).toBe(bytes.length);
        expect(server.blobs.get(blob.digest)).toEqual(Buffer.from(bytes));
      }),
      { numRuns: 150 },
    );
  });

  it("sends again only what had not arrived", async () => {
    const server = await startRegistry();
    server.restart(40);
    const blob = blobOf(Buffer.alloc(100, "abcdefg"));
    await pushes(server, blob, { whole: 8, piece: 64 });
    const pieces = server.seen
      .filter(({ method }) => method === "PATCH")
      .map(({ headers }) => headers["content-range"]);
    expect(pieces).toEqual(["40-99"]);
    expect(blob.opened).toEqual([0, 40]);
  });

  it("of nothing is one request with no bytes", async () => {
    const server = await startRegistry();
    const { travelled } = await pushes(server, blobOf(""));
    expect(travelled).toBe(true);
    expect(server.blobs.get(digestBytes(""))).toEqual(Buffer.alloc(0));
  });

  it("has pieces as large as the registry wants them at least", async () => {
    const server = await startRegistry();
    server.least = 30;
    await pushes(server, blobOf(Buffer.alloc(70, "x")), { whole: 8, piece: 10 });
    expect(server.seen.filter(({ method }) => method === "PATCH").map(({ body }) => body.length)).toEqual([
      30, 30, 10,
    ]);
  });

  it("is taken over from another repository of the registry", async () => {
    const server = await startRegistry();
    const blob = blobOf("the base's layer");
    server.blobs.set(blob.digest, Buffer.from("the base's layer"));
    const { travelled, told } = await pushes(server, Object.assign(blob, { mountFrom: "library/python" }));
    expect([travelled, told]).toEqual([false, 0]);
    expect(server.seen.map(({ path }) => path)).toEqual([
      `/v2/acme/fraud/blobs/uploads/?mount=${encodeURIComponent(blob.digest)}&from=library%2Fpython`,
    ]);
  });

  it.each([
    ["may not be read", (server: { before: unknown }) => Object.assign(server, { before: deny })],
    ["has no such blob", () => {}],
  ])("travels when the other repository %s", async (_why, prepare) => {
    const server = await startRegistry();
    prepare(server);
    const blob = Object.assign(blobOf("the base's layer"), { mountFrom: "library/python" });
    expect(await pushes(server, blob)).toMatchObject({ travelled: true, told: blob.size });
    expect(server.blobs.has(blob.digest)).toBe(true);
  });

  it("whose bytes are not those of its digest ends in an error, not for ever", async () => {
    const server = await startRegistry();
    const blob = Object.assign(blobOf("some bytes, more than one piece"), {
      digest: digestBytes("other bytes"),
    });
    await expect(pushes(server, blob)).rejects.toMatchObject({ code: "registry.digest-mismatch" });
    expect(server.blobs.size).toBe(0);
  });

  it("of a file that became shorter is refused", async () => {
    const server = await startRegistry();
    await expect(pushes(server, blobOf("short", 50))).rejects.toMatchObject({
      code: "registry.blob-changed",
    });
  });

  it("that the registry forgets is begun anew", async () => {
    const server = await startRegistry();
    let forgotten = 0;
    server.before = ({ method }) => {
      if (method !== "PATCH" || forgotten === 2) return null;
      forgotten += 1;
      return refuse(404, "BLOB_UPLOAD_UNKNOWN");
    };
    const blob = blobOf(Buffer.alloc(40, "y"));
    expect(await pushes(server, blob)).toMatchObject({ travelled: true, told: 40 });
    expect(server.blobs.has(blob.digest)).toBe(true);
  });

  it("goes on where the registry points to, and shows no credentials to another host", async () => {
    const server = await startRegistry();
    const storage = await startRegistry();
    const auth = Buffer.from("ada:secret").toString("base64");
    const home = folderWith({
      ".docker/config.json": JSON.stringify({ auths: { [server.host]: { auth } } }),
    });
    const { registry } = openClient(home, { pieces: { whole: 100, piece: 100 } });
    const blob = blobOf("kept elsewhere");
    storage.before = () => ({ status: 201 });
    server.before = ({ method, headers, path }) => {
      if (headers.authorization === undefined)
        return refuse(401, "UNAUTHORIZED", { "www-authenticate": 'Basic realm="r"' });
      if (method === "GET")
        return { status: 307, headers: { location: `http://${storage.host}/somewhere?signed=1` } };
      return path.endsWith("/uploads/")
        ? { status: 202, headers: { location: `http://${storage.host}/put?x=1` } }
        : null;
    };
    const reference = referenceAt(server.host);
    await registry.pushBlob(reference, blob, () => {});
    storage.before = () => ({ status: 200, body: "kept elsewhere" });
    expect(Buffer.from(await registry.blob(reference, blob.digest)).toString()).toBe("kept elsewhere");
    expect(storage.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `PUT /put?x=1&digest=${encodeURIComponent(blob.digest)}`,
      "GET /somewhere?signed=1",
    ]);
    expect(storage.seen.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined]);
  });

  it("is not sent where the connection is no secret", async () => {
    const server = await startRegistry();
    server.before = () => ({ status: 202, headers: { location: "http://storage.example/put" } });
    await expect(pushes(server, blobOf("x"))).rejects.toMatchObject({
      code: "registry.bad-answer",
      why: expect.stringContaining("http://storage.example"),
    });
  });
});

function deny({ path }: { path: string }) {
  return path.includes("mount=") ? refuse(403, "DENIED") : null;
}
