// The configuration of a model's image: who runs what, with which variables and labels.
import type { Digest } from "../../digest.ts";
import { places } from "./layers.ts";
import type { ImageConfig } from "./plan.ts";

/** What the configuration follows from. */
export interface ConfigParts {
  name: string;
  version: string;
  /** How long a request may take, and how long a start. */
  timeoutMs: number;
  startTimeoutMs: number;
  /** The base without its digest. */
  baseName: string;
  baseDigest: Digest;
  evidence: { model: Digest; lock: Digest; report: Digest };
}

/** Port that the server listens on: above 1024, as it is not root. */
const port = 8080;

/** Numeric, because Kubernetes must see that it is not root; above 10000, so that no user of a node has it. */
const user = "65532:65532";

export function imageConfig(parts: ConfigParts): ImageConfig {
  const { name, version, timeoutMs, startTimeoutMs, evidence } = parts;
  const server = ["python3", "-m", "mlship_server"];
  return {
    user,
    // As in the base: a folder of its own would be a layer that holds nothing.
    workingDir: "/",
    env: {
      PYTHONPATH: `${places.python}:${places.server}`,
      // What wheels expect of the system and slim images lack.
      LD_LIBRARY_PATH: places.libraries,
      PYTHONUNBUFFERED: "1",
      // The root may be read-only, and the bytecode that serving needs is there.
      PYTHONDONTWRITEBYTECODE: "1",
      // The working folder is no place to import from.
      PYTHONSAFEPATH: "1",
      // The user has no entry in /etc/passwd: libraries that ask for a home find one.
      HOME: "/tmp",
    },
    entrypoint: [
      ...server,
      "serve",
      places.bundle,
      "--model",
      places.model,
      "--host",
      "0.0.0.0",
      "--port",
      String(port),
      "--timeout",
      String(timeoutMs / 1000),
    ],
    healthcheck: {
      test: [...server, "health", "--port", String(port)],
      intervalMs: 30_000,
      timeoutMs: 3000,
      startPeriodMs: startTimeoutMs,
    },
    stopSignal: "SIGTERM",
    exposedPort: port,
    labels: {
      "org.opencontainers.image.title": name,
      "org.opencontainers.image.version": version,
      "org.opencontainers.image.base.name": parts.baseName,
      "org.opencontainers.image.base.digest": parts.baseDigest,
      "dev.mlship.model.digest": evidence.model,
      "dev.mlship.lock.digest": evidence.lock,
      "dev.mlship.report.digest": evidence.report,
    },
  };
}
