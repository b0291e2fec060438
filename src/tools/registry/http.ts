// One HTTP request and its reply: streamed out, read whole, with a limit in time and in bytes.
import { Agent as HttpAgent, request as plainRequest, type IncomingHttpHeaders } from "node:http";
import { Agent as HttpsAgent, request as secureRequest } from "node:https";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** A body that can be sent again. */
export interface Body {
  /** Bytes. */
  length: number;
  open(): Readable | Uint8Array;
}

export interface Call {
  method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH";
  url: URL;
  headers?: Readonly<Record<string, string>>;
  body?: Body;
  /** Most bytes of the reply that are read. */
  limit?: number;
}

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** The call that this answers. */
  call: Call;
}

/** Sends a call and reads its reply, whatever its status. Rejects when the connection fails. */
export type Send = (call: Call) => Promise<Reply>;

/** Most bytes of a reply by default: no manifest, index or token is larger. */
const usualLimit = 8 << 20;

/** A reply was larger than what is read. */
export class ReplyTooLarge extends Error {}
/** Nothing moved on the connection for too long. */
export class Silence extends Error {}

export interface SendOptions {
  signal: AbortSignal;
  /** Milliseconds without a byte in either direction. */
  patienceMs: number;
  userAgent: string;
}

/** Keeps connections for the next request; idle ones do not keep the process alive. */
export function createSend({ signal, patienceMs, userAgent }: SendOptions): Send {
  const agents = {
    "http:": new HttpAgent({ keepAlive: true }),
    "https:": new HttpsAgent({ keepAlive: true }),
  };
  return async (call) => {
    signal.throwIfAborted();
    const { url, method, body, headers, limit = usualLimit } = call;
    const secure = url.protocol === "https:";
    const outgoing = (secure ? secureRequest : plainRequest)(url, {
      method,
      agent: secure ? agents["https:"] : agents["http:"],
      signal,
      timeout: patienceMs,
      headers: {
        "user-agent": userAgent,
        ...headers,
        ...(method === "GET" || method === "HEAD" ? {} : { "content-length": String(body?.length ?? 0) }),
      },
    });
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    outgoing.on("timeout", () => outgoing.destroy(new Silence(`silent for ${patienceMs / 1000} s`)));
    outgoing.on("error", reject);
    outgoing.on("response", (incoming) => {
      const { statusCode: status = 0, headers: replied } = incoming;
      const parts: Buffer[] = [];
      let size = 0;
      incoming.on("data", (part: Buffer) => {
        size += part.length;
        if (size > limit) incoming.destroy(new ReplyTooLarge(`more than ${limit} bytes`));
        else parts.push(part);
      });
      incoming.on("error", reject);
      incoming.on("end", () => {
        resolve({ status, headers: replied, body: Buffer.concat(parts), call });
        // A reply that came before the body was sent: the rest of the body is not wanted.
        if (!outgoing.writableFinished) outgoing.destroy();
      });
    });
    try {
      const source = body?.open();
      if (source === undefined || source instanceof Uint8Array) outgoing.end(source);
      else pipeline(source, outgoing).catch(reject);
      return await promise;
    } catch (error) {
      outgoing.destroy();
      signal.throwIfAborted();
      throw error;
    }
  };
}

/** A header that is there once; of several the first. */
export function header({ headers }: Reply, name: string): string | null {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? null;
}
