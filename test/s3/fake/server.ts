// A strict S3 server for tests, in memory: answers as Amazon's is documented to, goes wrong as it is told to.
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { answer } from "./answer.ts";
import type { World } from "./answer.ts";
import { amazonsManners, makeBucket } from "./bucket.ts";
import type { Bucket, Manners } from "./bucket.ts";
import { createFaultScript } from "./faults.ts";
import type { Fault, FaultScript } from "./faults.ts";
import { Refusal, replyOf } from "./refusal.ts";
import { headOf } from "./request.ts";
import type { Head, Reply } from "./request.ts";
import type { Credentials } from "./signature.ts";

/** The key that a fresh server knows; the testbed's servers know the same. */
export const testCredentials: Credentials = { accessKeyId: "test", secretAccessKey: "testsecret" };

/** A request and what became of it. */
export interface Recorded extends Head {
  /** Bytes of its body that were read. */
  received: number;
  /** Null as long as it was not answered. */
  status: number | null;
  fault: Fault | null;
}

export interface FakeS3 extends World {
  /** `http://127.0.0.1:PORT`. */
  url: string;
  faults: FaultScript;
  /** All requests, in the order of their arrival. */
  requests: Recorded[];
  bucket(name: string): Bucket;
  addBucket(name: string, options?: Partial<Bucket>): Bucket;
  close(): Promise<void>;
}

export interface FakeS3Options {
  manners?: Partial<Manners>;
  /** Key and certificate in PEM: the server then speaks TLS. */
  tls?: { key: string; cert: string };
}

/** Starts a server on a port of its own, with no bucket in it. */
export async function startFakeS3({ manners, tls }: FakeS3Options = {}): Promise<FakeS3> {
  const server = tls === undefined ? createServer() : createSecureServer(tls);
  server.keepAliveTimeout = 60_000;
  server.on("request", (message: IncomingMessage, response: ServerResponse) => {
    void serve(fake, message, response, tls !== undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", 1024, resolve));
  // A server that listens on an address has one.
  const { port } = server.address() as AddressInfo;
  const fake: FakeS3 = {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    buckets: new Map(),
    credentials: [testCredentials],
    manners: { ...amazonsManners, ...manners },
    faults: createFaultScript(),
    requests: [],
    bucket(name) {
      const bucket = fake.buckets.get(name);
      if (bucket === undefined) throw new Error(`the fake has no bucket ${name}`);
      return bucket;
    },
    addBucket(name, options) {
      const bucket = makeBucket(name, options);
      fake.buckets.set(name, bucket);
      return bucket;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}

async function serve(
  fake: FakeS3,
  message: IncomingMessage,
  response: ServerResponse,
  secure: boolean,
): Promise<void> {
  const head = headOf(message, fake.requests.length + 1, secure);
  const record: Recorded = { ...head, received: 0, status: null, fault: null };
  fake.requests.push(record);
  const rule = fake.faults.next(head);
  const fault = rule?.fault ?? null;
  record.fault = fault;
  const { socket } = message;
  // A client may go away at any time.
  for (const side of [message, response]) side.on("error", () => {});
  const date = { date: fake.manners.clock().toUTCString() };
  if (fault?.kind === "refuse-early") {
    send(response, record, refused(fault, record), { ...date, connection: "close" });
    return;
  }
  const limit = fault?.kind === "cut-request" ? fault.after : Infinity;
  const body = await read(message, record, limit).catch(() => null);
  if (body === null || fault?.kind === "cut-request") {
    socket.destroy();
    return;
  }
  const reply = await replyTo(fake, { ...head, body }, fault);
  rule?.acted?.(head);
  if (reply === null || socket.destroyed) return;
  if (fault?.kind === "lose-reply") socket.destroy();
  else if (fault?.kind === "cut-reply") cut(response, record, reply, date, fault.after);
  else if (fault?.kind === "drip") await drip(response, record, reply, date, fault);
  else send(response, record, reply, date);
}

/** The body, or as much of it as there is before the limit. @throws when the client goes away. */
async function read(message: IncomingMessage, record: Recorded, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  if (limit === 0) return Buffer.alloc(0);
  for await (const chunk of message) {
    if (!Buffer.isBuffer(chunk)) continue;
    chunks.push(chunk);
    record.received += chunk.length;
    if (record.received >= limit) break;
  }
  return Buffer.concat(chunks);
}

/** Null when there is to be none. */
async function replyTo(
  fake: FakeS3,
  request: Head & { body: Buffer },
  fault: Fault | null,
): Promise<Reply | null> {
  if (fault?.kind === "stall") return null;
  if (fault?.kind === "refuse") return refused(fault, request);
  if (fault?.kind === "error-in-200") {
    const refusal = new Refusal(200, fault.code, "We encountered an internal error. Please try again.");
    return replyOf(refusal, String(request.number));
  }
  const reply = await answer(request, fake).catch((error: unknown) => {
    if (error instanceof Refusal) return replyOf(error, String(request.number));
    throw error;
  });
  return fault?.kind === "act-then-refuse" ? refused(fault, request) : reply;
}

function refused(
  fault: { status: number; code: string; headers?: Record<string, string> },
  { number }: Head,
) {
  const refusal = new Refusal(fault.status, fault.code, "As the fault script says", {}, fault.headers);
  return replyOf(refusal, String(number));
}

function begin(
  response: ServerResponse,
  record: Recorded,
  reply: Reply,
  more: Record<string, string>,
): Buffer {
  const body = Buffer.from(reply.body ?? "");
  record.status = reply.status;
  // 204 has no length; that of a HEAD is the length that a GET would have.
  const length: Record<string, string> =
    reply.status === 204 ? {} : { "content-length": String(body.length) };
  response.writeHead(reply.status, {
    ...length,
    "x-amz-request-id": String(record.number),
    ...reply.headers,
    ...more,
  });
  return record.method === "HEAD" ? Buffer.alloc(0) : body;
}

function send(response: ServerResponse, record: Recorded, reply: Reply, more: Record<string, string>): void {
  response.end(begin(response, record, reply, more));
}

function cut(
  response: ServerResponse,
  record: Recorded,
  reply: Reply,
  more: Record<string, string>,
  after: number,
): void {
  const body = begin(response, record, reply, more);
  response.flushHeaders();
  response.write(body.subarray(0, Math.min(after, body.length - 1)), () => response.socket?.destroy());
}

async function drip(
  response: ServerResponse,
  record: Recorded,
  reply: Reply,
  more: Record<string, string>,
  { bytes, everyMs }: { bytes: number; everyMs: number },
): Promise<void> {
  const body = begin(response, record, reply, more);
  for (let at = 0; at < body.length && !response.destroyed; at += bytes) {
    response.write(body.subarray(at, at + bytes));
    await wait(everyMs);
  }
  response.end();
}
