// Which builder and which engine this machine has: decided as Docker's own client does.
import { IncomingMessage } from "node:http";
import { MlshipError } from "../../errors.ts";
import type { Builder, Engine } from "../../image/ports.ts";
import type { Variables } from "../process.ts";
import { createBuildxBuilder, findBuildx } from "./buildx.ts";
import { asked, openConnection, type Connection } from "./client.ts";
import { findEndpoint } from "./endpoint.ts";
import { createEngineBuilder, createLoadingBuilder } from "./engine-builders.ts";
import { createEngine } from "./engine.ts";

/** What this process knows of its surroundings. */
export interface Surroundings {
  env: Variables;
  /** Home folder of the user. */
  home: string;
  signal: AbortSignal;
}

/**
 * `docker buildx` with the builder that is chosen, or else the Docker Engine itself.
 * @throws MlshipError `docker.*`, exit 5, when there is neither.
 */
export async function openBuilder(surroundings: Surroundings): Promise<Builder> {
  const { env, home, signal } = surroundings;
  const found = await findBuildx({ env, signal });
  if (found !== null && found.driver !== "docker") return createBuildxBuilder(found, { env, signal });
  const connection = await openConnection(await findEndpoint(env, home), signal);
  if (found === null) {
    await mustHaveBuildKit(connection);
    return createEngineBuilder(connection);
  }
  // With containerd's image store the Engine writes layouts itself; its older store cannot.
  const { DriverStatus: status } = await asked(connection, "describe itself", connection.docker.info());
  const isContainerd = JSON.stringify(status ?? []).includes("io.containerd.snapshotter");
  return isContainerd
    ? createBuildxBuilder(found, { env, signal })
    : createLoadingBuilder(found, connection, { env, signal });
}

/** @throws MlshipError `docker.*`, exit 5. */
export async function openEngine({ env, home, signal }: Surroundings): Promise<Engine> {
  return createEngine(await openConnection(await findEndpoint(env, home), signal));
}

/** The Engine names the builder that it prefers: 1 is the one before BuildKit, which cannot build our file. */
async function mustHaveBuildKit(connection: Connection): Promise<void> {
  const answer = new Promise<string | undefined>((resolve, reject) => {
    const call = { path: "/_ping", method: "GET", isStream: true, statusCodes: { 200: true } };
    connection.docker.modem.dial(call, (error, reply) => {
      if (!(reply instanceof IncomingMessage)) return reject(error);
      reply.resume();
      resolve(reply.headers["builder-version"]?.toString());
    });
  });
  if ((await asked(connection, "answer", answer)) === "2") return;
  throw new MlshipError({
    code: "docker.no-buildkit",
    what: `the Docker Engine ${connection.version} does not build with BuildKit, and there is no docker buildx 0.13 or newer`,
    fix: "install docker buildx, or an engine of version 23 or newer",
    exit: "unavailable",
  });
}
