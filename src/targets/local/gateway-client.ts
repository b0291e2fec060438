// Finds a deployment's gateway, starts it, and talks to its admin port.
import { request as send } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { z } from "zod";
import { MlshipError } from "../../errors.ts";
import type { AdminRequest, AdminRoute } from "./admin.ts";
import { faultSchema, gatewayAnswerSchema, gatewayFileSchema, gatewayStatusSchema } from "./documents.ts";
import type { Fault, GatewayConfig, GatewayFile } from "./documents.ts";
import { errorText, failedWith, readJson } from "./durable.ts";
import { portError } from "./gateway.ts";
import type { Places } from "./places.ts";
import type { Daemons, Processes } from "./ports.ts";

/** Milliseconds for an answer that needs no waiting, and for one that waits for servers to end. */
const soon = 10_000;
const afterDrain = 120_000;
/** Milliseconds until a started gateway must serve. */
const startTime = 20_000;
/** Milliseconds between looks at a process that is about to end. */
const poll = 20;

/** The gateway of one deployment, running or not. */
export class GatewayClient {
  readonly #places: Places;
  readonly #processes: Processes;
  readonly #daemons: Daemons;

  constructor(places: Places, processes: Processes, daemons: Daemons) {
    this.#places = places;
    this.#processes = processes;
    this.#daemons = daemons;
  }

  /**
   * Where the gateway is, or null when none runs. The file alone proves nothing: the process must
   * know the file's token.
   * @throws MlshipError `gateway.hung`, exit 7, when its process lives and does not answer.
   */
  async find(): Promise<GatewayFile | null> {
    const file = readJson(this.#places.gateway, gatewayFileSchema);
    if (file === null) return null;
    try {
      await this.#call(file, "status", {}, gatewayStatusSchema);
      return file;
    } catch (cause) {
      if (!(await this.#lives(file))) return null;
      throw new MlshipError({
        code: "gateway.hung",
        what: `the gateway, process ${file.pid}, does not answer`,
        why: errorText(cause),
        fix: `end it with \`kill -9 ${file.pid}\`, then run the command again`,
        exit: "attention",
        cause,
      });
    }
  }

  /** Starts the gateway unless it runs. @throws MlshipError `port.in-use` and others, as the gateway says. */
  async ensure(config: GatewayConfig): Promise<void> {
    if ((await this.find()) !== null) return;
    const { folder, gatewayLog } = this.#places;
    const { message } = await this.#daemons.start(JSON.stringify(config), folder, gatewayLog, startTime);
    const { data: answer } = gatewayAnswerSchema.safeParse(message);
    if (answer !== undefined && "serving" in answer) return;
    // Another command has started it in the same moment: then the port is ours.
    if ((await this.find()) !== null) return;
    throw answer === undefined ? silentEnd(gatewayLog) : await this.#named(answer.failed, config.port);
  }

  /** Asks the running gateway. @throws MlshipError `gateway.absent`, exit 7, when none runs. */
  async ask<R extends AdminRoute, T>(route: R, body: AdminRequest<R>, answer: z.ZodType<T>): Promise<T> {
    const file = readJson(this.#places.gateway, gatewayFileSchema);
    if (file === null) throw absent();
    try {
      return await this.#call(file, route, body, answer);
    } catch (cause) {
      if (cause instanceof MlshipError || (await this.#lives(file))) throw cause;
      throw absent(cause);
    }
  }

  /** Waits until the process of a gateway that was told to stop is gone. */
  async gone(file: GatewayFile): Promise<void> {
    for (let waited = 0; waited < soon; waited += poll) {
      if (!(await this.#lives(file))) return;
      await sleep(poll);
    }
    throw new MlshipError({
      code: "gateway.hung",
      what: `the gateway, process ${file.pid}, was told to stop and still runs`,
      fix: `end it with \`kill -9 ${file.pid}\``,
      exit: "attention",
    });
  }

  async #lives(file: GatewayFile): Promise<boolean> {
    return (await this.#processes.identify(file.pid))?.began === file.began;
  }

  async #named(fault: Fault, port: number): Promise<MlshipError> {
    if (fault.code !== "port.in-use") return errorOf(fault);
    const inUse = Object.assign(new Error(fault.what), { code: "EADDRINUSE" });
    return portError(port, inUse, await this.#processes.listener(port));
  }

  async #call<R extends AdminRoute, T>(
    file: GatewayFile,
    route: R,
    body: AdminRequest<R>,
    answer: z.ZodType<T>,
  ): Promise<T> {
    const patience = route === "stop" || route === "retire" || route === "start" ? afterDrain : soon;
    const { status, text } = await post(file, route, JSON.stringify(body), patience);
    const document: unknown = JSON.parse(text);
    if (status === 200) return answer.parse(document);
    const fault = faultSchema.safeParse(document);
    if (fault.success) throw errorOf(fault.data);
    // Another process listens on the port that was the gateway's once.
    throw new Error(`port ${file.adminPort} answers ${status}`);
  }
}

function post(
  file: GatewayFile,
  route: string,
  body: string,
  patienceMs: number,
): Promise<{ status: number; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const request = send(
    {
      host: "127.0.0.1",
      port: file.adminPort,
      path: `/${route}`,
      method: "POST",
      headers: { authorization: `Bearer ${file.token}`, "content-length": Buffer.byteLength(body) },
      agent: false,
      timeout: patienceMs,
    },
    (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", reject);
    },
  );
  request.on("timeout", () => request.destroy(new Error(`no answer within ${patienceMs / 1000} s`)));
  request.on("error", reject);
  request.end(body);
  return promise;
}

/** Whether an error says that no gateway runs. */
export function isAbsent(cause: unknown): boolean {
  return failedWith(cause, "gateway.absent");
}

function errorOf(fault: Fault): MlshipError {
  const { code, what, why, fix, exit } = fault;
  return new MlshipError({
    code,
    what,
    exit,
    ...(why === undefined ? {} : { why }),
    ...(fix === undefined ? {} : { fix }),
  });
}

function absent(cause?: unknown): MlshipError {
  return new MlshipError({
    code: "gateway.absent",
    what: "nothing serves this deployment on this machine",
    why: "its gateway was never started, or was killed",
    fix: "run `mlship deploy`: it restores what served last and goes on from there",
    exit: "attention",
    cause,
  });
}

function silentEnd(log: string): MlshipError {
  return new MlshipError({
    code: "gateway.silent",
    what: "the gateway ended before it served",
    fix: `look into ${log}, then run the command again`,
    exit: "unavailable",
  });
}
