// Real gateways on real sockets for tests: a deployment in a temporary folder, revisions, load.
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request as send } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { digestBytes } from "../../../src/digest.ts";
import type { Holder, Revision } from "../../../src/rollout/ports.ts";
import { LocalTarget } from "../../../src/targets/local/local-target.ts";
import { localDaemons, localProcesses } from "../../../src/tools/launch.ts";
import type { Behaviour, Deed } from "./fake-server.ts";

const here = path.dirname(fileURLToPath(import.meta.url));
const entry = path.join(here, "../../../src/gateway.ts");

export const processes = localProcesses();

/** One deployment of fake models. */
export interface Deployment {
  folder: string;
  port: number;
  /** A new driver, as another run of the command line would be. */
  driver(options?: { leaseMs?: number; replicas?: number; timeoutMs?: number }): LocalTarget;
  /** A bundle of this version that behaves so; starting it needs nothing else. */
  revision(version: string, behaviour?: Behaviour): Revision;
  /** gateway.json. */
  found(): { pid: number; adminPort: number; token: string };
  /** Process ids of all servers that the gateway has started and that still live. */
  servers(): Promise<number[]>;
  destroy(): Promise<void>;
}

export async function deploy(
  port?: number,
  folder = mkdtempSync(path.join(tmpdir(), "mlship-gateway-")),
): Promise<Deployment> {
  const bundles = path.join(folder, "bundles");
  const python = path.join(folder, "python");
  mkdirSync(bundles, { recursive: true });
  const script = `#!/bin/sh\nexec "${process.execPath}" "${path.join(here, "fake-server.ts")}" "$@"\n`;
  // Drivers of one deployment share it; a program that is being written cannot be started.
  if (!existsSync(python)) writeFileSync(python, script, { mode: 0o755 });
  const usersPort = port ?? (await freePort());
  const state = path.join(folder, "local", "fake-production");
  return {
    folder: state,
    port: usersPort,
    driver: ({ leaseMs = 30_000, replicas = 1, timeoutMs = 3_000 } = {}) =>
      new LocalTarget(
        {
          name: "fake",
          channel: "production",
          stateFolder: folder,
          port: usersPort,
          replicas,
          timeoutMs,
          leaseMs,
          materials: {
            materialise: async (release) => ({
              bundleFolder: path.join(bundles, release.slice(7, 19)),
              python,
            }),
          },
        },
        processes,
        localDaemons(process.execPath, entry, process.env),
      ),
    revision: (version, behaviour = {}) => {
      const release = digestBytes(`${version} ${JSON.stringify(behaviour)}`);
      const bundle = path.join(bundles, release.slice(7, 19));
      mkdirSync(bundle, { recursive: true });
      writeFileSync(path.join(bundle, "mlship.json"), "{}");
      writeFileSync(path.join(bundle, "behaviour.json"), JSON.stringify(behaviour));
      return { id: `fake-${version.replaceAll(".", "-")}-${release.slice(7, 15)}`, version, release };
    },
    found: () => JSON.parse(readFileSync(path.join(state, "gateway.json"), "utf8")),
    servers: () => pidsOf(bundles),
    destroy: async () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** Writes an interpreter that finds the server package in its source folder, as an environment would. */
export function writePython(folder: string, python: string): string {
  const file = path.join(folder, "python");
  const server = path.join(here, "../../../templates/server");
  writeFileSync(file, `#!/bin/sh\nPYTHONPATH="${server}" exec "${python}" "$@"\n`);
  chmodSync(file, 0o755);
  return file;
}

/** Processes whose command line names a folder. Linux only, like the machines that run these tests. */
async function pidsOf(text: string): Promise<number[]> {
  const { readdir, readFile } = await import("node:fs/promises");
  const pids: number[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const line = await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "");
    if (line.includes(text)) pids.push(Number(name));
  }
  return pids;
}

export function holder(doing = "mlship deploy"): Holder {
  return {
    id: randomBytes(4).toString("hex"),
    user: "ada",
    host: processes.host,
    pid: process.pid,
    doing,
    since: "2026-01-02T03:04:05.000Z",
  };
}

/** Makes a revision the stable one, as a first deployment does. */
export async function serveStable(target: LocalTarget, revision: Revision): Promise<void> {
  await target.fleet.start(revision);
  await target.fleet.ready(revision, 20_000);
  await target.fleet.promote(revision);
}

export async function startCanary(target: LocalTarget, revision: Revision): Promise<void> {
  await target.fleet.start(revision);
  await target.fleet.ready(revision, 20_000);
}

/** One answer as a user sees it; status 0 when there was none. */
export interface Seen {
  status: number;
  version: string;
  fallback: boolean;
  text: string;
  headers: Record<string, string | string[] | undefined>;
}

export function ask(
  port: number,
  options: {
    agent?: Agent;
    deed?: Deed;
    body?: string | Buffer;
    method?: string;
    path?: string;
    headers?: Record<string, string>;
  } = {},
): Promise<Seen> {
  const { method = "POST", deed = "ok" } = options;
  const body = options.body ?? (method === "POST" ? JSON.stringify({ do: deed }) : undefined);
  return new Promise((resolve) => {
    const none = (text: string) => resolve({ status: 0, version: "", fallback: false, text, headers: {} });
    const request = send(
      {
        host: "127.0.0.1",
        port,
        method,
        path: options.path ?? "/predict",
        agent: options.agent ?? false,
        headers: {
          "content-type": "application/json",
          ...(body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) }),
          ...options.headers,
        },
        timeout: 30_000,
      },
      (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            version: String(response.headers["x-mlship-version"] ?? ""),
            fallback: response.headers["x-mlship-fallback"] === "1",
            text,
            headers: response.headers,
          }),
        );
        response.on("error", (cause) => none(cause.message));
      },
    );
    request.on("error", (cause) => none(cause.message));
    request.on("timeout", () => request.destroy(new Error("no answer in 30 s")));
    request.end(body);
  });
}

/** What users saw: answers by version, rescues, and everything that was not 200. */
export interface Tally {
  sent: number;
  byVersion: Record<string, number>;
  fallbacks: number;
  failed: string[];
}

/** Sends requests from several keep-alive users until `count` are answered or `until` says stop. */
export async function load(
  port: number,
  options: { count?: number; users?: number; until?: () => boolean; deed?: Deed },
): Promise<Tally> {
  const { count = Infinity, users = 8, until = () => false, deed = "ok" } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: users });
  const tally: Tally = { sent: 0, byVersion: {}, fallbacks: 0, failed: [] };
  const user = async () => {
    while (tally.sent < count && !until()) {
      tally.sent += 1;
      const seen = await ask(port, { agent, deed });
      if (seen.status !== 200) tally.failed.push(`${seen.status} ${seen.text}`);
      else tally.byVersion[seen.version] = (tally.byVersion[seen.version] ?? 0) + 1;
      if (seen.fallback) tally.fallbacks += 1;
    }
  };
  await Promise.all(Array.from({ length: users }, user));
  agent.destroy();
  return tally;
}

/** Waits until something is so; fails after 20 s. */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries += 1) {
    if (await holds()) return;
    await sleep(50);
  }
  throw new Error(`never happened: ${what}`);
}

export async function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
