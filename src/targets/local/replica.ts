// One supervised server: started, probed, restarted after a crash, drained at the end.
import { Agent, get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { Backoff } from "./backoff.ts";
import type { LaunchSpec } from "./documents.ts";
import type { ServerProcess, Servers } from "./ports.ts";

/** Milliseconds between probes while a server starts, and while it serves. */
const probeStarting = 50;
const probeServing = 1_000;
/** Milliseconds that a probe may take. */
const probeTimeout = 2_000;
/** Probes in a row that must fail before a ready server counts as not ready. */
const probeFailures = 2;
/** Milliseconds that a server may take until it listens. */
const listenTimeout = 120_000;
/** Milliseconds that a server may take to exit after it was asked to: its own drain ends after 10 s. */
const exitGrace = 15_000;
/** Half of the server's 75 s, so that the gateway closes an idle connection before the server does. */
const idleConnection = 35_000;

const listeningSchema = z.object({ listening: z.object({ port: z.int().min(1).max(65_535) }) });

/** What a replica tells its crew. */
export interface ReplicaEvents {
  /** A server process ended without being asked to. */
  crashed(): void;
  log(line: string): void;
  monotonic(): number;
}

/** One server of a revision, through all its restarts. */
export class Replica {
  readonly #spec: LaunchSpec;
  readonly #servers: Servers;
  readonly #events: ReplicaEvents;
  readonly #backoff = new Backoff();
  readonly #stopping = new AbortController();
  readonly #life: Promise<void>;
  #process: ServerProcess | null = null;
  #port: number | null = null;
  #readySince: number | null = null;
  #restarts = 0;
  #everReady = false;
  /** Attempts under way; a draining server is left alone until there are none. */
  inFlight = 0;
  /** Keep-alive connections to the server process that runs now. */
  agent = freshAgent();

  constructor(spec: LaunchSpec, servers: Servers, events: ReplicaEvents) {
    this.#spec = spec;
    this.#servers = servers;
    this.#events = events;
    this.#life = this.#live();
  }

  get ready(): boolean {
    return this.#readySince !== null;
  }

  /** Port of the server that listens now, ready or not; null when there is none. */
  get port(): number | null {
    return this.#port;
  }

  get restarts(): number {
    return this.#restarts;
  }

  get everReady(): boolean {
    return this.#everReady;
  }

  /** Asks the server to exit, and kills it when it does not. Repeating it waits for the same end. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const running = this.#process;
    if (running !== null) {
      running.terminate();
      const grace = new AbortController();
      const kill = sleep(exitGrace, undefined, { signal: grace.signal }).then(
        () => running.kill(),
        () => undefined,
      );
      await running.ended;
      grace.abort();
      await kill;
    }
    await this.#life;
    this.agent.destroy();
  }

  async #live(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const wait = await this.#serveOnce();
      if (wait === null) return;
      await pause(wait, this.#stopping.signal);
    }
  }

  /** Runs one server process to its end; milliseconds to wait for the next, or null for none. */
  async #serveOnce(): Promise<number | null> {
    const { bundleFolder, python, timeoutMs } = this.#spec;
    const args = ["-m", "mlship_server", "serve", bundleFolder, "--host", "127.0.0.1", "--port", "0"];
    args.push("--timeout", String(timeoutMs / 1000), "--exit-with-stdin");
    const over = new AbortController();
    const server = this.#servers.start(python, args, bundleFolder, {
      stdout: (line) => this.#heard(line),
      stderr: (line) => this.#events.log(line),
    });
    this.#process = server;
    const probing = this.#probe(server, over.signal);
    const how = await server.ended;
    over.abort();
    await probing;
    const readyMs = this.#readySince === null ? 0 : this.#events.monotonic() - this.#readySince;
    this.#process = null;
    this.#port = null;
    this.#readySince = null;
    this.agent.destroy();
    this.agent = freshAgent();
    if (this.#stopping.signal.aborted) return null;
    this.#restarts += 1;
    const wait = this.#backoff.afterCrash(readyMs);
    this.#events.log(
      `mlship: the server ended by itself (${how}); start ${this.#restarts + 1} in ${wait} ms`,
    );
    this.#events.crashed();
    return wait;
  }

  #heard(line: string): void {
    const port = listeningPort(line);
    if (port !== null && this.#port === null) this.#port = port;
    else this.#events.log(line);
  }

  async #probe(server: ServerProcess, over: AbortSignal): Promise<void> {
    const started = this.#events.monotonic();
    let failures = 0;
    while (!over.aborted) {
      if (this.#port === null) {
        if (this.#events.monotonic() - started > listenTimeout) {
          this.#events.log(`mlship: the server did not listen within ${listenTimeout / 1000} s`);
          server.kill();
          return;
        }
      } else if (await answersOk(this.#port, "/health/ready")) {
        failures = 0;
        if (!over.aborted && this.#readySince === null) this.#becomeReady();
      } else if (this.#readySince !== null) {
        failures += 1;
        if (failures >= probeFailures) this.#becomeUnready();
      }
      await pause(this.ready ? probeServing : probeStarting, over);
    }
  }

  #becomeReady(): void {
    this.#readySince = this.#events.monotonic();
    this.#everReady = true;
  }

  #becomeUnready(): void {
    this.#readySince = null;
    this.#events.log("mlship: the server does not answer its readiness probe any more");
  }
}

function freshAgent(): Agent {
  return new Agent({ keepAlive: true, maxFreeSockets: 64, timeout: idleConnection, scheduling: "lifo" });
}

function listeningPort(line: string): number | null {
  if (!line.startsWith("{")) return null;
  try {
    const parsed = listeningSchema.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data.listening.port : null;
  } catch {
    // Not JSON: a line of the model's own that begins with a brace.
    return null;
  }
}

/** Whether a server on this machine answers 200 in time. */
function answersOk(port: number, path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  // A connection of its own: a probe must not wait behind requests for a pooled one.
  const request = get({ host: "127.0.0.1", port, path, agent: false, timeout: probeTimeout }, (response) => {
    response.resume();
    resolve(response.statusCode === 200);
  });
  request.on("timeout", () => request.destroy());
  request.on("error", () => resolve(false));
  request.on("close", () => resolve(false));
  return promise;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await sleep(ms, undefined, { signal }).catch((cause: unknown) => {
    if (!signal.aborted) throw cause;
  });
}
