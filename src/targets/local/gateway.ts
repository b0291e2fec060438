// The gateway's life: take the ports, take up what should run, tell where it is, serve, end.
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import type { Server } from "node:http";
import { MlshipError } from "../../errors.ts";
import { createAdmin } from "./admin.ts";
import { Deployment } from "./deployment.ts";
import { desiredSchema } from "./documents.ts";
import type { GatewayConfig, GatewayFile } from "./documents.ts";
import { errorText, failedWith, readJson, replaceJson } from "./durable.ts";
import { placesIn } from "./places.ts";
import type { ProcessIdentity, Servers } from "./ports.ts";
import { Proxy } from "./proxy.ts";
import { nothing } from "./roles.ts";

/** Milliseconds that users' requests get to finish when the gateway ends. */
const drainTime = 10_000;

/** What the gateway needs from its process. */
interface GatewayProcess {
  servers: Servers;
  self: ProcessIdentity;
  monotonic: () => number;
  /** Wall clock as ISO 8601. */
  now: () => string;
}

/** A gateway that serves. */
interface Gateway {
  /** Resolves when it has been stopped over its admin port. */
  stopped: Promise<void>;
  /** Ends it and keeps what should run for the next one. */
  suspend(): Promise<void>;
}

/**
 * Starts serving. Whoever has the users' port is the deployment's gateway: a second one fails here.
 * @throws MlshipError `port.in-use` or `port.refused`, exit 5; nothing has been started then.
 */
export async function openGateway(config: GatewayConfig, own: GatewayProcess): Promise<Gateway> {
  const places = placesIn(config.folder);
  const desired = readJson(places.state, desiredSchema) ?? nothing;
  const nonce = randomBytes(4).toString("hex");
  const deployment = new Deployment({ ...own, config, places, nonce }, desired);
  const proxy = new Proxy(deployment);
  const stopped = Promise.withResolvers<void>();
  let ending: Promise<void> | null = null;
  const end = (then: "forget" | "remember") =>
    (ending ??= (async () => {
      await proxy.drain(drainTime);
      await deployment.end(then);
      rmSync(places.gateway, { force: true });
    })());
  const token = randomBytes(32).toString("base64url");
  const admin = createAdmin(deployment, token, async () => {
    await end("forget");
    // The answer is written first, then the port is closed.
    setImmediate(() => closeAdmin(admin, stopped.resolve));
  });

  await listen(proxy.server, config.port);
  const adminPort = await listen(admin, 0);
  const found: GatewayFile = { ...own.self, port: config.port, adminPort, token };
  deployment.begin();
  replaceJson(places.gateway, found);
  return {
    stopped: stopped.promise,
    suspend: async () => {
      await end("remember");
      admin.closeAllConnections();
      admin.close();
    },
  };
}

function closeAdmin(admin: Server, done: () => void): void {
  admin.close(() => done());
  admin.closeIdleConnections();
}

function listen(server: Server, port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.once("error", (cause) => reject(portError(port, cause)));
  server.listen({ host: "127.0.0.1", port, backlog: 1024 }, () => {
    const address = server.address();
    resolve(typeof address === "object" && address !== null ? address.port : port);
  });
  return promise;
}

/** The error for a port that cannot be listened on. @param by the process that has it, when known. */
export function portError(port: number, cause: unknown, by: string | null = null): MlshipError {
  const inUse = failedWith(cause, "EADDRINUSE");
  return new MlshipError({
    code: inUse ? "port.in-use" : "port.refused",
    what: inUse ? `port ${port} on 127.0.0.1 is in use` : `cannot listen on port ${port} of 127.0.0.1`,
    why: inUse ? (by === null ? "another process listens there" : `${by} listens there`) : errorText(cause),
    fix: "set `serve.port` in mlship.yaml to a free port, or stop what listens there",
    exit: "unavailable",
    cause,
  });
}
