// A connection to the Docker Engine, and what its failures mean.
import Docker from "dockerode";
import { MlshipError } from "../../errors.ts";
import type { Endpoint } from "./endpoint.ts";

/** The engine's client for an endpoint. Nothing is sent yet. */
export function connect({ socketPath, host, port, tls }: Endpoint): Docker {
  // What is not given here, dockerode would take from the process's own DOCKER_HOST.
  if (socketPath !== null) return new Docker({ socketPath, host: "" });
  return new Docker({
    host: host ?? "",
    port: port ?? 2375,
    protocol: tls === null ? "http" : "https",
    ...tls,
  });
}

/** How long an engine may take for one thing, in ms: a busy one is slow to start a container. */
const patience = 60_000;

/** An engine that answers, with the way to ask it things. */
export interface Connection {
  docker: Docker;
  endpoint: Endpoint;
  /** `26.1.5` */
  version: string;
  /** As Go names it: `amd64`. */
  architecture: string;
  signal: AbortSignal;
}

/**
 * Connects, and asks the engine what it is.
 * @throws MlshipError `docker.missing`, `docker.denied`, `docker.unreachable`, exit 5.
 */
export async function openConnection(endpoint: Endpoint, signal: AbortSignal): Promise<Connection> {
  const docker = connect(endpoint);
  try {
    const { Version, Arch } = await inTime(docker.version(), signal, 10_000);
    return { docker, endpoint, version: Version, architecture: Arch, signal };
  } catch (cause) {
    signal.throwIfAborted();
    throw notReached(cause, endpoint);
  }
}

/**
 * Waits for the engine's answer, so long as nobody interrupts and it takes no minute.
 * @param doing what it is asked to do, for the error: `start the container`
 */
export async function asked<T>(
  { endpoint, signal }: Pick<Connection, "endpoint" | "signal">,
  doing: string,
  answer: Promise<T>,
): Promise<T> {
  try {
    return await inTime(answer, signal, patience);
  } catch (cause) {
    signal.throwIfAborted();
    throw refused(doing, cause, endpoint);
  }
}

async function inTime<T>(answer: Promise<T>, signal: AbortSignal, ms: number): Promise<T> {
  const timeout = AbortSignal.timeout(ms);
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal.reason);
  const late = () => reject(new Error(`it did not answer within ${ms / 1000} s`));
  signal.addEventListener("abort", stop, { once: true });
  timeout.addEventListener("abort", late, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([answer, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
    timeout.removeEventListener("abort", late);
  }
}

/** The error for an engine that could not be reached. */
export function notReached(cause: unknown, { name }: Endpoint): MlshipError {
  const code = codeOf(cause);
  if (code === "ENOENT") {
    return new MlshipError({
      code: "docker.missing",
      what: `there is no Docker Engine at ${name}`,
      fix: "start Docker, or install it; for an engine elsewhere set DOCKER_HOST",
      exit: "unavailable",
      cause,
    });
  }
  if (code === "EACCES" || code === "EPERM") {
    return new MlshipError({
      code: "docker.denied",
      what: `the Docker Engine at ${name} may not be used by you`,
      fix: "join the group docker and log in again, or use rootless Docker",
      exit: "unavailable",
      cause,
    });
  }
  return new MlshipError({
    code: "docker.unreachable",
    what: `the Docker Engine at ${name} does not answer`,
    why: wordsOf(cause),
    fix: "start Docker and look whether docker version works, then run the command again",
    exit: "unavailable",
    cause,
  });
}

/** The error for something that the engine refused, or for an engine that went away meanwhile. */
export function refused(doing: string, cause: unknown, endpoint: Endpoint): MlshipError {
  if (cause instanceof MlshipError) return cause;
  const words = wordsOf(cause);
  if (isLost(cause)) return notReached(cause, endpoint);
  if (/no space left on device|disk quota exceeded/i.test(words)) {
    return new MlshipError({
      code: "docker.disk-full",
      what: `the Docker Engine has no room left to ${doing}`,
      why: words,
      fix: "make room with docker system prune, then run the command again",
      exit: "unavailable",
      cause,
    });
  }
  return new MlshipError({
    code: "docker.refused",
    what: `the Docker Engine did not ${doing}`,
    why: words,
    fix: "correct what it says, or look into its log, then run the command again",
    exit: "unavailable",
    cause,
  });
}

/** Whether the connection broke or could not be made. */
export function isLost(cause: unknown): boolean {
  const lost = ["ECONNREFUSED", "ECONNRESET", "EPIPE", "ENOENT", "EACCES", "ETIMEDOUT", "ABORT_ERR"];
  return lost.includes(codeOf(cause) ?? "");
}

/** The status of an answer that was an error: 404. */
export function statusOf(cause: unknown): number | null {
  const found = cause instanceof Error && "statusCode" in cause ? cause.statusCode : null;
  return typeof found === "number" ? found : null;
}

function codeOf(cause: unknown): string | null {
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : null;
}

/** Without dockerode's frame around the engine's own words. */
export function wordsOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return text.replace(/^\(HTTP code \d+\) .*? - /s, "").trim();
}
