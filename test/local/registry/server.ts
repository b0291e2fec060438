// A registry on this machine that fails as a test tells it to: one HTTP server, blobs and manifests in memory.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { onTestFinished } from "vitest";
import { digestBytes } from "../../../src/digest.ts";

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
}

/** What a request looked like. */
export interface Seen {
  method: string;
  /** With its query. */
  path: string;
  headers: IncomingMessage["headers"];
  body: Buffer;
}

export interface TestRegistry {
  /** `127.0.0.1:PORT` */
  host: string;
  /** Every request, oldest first. */
  seen: Seen[];
  blobs: Map<string, Buffer>;
  manifests: Map<string, { bytes: Buffer; type: string }>;
  /** Asked before anything else: an answer stands in place of the registry's own. */
  before: (request: Seen) => Answer | "hang" | "drop" | null;
  /** Cuts the connection, once, when this many bytes of uploads have come from now on. */
  restart: (cutAfter: number) => void;
  /** Least bytes of a piece. */
  least: number;
}

/** Starts one; it ends with the test. */
export async function startRegistry(): Promise<TestRegistry> {
  const uploads = new Map<string, Buffer>();
  const registry: TestRegistry = {
    host: "",
    seen: [],
    blobs: new Map(),
    manifests: new Map(),
    before: () => null,
    restart(bytes) {
      cutAfter = bytes;
      received = 0;
    },
    least: 0,
  };
  let received = 0;
  let cutAfter: number | null = null;
  const server = createServer((request, response) => void serve(request, response));

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url: path = "", headers } = request;
    const upload = /\/uploads\/([0-9a-z]+)/.exec(path)?.[1];
    const parts: Buffer[] = [];
    try {
      for await (const part of request as AsyncIterable<Buffer>) {
        if (upload !== undefined && cutAfter !== null && received + part.length >= cutAfter) {
          // What came before the cut is kept, as registries do.
          parts.push(part.subarray(0, cutAfter - received));
          cutAfter = null;
          const kept = Buffer.concat(parts);
          received += kept.length;
          uploads.set(upload, Buffer.concat([uploads.get(upload) ?? Buffer.alloc(0), kept]));
          request.socket.destroy();
          return;
        }
        parts.push(part);
        if (upload !== undefined) received += part.length;
      }
    } catch {
      return;
    }
    const seen = { method, path, headers, body: Buffer.concat(parts) };
    registry.seen.push(seen);
    const forced = registry.before(seen);
    if (forced === "hang") return;
    if (forced === "drop") {
      request.socket.destroy();
      return;
    }
    const { status, headers: more = {}, body = "" } = forced ?? answer(seen);
    response.writeHead(status, more).end(method === "HEAD" ? undefined : body);
  }

  function answer({ method, path, headers, body }: Seen): Answer {
    const url = new URL(path, "http://registry");
    const [, repository = "", kind = "", name = ""] =
      /^\/v2\/(.+?)\/(manifests|blobs\/uploads|blobs|referrers)\/(.*)$/.exec(url.pathname) ?? [];
    if (kind === "manifests" && method === "PUT") {
      const digest = digestBytes(body);
      const type = headers["content-type"] ?? "";
      for (const key of [name, digest]) registry.manifests.set(`${repository}/${key}`, { bytes: body, type });
      return { status: 201, headers: { "docker-content-digest": digest } };
    }
    if (kind === "manifests") {
      const found = registry.manifests.get(`${repository}/${name}`);
      if (found === undefined) return refuse(404, "MANIFEST_UNKNOWN");
      const digest = digestBytes(found.bytes);
      return {
        status: 200,
        headers: { "content-type": found.type, "docker-content-digest": digest },
        body: found.bytes,
      };
    }
    if (kind === "blobs") {
      const found = registry.blobs.get(name);
      return found === undefined ? refuse(404, "BLOB_UNKNOWN") : { status: 200, body: found };
    }
    if (kind === "blobs/uploads") return takeUpload(method, url, repository, name, headers, body);
    return refuse(404, "UNSUPPORTED");
  }

  function takeUpload(
    method: string,
    url: URL,
    repository: string,
    name: string,
    headers: IncomingMessage["headers"],
    body: Buffer,
  ): Answer {
    const at = (id: string, status: number): Answer => {
      const size = uploads.get(id)?.length ?? 0;
      return {
        status,
        headers: {
          location: `/v2/${repository}/blobs/uploads/${id}?state=${size}`,
          range: `0-${Math.max(0, size - 1)}`,
          ...(registry.least === 0 ? {} : { "oci-chunk-min-length": String(registry.least) }),
        },
      };
    };
    if (method === "POST") {
      const mount = url.searchParams.get("mount");
      if (mount !== null && registry.blobs.has(mount)) return { status: 201 };
      const id = `u${uploads.size}`;
      uploads.set(id, Buffer.alloc(0));
      return at(id, 202);
    }
    const old = uploads.get(name);
    if (old === undefined) return refuse(404, "BLOB_UPLOAD_UNKNOWN");
    if (method === "GET") return at(name, 204);
    if (url.searchParams.get("state") !== String(old.length)) return at(name, 416);
    if (method === "PATCH") {
      const range = headers["content-range"];
      if (range !== `${old.length}-${old.length + body.length - 1}`) return at(name, 416);
      uploads.set(name, Buffer.concat([old, body]));
      return at(name, 202);
    }
    const bytes = Buffer.concat([old, body]);
    if (digestBytes(bytes) !== url.searchParams.get("digest")) return refuse(400, "DIGEST_INVALID");
    uploads.delete(name);
    registry.blobs.set(digestBytes(bytes), bytes);
    return { status: 201, headers: { "docker-content-digest": digestBytes(bytes) } };
  }

  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  registry.host = `127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  return registry;
}

/** A refusal in the registry's words. */
export function refuse(status: number, code: string, headers: Record<string, string> = {}): Answer {
  return { status, headers, body: JSON.stringify({ errors: [{ code, message: `${code} it is` }] }) };
}
