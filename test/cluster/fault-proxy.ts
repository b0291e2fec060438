// A proxy before the real API server that does to requests what bad days do: for use through its own kubeconfig.
import { readFileSync, rmSync, mkdtempSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Agent, request as ask } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { load } from "js-yaml";

/** A request that was seen. */
export interface Seen {
  /** Number of the write, from 1; 0 for a read. */
  n: number;
  method: string;
  /** Path and query. */
  path: string;
  /** `configmaps`, `pods/proxy`. */
  resource: string;
  /** Name of the object; empty for a collection. */
  name: string;
  body: string;
}

/** What is done to a request. */
export type Fault =
  /** Answered so, without asking the API server. */
  | { answer: number; reason?: string; message?: string; retryAfter?: number }
  /** The connection is broken before the API server hears of it, or after it has carried it out. */
  | { cut: "before" | "after"; act?: () => void | Promise<void> }
  /** No answer ever comes, before or after it was carried out. */
  | { hang: "before" | "after" }
  /** It waits first. */
  | { delayMs: number };

export interface Faults {
  /** Called for every request, reads too. */
  decide?: (request: Seen) => Fault | null | Promise<Fault | null>;
  /** Called for every write, before it is passed on: kill somebody here, and drop it or let it through. */
  onWrite?: (n: number, request: Seen) => Fault | null | void | Promise<Fault | null | void>;
  /** Added to the `Date` of answers, in ms. */
  dateShiftMs?: number;
  /** Whom the API server takes the user for: `system:serviceaccount:ml:deployer`. The testbed's admin unless given. */
  user?: string;
}

export interface FaultProxy {
  /** Path of a kubeconfig whose only context, `faulty`, leads here. */
  readonly kubeconfig: string;
  /** What is done to requests from now on; may be changed at any time. */
  faults: Faults;
  /** The writes that were seen. */
  readonly writes: Seen[];
  /** Nothing listens any more, and every connection breaks: the API server is gone. */
  down(): Promise<void>;
  /** It is there again, at the same address. */
  up(): Promise<void>;
  close(): Promise<void>;
}

const kubeconfigOf = (file: string) =>
  load(readFileSync(file, "utf8")) as {
    clusters: [{ cluster: { server: string; "certificate-authority-data": string } }];
    users: [{ user: { "client-certificate-data": string; "client-key-data": string } }];
  };

const decoded = (text: string) => Buffer.from(text, "base64");

