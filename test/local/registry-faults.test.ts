// Every way in which a registry refuses or fails, as the client tells it.
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { MlshipError } from "../../src/errors.ts";
import { digestBytes } from "../../src/digest.ts";
import { folderWith } from "../unit/model/folder.ts";
import { blobOf, openClient, referenceAt } from "./registry/client.ts";
import { refuse, startRegistry, type Answer } from "./registry/server.ts";

const bytes = Buffer.from('{"schemaVersion":2}');
const manifest = {
  bytes,
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  digest: digestBytes(bytes),
};

/** The same failure in each step of a push. */
const steps = {
  "asking for a blob": ["HEAD", /\/blobs\/sha256/],
  "beginning an upload": ["POST", /\/blobs\/uploads\/$/],
  "sending a piece": ["PATCH", /\/blobs\/uploads\//],
  "ending an upload": ["PUT", /\/blobs\/uploads\//],
  "writing a manifest": ["PUT", /\/manifests\//],
  "reading a manifest": ["GET", /\/manifests\//],
} as const;

async function pushThrough(
  answer: (step: string, count: number) => Answer | "drop" | "hang" | null,
  patienceMs = 5000,
) {
  const server = await startRegistry();
  const { registry, waited } = openClient(folderWith({}), { patienceMs });
  const counts = new Map<string, number>();
  server.before = ({ method, path }) => {
    const step = Object.entries(steps).find(([, [verb, place]]) => verb === method && place.test(path))?.[0];
    if (step === undefined) return null;
    counts.set(step, (counts.get(step) ?? 0) + 1);
    return answer(step, counts.get(step)!);
  };
  const reference = referenceAt(server.host);
  const blob = blobOf("forty bytes and a few more to have pieces");
  let told = 0;
  const run = async () => {
    if (!(await registry.hasBlob(reference, blob.digest)))
      await registry.pushBlob(reference, blob, (more) => (told += more));
    await registry.pushManifest(reference, manifest, "1.0.0");
    return await registry.manifest(reference);
  };
  return { run, server, waited, blob, told: () => told };
}

describe.each(Object.keys(steps))("a registry that, at %s,", (step) => {
  const at = (fault: Answer | "drop" | "hang", times = Infinity) =>
    pushThrough((now, count) => (now === step && count <= times ? fault : null));

  it.each([
    [401, "UNAUTHORIZED", "registry.denied"],
    [403, "DENIED", "registry.denied"],
    [413, "SIZE_INVALID", "registry.too-large"],
    [400, "NAME_INVALID", "registry.bad-answer"],
    [405, "UNSUPPORTED", "registry.read-only"],
  ])("says %i is told in words, at once", async (status, code, error) => {
    const { run, waited } = await at(refuse(status, code));
    const refused = await run().then(
      () => null,
      (cause: unknown) => cause,
    );
    expect(refused).toMatchObject({ code: error, exit: "unavailable", fix: expect.any(String) });
    expect(waited).toEqual([]);
  });

  it("says 429 is left alone as long as it wants", async () => {
    const { run, waited } = await at(refuse(429, "TOOMANYREQUESTS", { "retry-after": "7" }), 2);
    expect((await run())?.digest).toBe(manifest.digest);
    expect(waited).toEqual([7000, 7000]);
  });

  it("says 429 for ever is a rate limit", async () => {
    const { run, waited } = await at(refuse(429, "TOOMANYREQUESTS"));
    await expect(run()).rejects.toMatchObject({ code: "registry.rate-limit", exit: "unavailable" });
    expect(waited).toEqual([1, 2, 3]);
  });

  it("wants to be left alone for an hour is not waited for", async () => {
    const { run, waited } = await at(
      refuse(429, "TOOMANYREQUESTS", { "retry-after": "Thu, 01 Jan 2026 01:00:00 GMT" }),
    );
    await expect(run()).rejects.toMatchObject({ code: "registry.rate-limit" });
    expect(waited).toEqual([]);
  });

  it.each([500, 502, 503])("fails twice with %i is asked again", async (status) => {
    const { run, server, blob, told } = await at({ status, body: "<html>oops" }, 2);
    expect((await run())?.digest).toBe(manifest.digest);
    expect(server.blobs.get(blob.digest)?.length).toBe(blob.size);
    expect(told()).toBe(blob.size);
  });

  it("fails for ever is failing", async () => {
    const { run } = await at(refuse(503, "UNAVAILABLE"));
    await expect(run()).rejects.toMatchObject({
      code: "registry.failing",
      why: expect.stringContaining("503"),
    });
  });

  it("drops the connection twice is asked again", async () => {
    const { run, server, blob } = await at("drop", 2);
    expect((await run())?.digest).toBe(manifest.digest);
    expect(server.blobs.get(blob.digest)?.length).toBe(blob.size);
  });

  it("drops the connection for ever is unreachable", async () => {
    const { run } = await at("drop");
    await expect(run()).rejects.toMatchObject({ code: "registry.unreachable" });
  });

  it("says nothing is given up", async () => {
    const { run } = await pushThrough((now) => (now === step ? "hang" : null), 50);
    await expect(run()).rejects.toMatchObject({
      code: "registry.unreachable",
      why: expect.stringContaining("silent"),
    });
  });
});

describe("a registry", () => {
  it("that has no such repository is told so when something is pushed", async () => {
    const { run } = await pushThrough((step) =>
      step === "beginning an upload" ? refuse(404, "NAME_UNKNOWN") : null,
    );
    await expect(run()).rejects.toMatchObject({
      code: "registry.missing-repository",
      why: expect.stringContaining("NAME_UNKNOWN"),
    });
  });

  it("without the image has none", async () => {
    const server = await startRegistry();
    expect(await openClient(folderWith({})).registry.manifest(referenceAt(server.host))).toBe(null);
  });

  it("that gives other bytes than it was asked for is not believed", async () => {
    const server = await startRegistry();
    const { registry } = openClient(folderWith({}));
    const reference = referenceAt(server.host);
    await registry.pushManifest(reference, manifest, "1.0.0");
    server.before = () => ({ status: 200, body: "{}" });
    const wanted = { ...reference, tag: null, digest: manifest.digest };
    await expect(registry.manifest(wanted)).rejects.toMatchObject({ code: "registry.digest-mismatch" });
    await expect(registry.blob(reference, manifest.digest)).rejects.toMatchObject({
      code: "registry.digest-mismatch",
    });
    server.before = () => ({
      status: 200,
      body: "{}",
      headers: { "docker-content-digest": manifest.digest },
    });
    await expect(registry.manifest(reference)).rejects.toMatchObject({ code: "registry.digest-mismatch" });
    server.before = () => ({ status: 201, headers: { "docker-content-digest": digestBytes("x") } });
    await expect(registry.pushManifest(reference, manifest, "1")).rejects.toMatchObject({
      code: "registry.digest-mismatch",
    });
  });

  it("that sends without end is cut off", async () => {
    const server = await startRegistry();
    server.before = () => ({ status: 200, body: Buffer.alloc(9 << 20) });
    await expect(
      openClient(folderWith({})).registry.manifest(referenceAt(server.host)),
    ).rejects.toMatchObject({
      code: "registry.unreachable",
      why: expect.stringContaining("more than"),
    });
  });

  it("that is not there is unreachable at once", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    await new Promise((resolve) => server.close(resolve));
    const { registry, waited } = openClient(folderWith({}));
    await expect(registry.manifest(referenceAt(`127.0.0.1:${port}`))).rejects.toMatchObject({
      code: "registry.unreachable",
      why: expect.stringContaining("ECONNREFUSED"),
    });
    expect(waited).toEqual([]);
  });

  it("that no name leads to, or that has no valid certificate, is told apart", async () => {
    const { registry } = openClient(folderWith({}), { pauses: [] });
    await expect(registry.manifest(referenceAt("registry.invalid"))).rejects.toMatchObject({
      code: "registry.unreachable",
      why: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/),
    });
  });

  it("is left at once on Ctrl-C, and never asked again", async () => {
    const server = await startRegistry();
    const controller = new AbortController();
    const interrupted = new MlshipError({
      code: "interrupted",
      what: "stopped by the test",
      exit: "interrupted",
    });
    server.before = () => {
      setImmediate(() => controller.abort(interrupted));
      return "hang";
    };
    const { registry } = openClient(folderWith({}), { signal: controller.signal });
    await expect(registry.manifest(referenceAt(server.host))).rejects.toThrow("stopped by the test");
    await expect(registry.manifest(referenceAt(server.host))).rejects.toThrow("stopped by the test");
    expect(server.seen).toHaveLength(1);
  });
});
