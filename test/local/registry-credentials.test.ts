// Who the client says it is: Docker's configuration, its helpers, tokens, and what is never shown to whom.
import { chmodSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { digestBytes } from "../../src/digest.ts";
import { folderWith } from "../unit/model/folder.ts";
import { openClient, referenceAt } from "./registry/client.ts";
import { refuse, startRegistry, type Seen, type TestRegistry } from "./registry/server.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");
const bytes = Buffer.from('{"schemaVersion":2}');
const manifest = {
  bytes,
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  digest: digestBytes(bytes),
};

/** A registry that wants user and password. */
async function basicRegistry(wanted = "ada:s3:cret"): Promise<TestRegistry> {
  const server = await startRegistry();
  server.before = ({ headers }) =>
    headers.authorization === `Basic ${base64(wanted)}`
      ? null
      : refuse(401, "UNAUTHORIZED", { "www-authenticate": 'Basic realm="Registry"' });
  return server;
}

/** A registry that wants tokens, and the server that gives them for what `accepts` says. */
async function bearerRegistry(accepts: (request: Seen) => boolean) {
  const server = await startRegistry();
  const tokens = await startRegistry();
  let issued = 0;
  let expired = 0;
  const scopes = new Map<string, string[]>();
  tokens.before = (request) => {
    if (!accepts(request)) return refuse(401, "UNAUTHORIZED");
    issued += 1;
    const asked =
      request.method === "GET"
        ? new URL(request.path, "http://x").searchParams
        : new URLSearchParams(request.body.toString());
    scopes.set(
      `token-${issued}`,
      asked.getAll("scope").flatMap((scope) => scope.split(" ")),
    );
    return { status: 200, body: JSON.stringify({ token: `token-${issued}` }) };
  };
  server.before = ({ headers, method }) => {
    const needed = `repository:acme/fraud:${method === "GET" ? "pull" : "pull,push"}`;
    const token = headers.authorization?.replace("Bearer ", "") ?? "";
    const may =
      Number(token.split("-")[1] ?? 0) > expired &&
      (scopes.get(token)?.some((scope) => scope === needed) ?? false);
    const challenge = `Bearer realm="http://${tokens.host}/token?x=1",service="reg",scope="${needed}"`;
    return may ? null : refuse(401, "UNAUTHORIZED", { "www-authenticate": challenge });
  };
  return { server, tokens, expire: () => (expired = issued) };
}

const homeWith = (config: object) => folderWith({ ".docker/config.json": JSON.stringify(config) });

/** A credential helper: a program on PATH. */
function helperOnPath(name: string, script: string): { PATH: string } {
  const folder = folderWith({});
  const file = path.join(folder, `docker-credential-${name}`);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return { PATH: `${folder}:${process.env["PATH"]}` };
}

describe("user and password", () => {
  const wanted = base64("ada:s3:cret");
  it.each([
    ["auth", (host: string) => ({ auths: { [host]: { auth: wanted } } })],
    [
      "auth that ends with NUL",
      (host: string) => ({ auths: { [host]: { auth: base64("ada:s3:cret\0\0") } } }),
    ],
    [
      "username and password",
      (host: string) => ({ auths: { [host]: { username: "ada", password: "s3:cret" } } }),
    ],
    ["a key that is a URL", (host: string) => ({ auths: { [`http://${host}/v2/`]: { auth: wanted } } })],
    [
      "keys of other tools beside it",
      (host: string) => ({ HttpHeaders: { a: "b" }, auths: { [host]: { auth: wanted, email: "x" } } }),
    ],
  ])("are taken from %s", async (_name, config) => {
    const server = await basicRegistry();
    const { registry } = openClient(homeWith(config(server.host)));
    await registry.pushManifest(referenceAt(server.host), manifest, "1.0.0");
    expect((await registry.manifest(referenceAt(server.host)))?.digest).toBe(manifest.digest);
  });

  it("are taken from DOCKER_CONFIG, and DOCKER_AUTH_CONFIG wins", async () => {
    const server = await basicRegistry();
    const right = { auths: { [server.host]: { auth: wanted } } };
    const wrong = { auths: { [server.host]: { auth: base64("ada:wrong") } } };
    const folder = folderWith({ "config.json": JSON.stringify(right) });
    const byFolder = openClient(homeWith(wrong), { env: { DOCKER_CONFIG: folder } });
    expect(await byFolder.registry.manifest(referenceAt(server.host))).toBe(null);
    const byVariable = openClient(homeWith(wrong), { env: { DOCKER_AUTH_CONFIG: JSON.stringify(right) } });
    expect(await byVariable.registry.manifest(referenceAt(server.host))).toBe(null);
  });

  it("of another registry are never shown", async () => {
    const server = await basicRegistry();
    const { registry } = openClient(
      homeWith({ auths: { "127.0.0.1": { auth: wanted }, "ghcr.io": { auth: wanted } } }),
    );
    await expect(registry.manifest(referenceAt(server.host))).rejects.toMatchObject({
      code: "registry.denied",
      why: expect.stringContaining("Docker has no user and password"),
      fix: expect.stringContaining(`docker login ${server.host}`),
    });
    expect(server.seen.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });

  it("that are wrong are denied, and in no message", async () => {
    const server = await basicRegistry();
    const { registry } = openClient(homeWith({ auths: { [server.host]: { auth: base64("ada:hunter2") } } }));
    const error: unknown = await registry.manifest(referenceAt(server.host)).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: "registry.denied", exit: "unavailable" });
    expect(Object.values(error as object).join(" ")).not.toMatch(/hunter2|Basic/);
  });

  it.each(["{", "[]", '{"auths": 3}', '{"auths":{"a":{"auth":7}}}'])(
    "in a configuration like %s are an error that quotes nothing",
    async (text) => {
      const server = await basicRegistry();
      const { registry } = openClient(folderWith({ ".docker/config.json": text }));
      const error: unknown = await registry
        .manifest(referenceAt(server.host))
        .catch((cause: unknown) => cause);
      expect(error).toMatchObject({ code: "registry.credentials", exit: "unavailable" });
      expect(error).not.toHaveProperty("cause");
    },
  );
});

