// An S3 server over TLS that takes whatever it is sent, forgets the bytes and remembers their number. Run by run.ts.
import { createServer } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { makeCertificate } from "../../s3/fake/certificate.ts";

const tls = makeCertificate();
/** What is under a key: bytes, and the checksum that the client said. */
const objects = new Map<string, { size: number; crc32: string | null }>();
const requests: Record<string, number> = {};

function count(request: IncomingMessage, query: URLSearchParams): string {
  const { method = "" } = request;
  const kind = query.has("uploads")
    ? "uploads"
    : query.has("partNumber")
      ? "part"
      : query.has("uploadId")
        ? "complete"
        : "object";
  const name = `${method} ${kind}`;
  requests[name] = (requests[name] ?? 0) + 1;
  return name;
}

function answer(request: IncomingMessage, response: ServerResponse, size: number): void {
  const [path = "", search = ""] = (request.url ?? "").split("?");
  const query = new URLSearchParams(search);
  const said = request.headers["x-amz-checksum-crc32"];
  const crc32 = typeof said === "string" ? said : null;
  const echo: Record<string, string> = {
    etag: '"0123456789abcdef0123456789abcdef"',
    ...(crc32 !== null && { "x-amz-checksum-crc32": crc32 }),
  };
  const send = (status: number, headers: Record<string, string>, body = "") => {
    response.writeHead(status, { "content-length": String(Buffer.byteLength(body)), ...headers });
    response.end(request.method === "HEAD" ? undefined : body);
  };
  switch (count(request, query)) {
    case "GET uploads":
      return send(
        200,
        {},
        "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>",
      );
    case "POST uploads": {
      objects.set(`${path}?`, { size: 0, crc32: null });
      const wish = { "x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": "FULL_OBJECT" };
      const key = path.split("/").slice(2).join("/");
      const body = `<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>${key}</Key><UploadId>u</UploadId></InitiateMultipartUploadResult>`;
      return send(200, wish, body);
    }
    case "PUT part": {
      const upload = objects.get(`${path}?`);
      if (upload !== undefined) upload.size += size;
      return send(200, echo);
    }
    case "POST complete": {
      objects.set(path, { size: objects.get(`${path}?`)?.size ?? 0, crc32 });
      return send(
        200,
        {},
        '<CompleteMultipartUploadResult><ETag>"1-1"</ETag></CompleteMultipartUploadResult>',
      );
    }
    case "PUT object":
      objects.set(path, { size, crc32 });
      return send(200, echo);
    default: {
      const object = objects.get(path);
      if (object === undefined) return send(404, {});
      const checksum: Record<string, string> =
        object.crc32 === null
          ? {}
          : { "x-amz-checksum-crc32": object.crc32, "x-amz-checksum-type": "FULL_OBJECT" };
      return send(200, { ...checksum, "content-length": String(object.size) });
    }
  }
}

const server = createServer(tls, (request, response) => {
  if (request.url === "/requests") {
    response.end(JSON.stringify(requests));
    for (const name of Object.keys(requests)) delete requests[name];
    objects.clear();
    return;
  }
  if (request.headers.expect !== undefined) response.writeContinue();
  let size = 0;
  request.on("data", (chunk: Buffer) => void (size += chunk.length));
  request.on("end", () => answer(request, response, size));
});
server.on("checkContinue", (request, response) => server.emit("request", request, response));
server.listen(0, "127.0.0.1", () => {
  // A server that listens on an address has one.
  const { port } = server.address() as AddressInfo;
  console.log(JSON.stringify({ port, cert: tls.cert }));
});
// Whoever started it is gone.
process.stdin.resume().on("end", () => process.exit());
