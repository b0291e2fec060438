// A real registry of a test's own (Debian's docker-registry), and a way to it that can be cut.
import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { eventually, freePort } from "../project.ts";

export interface RealRegistry {
  /** `127.0.0.1:PORT` */
  host: string;
  /** Ends it and removes what it stored. */
  close(): Promise<void>;
}

export interface RegistryMode {
  /** Lets only this user in. */
  user?: { name: string; password: string };
  readOnly?: boolean;
}

/** Starts one with an empty storage. */
export async function startRealRegistry({
  user,
  readOnly = false,
}: RegistryMode = {}): Promise<RealRegistry> {
  const folder = await mkdtemp(path.join(tmpdir(), "mlship-registry-"));
  const host = `127.0.0.1:${await freePort()}`;
  const htpasswd = path.join(folder, "htpasswd");
  if (user !== undefined) await writeFile(htpasswd, `${user.name}:${bcrypt(user.password)}\n`);
  const config = {
    version: 0.1,
    log: { level: "error", accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: path.join(folder, "data") },
      maintenance: { readonly: { enabled: readOnly } },
    },
    http: { addr: host },
    ...(user === undefined ? {} : { auth: { htpasswd: { realm: "test", path: htpasswd } } }),
  };
  await writeFile(path.join(folder, "config.yml"), JSON.stringify(config));
  const server = spawn("docker-registry", ["serve", path.join(folder, "config.yml")], { stdio: "ignore" });
  const ended = new Promise((resolve) => server.once("close", resolve));
  await eventually("the registry answers", async () => {
    const answer = await fetch(`http://${host}/v2/`, { signal: AbortSignal.timeout(2000) }).catch(() => null);
    return answer !== null;
  });
  return {
    host,
    async close() {
      server.kill("SIGKILL");
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Passes on what comes, until a number of bytes has gone towards the registry. */
export interface CutWay {
  host: string;
  /** Cuts every connection, or lets them stand still, when so many bytes have gone; null: never again. */
  at(bytes: number | null, how?: "cut" | "still"): void;
  /** How many times it did. */
  readonly cuts: number;
  /** Bytes that have gone towards the registry since `at` was called. */
  readonly gone: number;
  close(): Promise<void>;
}

export async function openCutWay(registry: string): Promise<CutWay> {
  const [hostname = "", port = ""] = registry.split(":");
  const sockets = new Set<Socket>();
  let limit: number | null = null;
  let how: "cut" | "still" = "cut";
  let gone = 0;
  let cuts = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => sockets.delete(socket));
    }
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
    upstream.pipe(client);
    client.on("data", (bytes) => {
      gone += bytes.length;
      if (limit === null || gone < limit) {
        if (!upstream.write(bytes)) {
          client.pause();
          upstream.once("drain", () => client.resume());
        }
        return;
      }
      cuts += 1;
      if (how === "still") {
        client.pause();
        return;
      }
      limit = null;
      // What came before the cut arrives, as on a network.
      upstream.end(bytes.subarray(0, bytes.length / 2), () => client.destroy());
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    host: `127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
    at(bytes, manner = "cut") {
      [limit, how, gone] = [bytes, manner, 0];
    },
    get cuts() {
      return cuts;
    },
    get gone() {
      return gone;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A line of htpasswd that the registry accepts: only bcrypt. Python 3.11 has it from the C library. */
function bcrypt(password: string): string {
  const program =
    "import crypt,sys; print(crypt.crypt(sys.stdin.read(), crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))";
  const { stdout, status, stderr } = spawnSync("python3", ["-W", "ignore", "-c", program], {
    input: password,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`no bcrypt: ${stderr}`);
  return stdout.trim();
}