describe("a token", () => {
  it("is asked for with user and password, once per scope", async () => {
    const { server, tokens } = await bearerRegistry(
      ({ headers }) => headers.authorization === `Basic ${base64("ada:x")}`,
    );
    const { registry } = openClient(homeWith({ auths: { [server.host]: { auth: base64("ada:x") } } }));
    const reference = referenceAt(server.host);
    for (let count = 0; count < 3; count += 1) {
      await registry.pushManifest(reference, manifest, "1.0.0");
      await registry.manifest(reference);
    }
    expect(tokens.seen.map(({ path: asked }) => decodeURIComponent(asked))).toEqual([
      "/token?x=1&service=reg&scope=repository:acme/fraud:pull,push&account=ada",
      "/token?x=1&service=reg&scope=repository:acme/fraud:pull&account=ada",
    ]);
  });

  it("that has expired is asked for again", async () => {
    const { server, tokens, expire } = await bearerRegistry(() => true);
    const { registry } = openClient(folderWith({}));
    const reference = referenceAt(server.host);
    await registry.manifest(reference);
    expire();
    await registry.manifest(reference);
    expect(tokens.seen).toHaveLength(2);
    expect(tokens.seen.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });

  it("is exchanged for an identity token", async () => {
    const { server, tokens } = await bearerRegistry(
      ({ method, body }) => method === "POST" && body.toString().includes("refresh_token=idtoken"),
    );
    const { registry } = openClient(homeWith({ auths: { [server.host]: { identitytoken: "idtoken" } } }));
    expect(await registry.manifest(referenceAt(server.host))).toBe(null);
    expect(Object.fromEntries(new URLSearchParams(tokens.seen[0]?.body.toString()))).toEqual({
      grant_type: "refresh_token",
      client_id: "mlship",
      service: "reg",
      scope: "repository:acme/fraud:pull",
      refresh_token: "idtoken",
    });
  });

  it.each([
    ["nobody is known", {}, /Docker has no credentials/],
    ["who is known is refused", { auth: base64("ada:x") }, /the credentials that Docker has .* are refused/],
    ["the identity token is refused", { identitytoken: "old" }, /are refused/],
  ])("is denied when %s", async (_why, entry, why) => {
    const { server } = await bearerRegistry(() => false);
    const { registry, waited } = openClient(homeWith({ auths: { [server.host]: entry } }));
    await expect(registry.manifest(referenceAt(server.host))).rejects.toMatchObject({
      code: "registry.denied",
      why: expect.stringMatching(why),
    });
    expect(waited).toEqual([]);
  });

  it.each(["http://tokens.example/token", "ftp://x/", "no url"])("is not asked for at %s", async (realm) => {
    const server = await startRegistry();
    server.before = () => refuse(401, "UNAUTHORIZED", { "www-authenticate": `Bearer realm="${realm}"` });
    const { registry } = openClient(homeWith({ auths: { [server.host]: { auth: base64("ada:x") } } }));
    await expect(registry.manifest(referenceAt(server.host))).rejects.toMatchObject({
      code: "registry.bad-answer",
    });
  });

  it.each(['{"token":"a\\r\\nX-Evil: 1"}', "{}", "<html>"])("like %s is none", async (body) => {
    const { server, tokens } = await bearerRegistry(() => true);
    tokens.before = () => ({ status: 200, body });
    const { registry } = openClient(folderWith({}));
    await expect(registry.manifest(referenceAt(server.host))).rejects.toMatchObject({
      code: "registry.bad-answer",
    });
  });

  it("server that fails twice is asked again", async () => {
    const { server, tokens } = await bearerRegistry(() => true);
    const { before } = tokens;
    tokens.before = (request) => (tokens.seen.length <= 2 ? { status: 503 } : before(request));
    expect(await openClient(folderWith({})).registry.manifest(referenceAt(server.host))).toBe(null);
  });
});

describe("a credential helper", () => {
  it.each(["credsStore", "credHelpers"])("named by %s is asked with the registry on stdin", async (key) => {
    const server = await basicRegistry();
    const config =
      key === "credsStore"
        ? { credsStore: "test" }
        : { credHelpers: { [server.host]: "test" }, credsStore: "absent" };
    const script = `test "$1" = get || exit 1; read host; test "$host" = "${server.host}" || exit 1
echo '{"ServerURL":"x","Username":"ada","Secret":"s3:cret"}'`;
    const { registry } = openClient(homeWith(config), { env: helperOnPath("test", script) });
    expect(await registry.manifest(referenceAt(server.host))).toBe(null);
  });

  it("may answer with an identity token", async () => {
    const { server } = await bearerRegistry(({ body }) => body.toString().includes("refresh_token=idt"));
    const env = helperOnPath("test", `echo '{"ServerURL":"x","Username":"<token>","Secret":"idt"}'`);
    const { registry } = openClient(homeWith({ credsStore: "test" }), { env });
    expect(await registry.manifest(referenceAt(server.host))).toBe(null);
  });

  it("that keeps nothing leaves what the file has", async () => {
    const server = await basicRegistry();
    const env = helperOnPath("test", 'echo "credentials not found in native keychain"; exit 1');
    const config = { credsStore: "test", auths: { [server.host]: { auth: base64("ada:s3:cret") } } };
    expect(await openClient(homeWith(config), { env }).registry.manifest(referenceAt(server.host))).toBe(
      null,
    );
  });

  it.each([
    ["is not there", null, /./],
    ["fails", 'echo "the keychain is locked" >&2; exit 1', /the keychain is locked/],
    ["says nonsense", "echo top-secret", /not the JSON/],
  ])("that %s is an error with what to do, and no secret", async (_how, script, why) => {
    const server = await basicRegistry();
    const env = script === null ? { PATH: process.env["PATH"] } : helperOnPath("test", script);
    const { registry } = openClient(homeWith({ credsStore: "test" }), { env });
    const error: unknown = await registry.manifest(referenceAt(server.host)).catch((cause: unknown) => cause);
    expect(error).toMatchObject({
      code: "registry.credentials",
      exit: "unavailable",
      why: expect.stringMatching(why),
    });
    expect(JSON.stringify(error)).not.toContain("top-secret");
  });

  it("is a program on PATH, not any program", async () => {
    const server = await basicRegistry();
    const { registry } = openClient(homeWith({ credsStore: "../../bin/sh" }));
    await expect(registry.manifest(referenceAt(server.host))).rejects.toMatchObject({
      code: "registry.credentials",
    });
  });

  it("is not asked where nobody wants to know", async () => {
    const server = await startRegistry();
    const { registry } = openClient(homeWith({ credsStore: "absent" }));
    expect(await registry.manifest(referenceAt(server.host))).toBe(null);
  });
});

describe("statements about an image", () => {
  it.each([404, 405])("are found under their tag where there is no API for them (%i)", async (status) => {
    const server = await startRegistry();
    const subject = digestBytes("image");
    const list = JSON.stringify({
      schemaVersion: 2,
      manifests: [{ mediaType: "a/b", digest: digestBytes("s"), size: 1 }],
    });
    server.before = ({ path: asked }) =>
      asked.includes("/referrers/") ? refuse(status, "UNSUPPORTED") : null;
    server.manifests.set(`acme/fraud/${subject.replace(":", "-")}`, {
      bytes: Buffer.from(list),
      type: "application/vnd.oci.image.index.v1+json",
    });
    const { registry } = openClient(folderWith({}));
    const found = await registry.referrers(referenceAt(server.host), subject);
    expect(found).toEqual([{ mediaType: "a/b", digest: digestBytes("s"), size: 1 }]);
    expect(await registry.referrers(referenceAt(server.host), digestBytes("another"))).toEqual([]);
  });

  it("are what the API lists, where there is one", async () => {
    const server = await startRegistry();
    server.before = () => ({ status: 200, body: '{"manifests":[]}' });
    const { registry } = openClient(folderWith({}));
    expect(await registry.referrers(referenceAt(server.host), digestBytes("image"))).toEqual([]);
    server.before = () => ({ status: 200, body: '{"manifests":[{"digest":"../x"}]}' });
    await expect(registry.referrers(referenceAt(server.host), digestBytes("image"))).rejects.toMatchObject({
      code: "registry.bad-answer",
    });
  });
});