/** Opens a proxy before the cluster of the kubeconfig that KUBECONFIG names. */
export async function openFaultProxy(faults: Faults = {}): Promise<FaultProxy> {
  const { clusters, users } = kubeconfigOf(process.env["KUBECONFIG"] ?? "");
  const [{ cluster }] = clusters;
  const [{ user }] = users;
  const upstream = new URL(cluster.server);
  const agent = new Agent({
    keepAlive: true,
    ca: decoded(cluster["certificate-authority-data"]),
    cert: decoded(user["client-certificate-data"]),
    key: decoded(user["client-key-data"]),
  });
  const sockets = new Set<Socket>();
  const writes: Seen[] = [];

  const passOn = (incoming: IncomingMessage, body: Buffer | null) =>
    ask({
      agent,
      host: upstream.hostname,
      port: upstream.port,
      method: incoming.method,
      path: incoming.url,
      headers: {
        ...incoming.headers,
        host: upstream.host,
        ...(body === null || body.length === 0 ? {} : { "content-length": body.length }),
        ...(proxy.faults.user === undefined ? {} : impersonating(proxy.faults.user)),
      },
    });

  const see = (incoming: IncomingMessage, body: Buffer): Seen => {
    const method = incoming.method ?? "GET";
    const url = incoming.url ?? "/";
    const { resource, name } = partsOf(url);
    const isWrite =
      !["GET", "HEAD", "OPTIONS"].includes(method) &&
      !/\/(proxy|portforward|log)$/.test(resource) &&
      !resource.startsWith("selfsubject") &&
      !url.includes("dryRun=");
    const seen = {
      n: isWrite ? writes.length + 1 : 0,
      method,
      path: url,
      resource,
      name,
      body: body.toString(),
    };
    if (isWrite) writes.push(seen);
    return seen;
  };

  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    const seen = see(incoming, body);
    const hooked = seen.n > 0 ? await proxy.faults.onWrite?.(seen.n, seen) : null;
    const fault = hooked ?? (await proxy.faults.decide?.(seen)) ?? null;
    if (fault !== null && "delayMs" in fault) await sleep(fault.delayMs);
    if (fault !== null && "answer" in fault) return refuse(outgoing, fault);
    if (fault !== null && "hang" in fault && fault.hang === "before") return;
    if (fault !== null && "cut" in fault && fault.cut === "before") {
      await fault.act?.();
      incoming.socket.destroy();
      return;
    }
    const asked = passOn(incoming, body);
    asked.on("error", () => incoming.socket.destroy());
    asked.on("response", (answer) => {
      if (fault !== null && ("cut" in fault || "hang" in fault)) {
        const over = async () => {
          if (!("cut" in fault)) return;
          await fault.act?.();
          incoming.socket.destroy();
        };
        answer.resume().on("end", () => void over());
        return;
      }
      const headers = { ...answer.headers };
      const { dateShiftMs } = proxy.faults;
      if (dateShiftMs !== undefined && headers.date !== undefined)
        headers.date = new Date(Date.parse(headers.date) + dateShiftMs).toUTCString();
      outgoing.writeHead(answer.statusCode ?? 502, headers);
      answer.pipe(outgoing);
      answer.on("error", () => incoming.socket.destroy());
      outgoing.on("close", () => answer.destroy());
    });
    asked.end(body);
  };

  const server = createServer((incoming, outgoing) => {
    serve(incoming, outgoing).catch(() => incoming.socket.destroy());
  });
  // The ways into pods are upgraded connections: passed through as they are.
  server.on("upgrade", (incoming: IncomingMessage, client: Duplex, head: Buffer) => {
    const asked = passOn(incoming, null);
    asked.on("upgrade", (answer, backend, first) => {
      const headers = Object.entries(answer.headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
      client.write(`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\n${headers.join("")}\r\n`);
      client.write(first);
      backend.write(head);
      client.pipe(backend).pipe(client);
      backend.on("error", () => client.destroy()).on("close", () => client.destroy());
      client.on("error", () => backend.destroy()).on("close", () => backend.destroy());
    });
    asked.on("response", (answer) => {
      client.end(`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\nconnection: close\r\n\r\n`);
    });
    asked.on("error", () => client.destroy());
    asked.end();
  });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
  });
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", () => resolve());
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const folder = mkdtempSync(path.join(tmpdir(), "mlship-faulty-"));
  const kubeconfig = path.join(folder, "kubeconfig");
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "faulty", cluster: { server: `http://127.0.0.1:${port}` } }],
      users: [{ name: "nobody", user: {} }],
      contexts: [{ name: "faulty", context: { cluster: "faulty", user: "nobody" } }],
      "current-context": "faulty",
    }),
  );
  const down = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  const proxy: FaultProxy = {
    kubeconfig,
    faults,
    writes,
    down,
    up: () => listen(port),
    async close() {
      if (server.listening) await down();
      agent.destroy();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return proxy;
}

/** Groups are not looked up for somebody who is impersonated. */
function impersonating(user: string): Record<string, string | string[]> {
  const [, , namespace] = user.split(":");
  const groups = user.startsWith("system:serviceaccount:")
    ? ["system:serviceaccounts", `system:serviceaccounts:${namespace}`]
    : [];
  return { "impersonate-user": user, "impersonate-group": [...groups, "system:authenticated"] };
}

function refuse(outgoing: ServerResponse, fault: Extract<Fault, { answer: number }>): void {
  const { answer: code, reason = "", message = "injected", retryAfter } = fault;
  outgoing.writeHead(code, {
    "content-type": "application/json",
    date: new Date().toUTCString(),
    ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }),
  });
  outgoing.end(
    JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Failure", message, reason, code }),
  );
}

/** `/apis/apps/v1/namespaces/ml/deployments/fraud?x` → `deployments`, `fraud`. */
function partsOf(url: string): { resource: string; name: string } {
  const words = url.split("?")[0]!.split("/").slice(1);
  const rest = words.slice(words[0] === "api" ? 2 : 3);
  const own = rest[0] === "namespaces" && rest.length > 2 ? rest.slice(2) : rest;
  const [plural = "", name = "", subresource] = own;
  return { resource: subresource === undefined ? plural : `${plural}/${subresource}`, name };
}
