// The gateway as an HTTP server: what passes, what is refused, and what a bad client cannot do.
import { connect } from "node:net";
import type { Socket } from "node:net";
import { Agent, request as send } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, deploy, eventually, holder, serveStable, startCanary } from "./gateway/harness.ts";
import type { Deployment } from "./gateway/harness.ts";
import type { LocalTarget } from "../../src/targets/local/local-target.ts";

let site: Deployment;
let target: LocalTarget;
beforeAll(async () => {
  site = await deploy();
  target = site.driver({ timeoutMs: 5_000 });
  await target.lock.acquire(holder());
  await serveStable(target, site.revision("1.0.0"));
  const canary = site.revision("1.1.0");
  await startCanary(target, canary);
  await target.traffic.set(canary, 0);
});
afterAll(async () => {
  await target.stop();
  await site.destroy();
});

/** Writes bytes as they are and reads all that comes until the gateway closes, or a while has passed. */
function raw(text: string, until = /\r\n\r\n[\s\S]*\}/): Promise<string> {
  return new Promise((resolve) => {
    let seen = "";
    const socket = connect(site.port, "127.0.0.1", () => socket.write(text));
    socket.on("data", (chunk) => {
      seen += chunk.toString("latin1");
      if (until.test(seen)) socket.destroy();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(seen));
  });
}

const namesOf = (text: string) => {
  const { headers } = JSON.parse(text) as { headers: string[] };
  return headers.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
};

test("an answer says which version and revision gave it", async () => {
  const seen = await ask(site.port);
  expect(seen).toMatchObject({ status: 200, version: "1.0.0", fallback: false });
  expect(seen.headers["x-mlship-revision"]).toBe(site.revision("1.0.0").id);
});

test("headers of one connection stay on it, all others pass", async () => {
  const headers = {
    connection: "close, x-private, content-length",
    "x-private": "1",
    "x-request-id": "abc",
    te: "trailers",
    "proxy-authorization": "Basic eA==",
    upgrade: "websocket",
  };
  const names = namesOf((await ask(site.port, { headers })).text);
  expect(names).toEqual(expect.arrayContaining(["x-request-id", "host", "content-type", "content-length"]));
  for (const gone of ["x-private", "te", "proxy-authorization", "upgrade", "transfer-encoding"]) {
    expect(names).not.toContain(gone);
  }
});

test.each([
  [
    "both lengths",
    "POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  ["two lengths", "POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n12345"],
  ["a negative length", "POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"],
  ["an unknown coding", "POST /predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"],
  ["a space before the colon", "POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length : 4\r\n\r\n1234"],
  ["no host", "POST /predict HTTP/1.1\r\nContent-Length: 0\r\n\r\n"],
  ["an absolute target", "GET http://example.test/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"],
])("%s is answered 400 and reaches no server", async (_, text) => {
  const before = await target.traffic.measured();
  expect(await raw(text, /\r\n\r\n/)).toMatch(/^HTTP\/1\.1 400 /);
  expect((await target.traffic.measured()).stable).toEqual(before.stable);
  expect((await ask(site.port)).status).toBe(200);
});

test("headers that are too large are answered 431", async () => {
  const text = `GET /info HTTP/1.1\r\nHost: a\r\nX-Long: ${"x".repeat(20_000)}\r\n\r\n`;
  expect(await raw(text, /\r\n\r\n/)).toMatch(/^HTTP\/1\.1 431 /);
});

test("a body in chunks reaches the server whole, with its length", async () => {
  const text =
    'POST /predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\n{"do"\r\n6\r\n:"ok"}\r\n0\r\n\r\n';
  const answer = await raw(text);
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  expect(answer).toContain('"size":11');
});

test("Expect: 100-continue is answered before the body", async () => {
  const text =
    "POST /predict HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
  const answer = await raw(text);
  expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
});

test("HEAD, OPTIONS and GET pass; they are no evidence", async () => {
  const before = await target.traffic.measured();
  const head = await ask(site.port, { method: "HEAD", path: "/info?x=1" });
  expect(head).toMatchObject({ status: 200, text: "", version: "1.0.0" });
  for (const method of ["GET", "OPTIONS"]) {
    const seen = await ask(site.port, { method, path: "/info?x=1" });
    expect(JSON.parse(seen.text)).toMatchObject({ method, url: "/info?x=1" });
  }
  expect((await target.traffic.measured()).stable).toEqual(before.stable);
});

test("a body too large to hold streams to stable, also when all the rest goes to the canary", async () => {
  const canary = site.revision("1.1.0");
  await target.traffic.set(canary, 1);
  expect((await ask(site.port)).version).toBe("1.1.0");
  const seen = await ask(site.port, { body: Buffer.alloc(8 * 1024 * 1024, 120) });
  expect(seen).toMatchObject({ status: 200, version: "1.0.0" });
  expect(JSON.parse(seen.text)).toMatchObject({ size: 8 * 1024 * 1024 });
  await target.traffic.set(canary, 0);
});

test("a large answer streams through unchanged", async () => {
  const seen = await ask(site.port, { deed: "huge" });
  expect(seen.status).toBe(200);
  expect(seen.text).toHaveLength(64 * 64 * 1024);
  for (let block = 0; block < 64; block += 1) expect(seen.text.charCodeAt(block * 65_536)).toBe(block);
});

test("a user who leaves ends the attempt; it is no error", async () => {
  const before = await target.traffic.measured();
  const request = send({ host: "127.0.0.1", port: site.port, path: "/predict", method: "POST" });
  request.on("error", () => undefined);
  request.end('{"do":"hang"}');
  await new Promise((resolve) => setTimeout(resolve, 300));
  request.destroy();
  await eventually("the attempt ends", async () => {
    const { stable } = await target.traffic.measured();
    return stable.requests === before.stable.requests + 1;
  });
  const after = await target.traffic.measured();
  expect(after.stable.errors).toBe(before.stable.errors);
  expect(after.failed).toBe(before.failed);
});

test("beyond its bound the gateway asks users to come again, and serves once there is room", async () => {
  const agent = new Agent();
  const hanging = Array.from({ length: 600 }, () => ask(site.port, { agent, deed: "hang" }));
  let refused = await ask(site.port, { method: "GET", path: "/info" });
  await eventually("the bound is reached", async () => {
    refused = await ask(site.port, { method: "GET", path: "/info" });
    return refused.status === 503;
  });
  expect(refused.headers["retry-after"]).toBe("1");
  expect(JSON.parse(refused.text)).toMatchObject({ error: { code: "gateway.busy" } });
  agent.destroy();
  await Promise.all(hanging);
  await eventually("there is room", async () => (await ask(site.port)).status === 200);
});

test("users who never finish their request keep nobody else from being served", async () => {
  const half = "POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{";
  const sockets = Array.from({ length: 700 }, () =>
    connect(site.port, "127.0.0.1", function begin(this: Socket) {
      this.write(half);
    }).on("error", () => undefined),
  );
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
  for (let asked = 0; asked < 20; asked += 1) expect((await ask(site.port)).status).toBe(200);
  for (const socket of sockets) socket.destroy();
});

test("the gateway answers for its own health and counters", async () => {
  for (const path of ["/health/live", "/health/ready", "/health/startup"]) {
    expect(await ask(site.port, { method: "GET", path })).toMatchObject({ status: 200, version: "" });
  }
  const metrics = await ask(site.port, { method: "GET", path: "/metrics" });
  const { stable } = await target.traffic.measured();
  expect(metrics.text).toContain(
    `mlship_gateway_attempts_total{side="stable",version="1.0.0"} ${stable.requests}\n`,
  );
  expect(metrics.text).toContain('mlship_gateway_ready_servers{side="canary",version="1.1.0"} 1\n');
});
