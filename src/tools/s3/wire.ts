// One request over HTTP and its reply: whole buffers out, whole buffers in, with limits in time and bytes.
import { Agent as HttpAgent, request as plainRequest, type IncomingHttpHeaders } from "node:http";
import { Agent as HttpsAgent, request as secureRequest } from "node:https";
import type { ClientRequest } from "node:http";

export interface Outgoing {
  method: string;
  origin: URL;
  /** Encoded path and query. */
  path: string;
  headers: Readonly<Record<string, string>>;
  body: Uint8Array | null;
  /** Where the reply's body is put; without it a buffer is made. */
  into: Uint8Array | null;
  /** Milliseconds for all of it. */
  limitMs: number;
}

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export type Wire = (outgoing: Outgoing) => Promise<Reply>;

/** The reply is longer than what it is to be put into. */
export class ReplyTooLong extends Error {}
/** The server was silent, or slower than anything that is worth waiting for. */
export class TooSlow extends Error {}

/** Bytes that are given to the socket at a time: what TLS has encrypted waits in memory until it is sent. */
const slice = 1 << 20;
const nothing = new Uint8Array();
/** Most bytes of a reply that has no place of its own: a page of a listing is the longest. */
const mostBytes = 32 << 20;

export interface WireOptions {
  signal: AbortSignal;
  /** Milliseconds without a byte in either direction after which a connection is given up. */
  silenceMs: number;
  userAgent: string;
}

/** Keeps connections for the next request; idle ones do not keep the process alive. */
export function createWire({ signal, silenceMs, userAgent }: WireOptions): Wire {
  const secureAgent = new HttpsAgent({ keepAlive: true });
  const plainAgent = new HttpAgent({ keepAlive: true });
  // One listener for all of them: one for each request costs as much as signing it.
  const running = new Set<ClientRequest>();
  signal.addEventListener("abort", () => {
    for (const one of running) one.destroy();
  });
  return async ({ method, origin, path, headers, body, into, limitMs }) => {
    signal.throwIfAborted();
    const secure = origin.protocol === "https:";
    const outgoing = (secure ? secureRequest : plainRequest)({
      protocol: origin.protocol,
      hostname: origin.hostname.replace(/^\[|\]$/g, ""),
      ...(origin.port !== "" && { port: origin.port }),
      method,
      path,
      agent: secure ? secureAgent : plainAgent,
      timeout: silenceMs,
      headers: {
        ...headers,
        "user-agent": userAgent,
        ...(method !== "GET" && method !== "HEAD" && { "content-length": String(body?.length ?? 0) }),
      },
    });
    running.add(outgoing);
    const limit = setTimeout(() => {
      outgoing.destroy(new TooSlow(`not done after ${Math.round(limitMs / 1000)} s`));
    }, limitMs);
    outgoing.on("timeout", () => outgoing.destroy(new TooSlow(`silent for ${silenceMs / 1000} s`)));
    try {
      const reply = receive(outgoing, into);
      // The reply may be there, as a refusal, before the body is sent.
      const [received] = await Promise.all([reply, Promise.race([send(outgoing, body ?? nothing), reply])]);
      return received;
    } catch (error) {
      outgoing.destroy();
      signal.throwIfAborted();
      throw error;
    } finally {
      clearTimeout(limit);
      running.delete(outgoing);
    }
  };
}

async function send(outgoing: ClientRequest, body: Uint8Array): Promise<void> {
  for (let from = 0; from < body.length; from += slice) {
    if (outgoing.destroyed) return;
    if (!outgoing.write(body.subarray(from, from + slice))) await drained(outgoing);
  }
  outgoing.end();
}

/** Also done when the request is over: then nothing drains any more. */
function drained(outgoing: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      outgoing.off("drain", done);
      outgoing.off("close", done);
      resolve();
    };
    outgoing.on("drain", done);
    outgoing.on("close", done);
  });
}

function receive(outgoing: ClientRequest, into: Uint8Array | null): Promise<Reply> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  outgoing.on("error", reject);
  outgoing.on("response", (incoming) => {
    const { statusCode: status = 0, headers } = incoming;
    // A refusal is not the object.
    const place =
      into !== null && status < 300 ? Buffer.from(into.buffer, into.byteOffset, into.length) : null;
    const parts: Buffer[] = [];
    let size = 0;
    incoming.on("data", (part: Buffer) => {
      if (size + part.length > (place?.length ?? mostBytes)) {
        incoming.destroy(new ReplyTooLong(`more than ${place?.length ?? mostBytes} bytes`));
      } else if (place !== null) part.copy(place, size);
      else parts.push(part);
      size += part.length;
    });
    incoming.on("error", reject);
    incoming.on("end", () => {
      resolve({ status, headers, body: place?.subarray(0, size) ?? Buffer.concat(parts) });
      if (!outgoing.writableFinished) outgoing.destroy();
    });
  });
  return promise;
}

/** A header that is there once; of several the first. */
export function header({ headers }: Pick<Reply, "headers">, name: string): string | null {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? null;
}
