// Engines that no testbed has: one from before BuildKit, one that hangs up, one that is not there.
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openBuilder, openEngine } from "../../src/tools/docker/open.ts";

let folder = "";
let server: Server | undefined;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "mlship-engine-"));
});

afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  await rm(folder, { recursive: true, force: true });
});

/** What a command sees on a machine with this engine and without a docker command. */
function surroundings() {
  const env = { DOCKER_HOST: `unix://${path.join(folder, "engine.sock")}`, PATH: folder };
  return { env, home: folder, signal: new AbortController().signal };
}

async function listen(answer: RequestListener): Promise<void> {
  const listening = createServer(answer);
  server = listening;
  await new Promise<void>((resolve) => listening.listen(path.join(folder, "engine.sock"), resolve));
}

/** An engine that prefers a builder: 1 is the classic one, 2 is BuildKit. */
function engine(builder: string): RequestListener {
  return (request, response) => {
    response.setHeader("builder-version", builder);
    response.setHeader("content-type", "application/json");
    response.end(request.url?.endsWith("/version") ? '{"Version":"18.06.3","Arch":"amd64"}' : "OK");
  };
}

test("an engine that builds without BuildKit is refused, and both ways out are named", async () => {
  await listen(engine("1"));
  await expect(openBuilder(surroundings())).rejects.toMatchObject({
    code: "docker.no-buildkit",
    exit: "unavailable",
    what: expect.stringContaining("18.06.3"),
    fix: "install docker buildx, or an engine of version 23 or newer",
  });
});

test("one with BuildKit builds by its API where there is no buildx", async () => {
  await listen(engine("2"));
  expect((await openBuilder(surroundings())).name).toBe("Docker Engine 18.06.3");
});

test("one that hangs up does not answer", async () => {
  await listen((request) => request.socket.destroy());
  await expect(openEngine(surroundings())).rejects.toMatchObject({
    code: "docker.unreachable",
    exit: "unavailable",
  });
});

test("one that is not there is missing", async () => {
  await expect(openEngine(surroundings())).rejects.toMatchObject({
    code: "docker.missing",
    fix: expect.stringContaining("start Docker"),
  });
});
