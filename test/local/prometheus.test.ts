// A real HTTP server that speaks the API of Prometheus, and everything that may answer in its place.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { openPrometheus } from "../../src/tools/prometheus.ts";

const servers: { close: () => void }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const never = new AbortController().signal;
const token = "s3cret-t0ken";

/** Where a server listens that answers so. */
async function serve(answer: (asked: IncomingMessage, reply: ServerResponse) => void): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  servers.push({
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function ask(status: number, body: unknown, headers: Record<string, string> = {}) {
  const url = await serve((_asked, reply) => {
    reply.writeHead(status, headers).end(typeof body === "string" ? body : JSON.stringify(body));
  });
  return await openPrometheus({ url, token, signal: never }).ask("up");
}

const vector = (...values: string[]) => ({
  status: "success",
  data: {
    resultType: "vector",
    result: values.map((value, at) => ({
      metric: { instance: String(at) },
      value: [1_435_781_451.781, value],
    })),
  },
});

test("asks by GET with the encoded query below the address, with the token", async () => {
  const asked: { method?: string | undefined; url: URL; authorization?: string | undefined }[] = [];
  const url = await serve(({ method, url: path, headers }, reply) => {
    const { authorization } = headers;
    asked.push({ method, url: new URL(path ?? "", "http://x"), authorization });
    reply.end(JSON.stringify(vector("0.25")));
  });
  const query = 'sum(rate(a{pod=~"x-.*",b!="&c=d+#"}[1m])) / 100 % 2\n';
  expect(await openPrometheus({ url: `${url}/prom/`, token, signal: never }).ask(query)).toEqual({
    value: 0.25,
  });
  expect(await openPrometheus({ url, token: null, signal: never }).ask("up")).toEqual({ value: 0.25 });
  expect(asked[0]).toMatchObject({ method: "GET", authorization: `Bearer ${token}` });
  expect(asked[0]?.url.pathname).toBe("/prom/api/v1/query");
  expect(asked[0]?.url.searchParams.get("query")).toBe(query);
  expect(asked[1]?.authorization).toBeUndefined();
  expect(asked[1]?.url.pathname).toBe("/api/v1/query");
});

test("a vector of one series or a scalar is a value", async () => {
  expect(await ask(200, vector("3e-2"))).toEqual({ value: 0.03 });
  const scalar = { status: "success", data: { resultType: "scalar", result: [1, "-7"] }, warnings: ["w"] };
  expect(await ask(200, scalar)).toEqual({ value: -7 });
});

test.each([
  ["nothing", 200, vector(), "the query gives nothing"],
  ["several series", 200, vector("1", "2"), "the query gives 2 series, not one number"],
  ["NaN", 200, vector("NaN"), "the query gives NaN"],
  ["infinity", 200, vector("+Inf"), "the query gives +Inf"],
  ["an empty text", 200, vector(""), "the query gives "],
  [
    "a histogram",
    200,
    { status: "success", data: { resultType: "vector", result: [{ metric: {}, histogram: [1, {}] }] } },
    "the query gives no number",
  ],
  [
    "a matrix",
    200,
    { status: "success", data: { resultType: "matrix", result: [] } },
    "the query gives a matrix, not one number",
  ],
  [
    "an error",
    400,
    { status: "error", errorType: "bad_data", error: `parse\u001b[31m error\n${"x".repeat(500)}` },
    "Prometheus says bad_data: parse [31m error",
  ],
  [
    "an error that repeats the token",
    500,
    { status: "error", errorType: "internal", error: `Bearer ${token}` },
    "Prometheus says internal: Bearer …",
  ],
  ["a refusal", 401, "Unauthorized", "Prometheus refuses to answer (HTTP 401)"],
  ["another page", 200, "<html>", "what answered (HTTP 200) is no Prometheus"],
  ["half of an answer", 200, '{"status":"success","data":', "what answered (HTTP 200) is no Prometheus"],
  ["another document", 200, { status: "success" }, "what answered (HTTP 200) is no Prometheus"],
  ["a failing proxy", 502, "Bad Gateway", "what answered (HTTP 502) is no Prometheus"],
  ["too much", 200, " ".repeat((1 << 20) + 1), "Prometheus answered with more than 1048576 bytes"],
])("%s is no value", async (_what, status, body, problem) => {
  const answer = await ask(status, body);
  expect(answer).toEqual({ problem: expect.stringContaining(problem) as string });
  expect(JSON.stringify(answer).length).toBeLessThan(300);
  expect(JSON.stringify(answer)).not.toContain(token);
});

test("a redirect is not followed: the token stays where it was meant for", async () => {
  const seen: string[] = [];
  const elsewhere = await serve(({ url }, reply) => {
    seen.push(url ?? "");
    reply.end(JSON.stringify(vector("1")));
  });
  expect(await ask(302, "", { location: `${elsewhere}/api/v1/query` })).toEqual({
    problem: "Prometheus sends elsewhere (HTTP 302), which is not followed",
  });
  expect(seen).toEqual([]);
});

test("nobody there, and a connection that breaks", async () => {
  const gone = openPrometheus({ url: "http://127.0.0.1:9", token, signal: never });
  expect(await gone.ask("up")).toEqual({ problem: expect.stringContaining("cannot be asked") as string });
  const url = await serve((_asked, reply) => {
    reply.writeHead(200, { "content-length": "100" }).write("{");
    setTimeout(() => reply.destroy(), 20);
  });
  expect(await openPrometheus({ url, token, signal: never }).ask("up")).toEqual({
    problem: expect.stringContaining("cannot be asked") as string,
  });
});

test("a token that cannot be a header is not shown", async () => {
  const url = await serve((_asked, reply) => reply.end(JSON.stringify(vector("1"))));
  const bad = "two\nlines-of-secret";
  const answer = await openPrometheus({ url, token: bad, signal: never }).ask("up");
  expect(answer).toHaveProperty("problem");
  expect(JSON.stringify(answer)).not.toContain("lines-of-secret");
});

test("silence is given up after 5 s, and Ctrl-C at once", async () => {
  const url = await serve((_asked, reply) => void reply.writeHead(200).write("{"));
  const stop = new AbortController();
  const broken = openPrometheus({ url, token, signal: stop.signal }).ask("up");
  const silent = openPrometheus({ url, token, signal: never }).ask("up");
  stop.abort(new Error("interrupted by SIGINT"));
  expect(await broken).toEqual({ problem: expect.stringContaining("interrupted by SIGINT") as string });
  expect(await silent).toEqual({ problem: "Prometheus did not answer within 5 s" });
}, 20_000);
