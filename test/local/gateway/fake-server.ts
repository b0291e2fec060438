// A model server for tests of the gateway: keeps the server's contract, and fails when it is told to.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";

/** What `behaviour.json` in the bundle may say. */
export interface Behaviour {
  /** Ends at once when started. */
  crashOnStart?: boolean;
  /** Ends when it gets its n-th prediction. */
  crashAt?: number;
  /** Milliseconds until it is ready. */
  readyAfterMs?: number;
  /** Counts its answers at `/metrics`, as servers of ours do. */
  counts?: boolean;
  /** What it does with every prediction. */
  always?: Deed;
}

/** What a request may ask for in its member `do`. */
export type Deed = "ok" | "500" | "400" | "503" | "reset" | "half" | "hang" | "slow" | "crash" | "huge";

const bundle = process.argv[5] ?? ".";
const behaviour = JSON.parse(readFileSync(path.join(bundle, "behaviour.json"), "utf8")) as Behaviour;
const started = performance.now();
let predictions = 0;

if (behaviour.crashOnStart) {
  process.stderr.write("ModuleNotFoundError: no such model\n");
  process.exit(1);
}

const server = createServer((request, response) => {
  const send = (status: number, document: unknown) => {
    const text = JSON.stringify(document);
    response
      .writeHead(status, { "content-type": "application/json", "content-length": text.length })
      .end(text);
  };
  if (request.url?.startsWith("/health/")) {
    const ready = performance.now() - started >= (behaviour.readyAfterMs ?? 0);
    return send(request.url === "/health/ready" && !ready ? 503 : 200, {});
  }
  if (request.url === "/metrics" && behaviour.counts) {
    const page = [
      "# TYPE mlship_answers_total counter",
      `mlship_answers_total{answer="1"} ${predictions}`,
      `mlship_request_duration_seconds_bucket{le="0.01"} ${predictions}`,
      `mlship_request_duration_seconds_bucket{le="+Inf"} ${predictions}`,
    ];
    return response.end(page.join("\n"));
  }
  let text = "";
  let size = 0;
  request.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size < 100_000) text += chunk.toString();
  });
  request.on("end", () => {
    if (request.method !== "POST") {
      return send(200, { method: request.method, url: request.url, headers: request.rawHeaders });
    }
    predictions += 1;
    if (behaviour.crashAt === predictions) process.exit(9);
    const asked =
      text.startsWith("{") && size < 100_000 ? (JSON.parse(text) as { do?: Deed; columns?: object }) : {};
    const deed = behaviour.always ?? asked.do ?? "ok";
    if (deed === "500" || deed === "400" || deed === "503")
      return send(Number(deed), { error: { code: "told" } });
    if (deed === "reset") return request.socket.resetAndDestroy();
    if (deed === "crash") process.exit(9);
    if (deed === "hang") return;
    if (deed === "half") {
      response.writeHead(200, { "content-length": 1000 }).write("half");
      return setTimeout(() => request.socket.destroy(), 20);
    }
    if (deed === "huge") {
      response.writeHead(200);
      for (let block = 0; block < 64; block += 1) response.write(Buffer.alloc(64 * 1024, block));
      return response.end();
    }
    const answer = { predictions: [1], probabilities: null, size, headers: request.rawHeaders };
    return deed === "slow" ? setTimeout(() => send(200, answer), 600) : send(200, answer);
  });
});

server.keepAliveTimeout = 5_000;
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  const port = typeof address === "object" ? address?.port : null;
  process.stdout.write(`${JSON.stringify({ listening: { port, pid: process.pid } })}\n`);
  process.stderr.write(`serving ${bundle}\n`);
});
const leave = () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
  setInterval(() => server.closeIdleConnections(), 20);
};
process.on("SIGTERM", leave);
process.stdin.on("end", leave).resume();
