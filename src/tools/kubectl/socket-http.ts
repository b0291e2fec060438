// One HTTP request over kubectl's socket: sent whole, answered whole, within a deadline.
import { Agent, request } from "node:http";
import type { IncomingHttpHeaders } from "node:http";

export interface Call {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path and query. */
  path: string;
  body?: string;
  /** Media type of the body. */
  type?: string;
  /** Milliseconds until the whole answer must be there. */
  timeoutMs: number;
}

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** The answer did not come in time: whether the request was carried out is not known. */
export class Late extends Error {}

/** Most bytes of an answer: a list of some thousand pods. */
const limit = 64 << 20;

/** Keeps connections for later requests; idle ones do not keep the process alive. */
export function createAgent(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 32 });
}

/** Sends a call to the socket. Rejects when the connection fails or the deadline passes. */
export async function send(agent: Agent, socketPath: string, call: Call): Promise<Reply> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const { method, path, body, type, timeoutMs } = call;
  const outgoing = request({
    agent,
    socketPath,
    method,
    path,
    headers: {
      // kubectl answers nobody else.
      host: "localhost",
      accept: "application/json",
      ...(body === undefined
        ? {}
        : { "content-type": type ?? "application/json", "content-length": Buffer.byteLength(body) }),
    },
  });
  const timer = setTimeout(() => {
    const late = new Late(`no answer within ${timeoutMs / 1000} s`);
    reject(late);
    outgoing.destroy(late);
  }, timeoutMs);
  outgoing.on("error", reject);
  outgoing.on("response", (incoming) => {
    const parts: Buffer[] = [];
    let size = 0;
    incoming.on("data", (part: Buffer) => {
      size += part.length;
      if (size > limit) incoming.destroy(new Error(`an answer of more than ${limit} bytes`));
      else parts.push(part);
    });
    incoming.on("error", reject);
    incoming.on("end", () =>
      resolve({
        status: incoming.statusCode ?? 0,
        headers: incoming.headers,
        body: Buffer.concat(parts).toString("utf8"),
      }),
    );
  });
  outgoing.end(body);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
