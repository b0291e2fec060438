// Where the Docker Engine is: DOCKER_HOST, the chosen context, or the usual place, as Docker's own client decides.
import { createHash } from "node:crypto";
import { access, readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { MlshipError } from "../../errors.ts";
import type { Variables } from "../process.ts";

/** Where an engine listens. */
export interface Endpoint {
  /** As a person writes it: `unix:///var/run/docker.sock`. */
  name: string;
  socketPath: string | null;
  /** Null for a socket. */
  host: string | null;
  port: number | null;
  /** PEM, when TLS is spoken. */
  tls: { ca: string; cert: string; key: string } | null;
}

const configSchema = z.looseObject({ currentContext: z.string().optional() });
const contextSchema = z.looseObject({
  Endpoints: z.looseObject({ docker: z.looseObject({ Host: z.string().optional() }).optional() }),
});

/**
 * @param home of the user, for `.docker`
 * @throws MlshipError `docker.bad-address`, exit 2; `docker.context`, exit 5, for one that is not there.
 */
export async function findEndpoint(env: Variables, home: string): Promise<Endpoint> {
  const folder = env["DOCKER_CONFIG"] || path.join(home, ".docker");
  const host = env["DOCKER_HOST"];
  if (host) {
    const wanted = Boolean(env["DOCKER_TLS_VERIFY"]);
    const certificates = env["DOCKER_CERT_PATH"] || (wanted ? folder : null);
    return await endpointOf(host, certificates, "DOCKER_HOST");
  }
  const context = env["DOCKER_CONTEXT"] || (await currentContext(folder));
  if (context === null || context === "default") return await usualEndpoint(home);
  const id = createHash("sha256").update(context).digest("hex");
  const file = path.join(folder, "contexts", "meta", id, "meta.json");
  const meta = contextSchema.safeParse(await readJson(file));
  const address = meta.success ? meta.data.Endpoints.docker?.Host : undefined;
  if (address === undefined) {
    throw new MlshipError({
      code: "docker.context",
      what: `the Docker context ${JSON.stringify(context)} cannot be read`,
      fix: "choose another one with docker context use default, or set DOCKER_HOST",
      exit: "unavailable",
    });
  }
  const certificates = path.join(folder, "contexts", "tls", id, "docker");
  const hasTls = await exists(path.join(certificates, "ca.pem"));
  return await endpointOf(address, hasTls ? certificates : null, `the Docker context ${context}`);
}

async function currentContext(folder: string): Promise<string | null> {
  const read = configSchema.safeParse(await readJson(path.join(folder, "config.json")));
  return (read.success ? read.data.currentContext : undefined) || null;
}

/** The socket of the system, or that of Docker Desktop where only it is there. */
async function usualEndpoint(home: string): Promise<Endpoint> {
  const system = "/var/run/docker.sock";
  const desktop = path.join(home, ".docker", "run", "docker.sock");
  const socketPath = !(await exists(system)) && (await exists(desktop)) ? desktop : system;
  return { name: `unix://${socketPath}`, socketPath, host: null, port: null, tls: null };
}

async function endpointOf(address: string, certificates: string | null, origin: string): Promise<Endpoint> {
  const nowhere = { socketPath: null, host: null, port: null, tls: null };
  if (address.startsWith("unix://"))
    return { ...nowhere, name: address, socketPath: address.slice("unix://".length) };
  if (address.startsWith("npipe://"))
    return { ...nowhere, name: address, socketPath: address.slice("npipe://".length) };
  const url = URL.parse(address.includes("://") ? address : `tcp://${address}`);
  if (url === null || !["tcp:", "http:", "https:"].includes(url.protocol) || url.hostname === "") {
    throw new MlshipError({
      code: "docker.bad-address",
      what: `${origin} names an engine that mlship cannot reach: ${JSON.stringify(address)}`,
      why: "it reaches engines by unix://, npipe:// and tcp://",
      fix: "for an engine behind ssh, forward its socket and set DOCKER_HOST=unix://SOCKET",
      exit: "usage",
    });
  }
  const port = Number(url.port) || (certificates === null ? 2375 : 2376);
  const read = async (name: string) => await readFile(path.join(certificates ?? "", name), "utf8");
  const tls =
    certificates === null
      ? null
      : { ca: await read("ca.pem"), cert: await read("cert.pem"), key: await read("key.pem") };
  return { ...nowhere, name: `tcp://${url.host}`, host: url.hostname, port, tls };
}

/** Null for a file that is not there or holds no JSON. */
async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch {
    return null;
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
