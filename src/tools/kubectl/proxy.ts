// The way to the API server: `kubectl proxy` on a socket that only this user can reach.
import { mkdtemp } from "node:fs/promises";
import path from "node:path";
import { MlshipError } from "../../errors.ts";
import { startLeashed } from "./leashed.ts";
import type { Kubectl, Leashed } from "./leashed.ts";
import { createAgent, send } from "./socket-http.ts";
import type { Call, Reply } from "./socket-http.ts";
import type { ServerClock } from "./server-clock.ts";

interface Running {
  socket: string;
  leashed: Leashed;
}

/** Speaks HTTP with the API server, in the user's name. kubectl is started again when it died. */
export class Proxy {
  readonly #kubectl: Kubectl;
  readonly #args: readonly string[];
  readonly #temporary: string;
  readonly #clock: ServerClock;
  readonly #monotonic: () => number;
  readonly #agent = createAgent();
  #running: Promise<Running> | null = null;
  #isClosed = false;

  /**
   * @param args that choose the context.
   * @param temporary folder for the socket's own folder: short, a socket's path has 104 bytes at most.
   */
  constructor(
    kubectl: Kubectl,
    args: readonly string[],
    temporary: string,
    clock: { server: ServerClock; monotonic: () => number },
  ) {
    this.#kubectl = kubectl;
    this.#args = args;
    this.#temporary = temporary;
    this.#clock = clock.server;
    this.#monotonic = clock.monotonic;
  }

  /** Sends a call. Rejects when the connection fails or the deadline passes. @throws MlshipError `kubernetes.kubectl`, exit 5. */
  async send(call: Call): Promise<Reply> {
    this.#running ??= this.#start();
    const { socket } = await this.#running;
    const sentAt = this.#monotonic();
    const reply = await send(this.#agent, socket, call);
    this.#clock.observe(reply.headers.date, sentAt);
    return reply;
  }

  close(): void {
    this.#isClosed = true;
    this.#agent.destroy();
    void this.#running?.then(
      ({ leashed }) => leashed.close(),
      () => undefined,
    );
  }

  async #start(): Promise<Running> {
    if (this.#isClosed) throw new Error("the way to the cluster was closed");
    // Readable by this user alone: who reaches the socket has the user's rights in the cluster.
    const folder = await mkdtemp(path.join(this.#temporary, "mlship-api-"));
    const socket = path.join(folder, "api");
    const leashed = startLeashed(this.#kubectl, [...this.#args, "proxy", `--unix-socket=${socket}`], folder);
    const forget = () => (this.#running = null);
    void leashed.ended.then(forget);
    if ((await leashed.first) !== null) return { socket, leashed };
    leashed.close();
    forget();
    throw new MlshipError({
      code: "kubernetes.kubectl",
      what: "`kubectl proxy` did not start",
      why: leashed.said() || "it said nothing",
      fix: "run `kubectl proxy` by hand: it must start",
      exit: "unavailable",
    });
  }
}
