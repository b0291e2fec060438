// Composition root: the only file that reads process.*, and, with gateway.ts, that imports tools/.
import { homedir, hostname, tmpdir, userInfo } from "node:os";
import path from "node:path";
import type { Clock, Host, Progress } from "./commands/host.ts";
import { MlshipError, exitCodes } from "./errors.ts";
import type { GlobalOptions, Shell, Sink } from "./shell.ts";
import type { Cluster } from "./targets/kubernetes/ports.ts";
import { makeStyle, wantsColour } from "./ui/style.ts";
import manifest from "../package.json" with { type: "json" };

/** The folder of the package: this file is bundled into dist/, one level below it, as src/ is. */
const packageFolder = path.resolve(import.meta.dirname, "..");

/** The process's own command line, shell and way to end. */
export function openShell(): { argv: string[]; shell: Shell; end: (code: number) => void } {
  const stdout = sinkOf(() => process.stdout);
  const stderr = sinkOf(() => process.stderr);
  const shell: Shell = {
    stdout,
    stderr,
    env: process.env,
    version: manifest.version,
    host: openHost,
  };
  return {
    argv: process.argv.slice(2),
    shell,
    // What the streams still hold is written before the process ends; a stray handle cannot keep it.
    end: (code) => stdout.flush(() => stderr.flush(() => process.exit(code))),
  };
}

async function openHost(options: GlobalOptions): Promise<Host> {
  const signal = interruptSignal();
  const opened: Cluster[] = [];
  const cwd = path.resolve(options.directory ?? ".");
  // What other programs are given.
  const env = withoutKeys(process.env);
  const python = { cacheFolder: cacheFolder(), env, signal };
  const docker = { env, home: homedir(), signal };
  const s3 = {
    signal,
    version: manifest.version,
    sleep: (ms: number) => clock.sleep(ms, signal),
    now: Date.now,
  };
  const interactive = isTerminal(process.stdin) && isTerminal(process.stderr) && !process.env["CI"];
  return {
    cwd,
    env: process.env,
    clock,
    signal,
    progress: await openProgress(options),
    interactive,
    confirm: (question) => confirm(question, signal),
    version: manifest.version,
    templates: path.join(packageFolder, "templates"),
    actor: { user: userName(), host: hostname(), pid: process.pid },
    nonce: () => crypto.randomUUID(),
    async environments(lockFolder) {
      const { createEnvironments } = await import("./tools/python/environments.ts");
      return createEnvironments({
        ...python,
        lockFolder,
        serverFolder: path.join(packageFolder, "templates", "server"),
      });
    },
    async resolver() {
      const { createResolver } = await import("./tools/python/resolver.ts");
      return createResolver({ ...python, serverFolder: path.join(packageFolder, "templates", "server") });
    },
    async scorers() {
      const { createScorers } = await import("./tools/python/scorer.ts");
      return createScorers({ ...python, pid: process.pid });
    },
    async registry() {
      const { createRegistry } = await import("./tools/registry/registry.ts");
      return createRegistry({
        env,
        home: homedir(),
        signal,
        version: manifest.version,
        sleep: (ms) => clock.sleep(ms, signal),
        now: Date.now,
      });
    },
    async builder() {
      const { openBuilder } = await import("./tools/docker/open.ts");
      return await openBuilder(docker);
    },
    async engine() {
      const { openEngine } = await import("./tools/docker/open.ts");
      return await openEngine(docker);
    },
    async asking() {
      const { createAsking } = await import("./tools/docker/ask.ts");
      return createAsking(signal);
    },
    isAlive,
    async scanner() {
      const { findScanner } = await import("./tools/scanner.ts");
      return await findScanner(env, signal);
    },
    async store(settings) {
      const { openStore } = await import("./tools/stores.ts");
      return await openStore(settings, { cwd, cacheFolder: cacheFolder(), s3 });
    },
    async sweeper(settings) {
      const { openSweeper } = await import("./tools/stores.ts");
      return await openSweeper(settings, { cwd, cacheFolder: cacheFolder(), s3 });
    },
    async keeping(settings) {
      const [{ openBucket }, { readKeeping }] = await Promise.all([
        import("./tools/s3/open.ts"),
        import("./tools/s3/keeping.ts"),
      ]);
      return await readKeeping(await openBucket(settings, s3));
    },
    async target(deployment) {
      const [{ LocalTarget }, tools] = await Promise.all([
        import("./targets/local/local-target.ts"),
        import("./tools/launch.ts"),
      ]);
      const daemons = tools.localDaemons(
        process.execPath,
        path.join(packageFolder, "dist", "gateway.js"),
        env,
      );
      return new LocalTarget(deployment, tools.localProcesses(), daemons);
    },
    async metrics(url) {
      const { openPrometheus } = await import("./tools/prometheus.ts");
      return openPrometheus({ url, token: process.env["MLSHIP_PROMETHEUS_TOKEN"] || null, signal });
    },
    async kubeconfig() {
      const { readKubeconfig } = await import("./tools/kubectl/contexts.ts");
      return await readKubeconfig(env, signal);
    },
    async cluster(place) {
      const { openCluster } = await import("./tools/kubectl/open.ts");
      const leash = path.join(packageFolder, "dist", "leash.js");
      const asked = { ...place, node: process.execPath, leash, env, temporary: tmpdir(), signal };
      const cluster = await openCluster(asked);
      opened.push(cluster);
      return cluster;
    },
    async clusterTarget(cluster, asked) {
      const { KubernetesTarget } = await import("./targets/kubernetes/kubernetes-target.ts");
      return new KubernetesTarget(cluster, asked);
    },
    close() {
      for (const cluster of opened.splice(0)) cluster.close();
    },
    async commit(folder) {
      const { commitOf } = await import("./tools/git.ts");
      return await commitOf(folder, env, signal);
    },
  };
}

/** Where Python environments and uv are kept: one folder for all projects of a user. */
function cacheFolder(): string {
  const { MLSHIP_CACHE, XDG_CACHE_HOME } = process.env;
  return path.resolve(MLSHIP_CACHE || path.join(XDG_CACHE_HOME || path.join(homedir(), ".cache"), "mlship"));
}

async function openProgress(options: GlobalOptions): Promise<Progress> {
  const { lineProgress, silentProgress, terminalProgress } = await import("./ui/progress.ts");
  if (options.quiet) return silentProgress;
  const live = isTerminal(process.stderr) && !process.env["CI"] && process.env["TERM"] !== "dumb";
  if (!live) return lineProgress(sinkOf(() => process.stderr));
  const colour = wantsColour(process.env, true, !options.colour);
  return terminalProgress(process.stderr, makeStyle(colour), () => process.stderr.columns);
}

/** Node leaves `isTTY` undefined on pipes and files. */
function isTerminal(stream: { isTTY?: boolean }): boolean {
  return stream.isTTY === true;
}

/** A sink that opens its stream when it is first used: most commands write to one of the two only. */
function sinkOf(streamOf: () => NodeJS.WriteStream): Sink & { flush: (then: () => void) => void } {
  let opened: NodeJS.WriteStream | undefined;
  const open = () => {
    if (opened !== undefined) return opened;
    opened = streamOf();
    // A reader that has seen enough (`mlship history | head`) is no error.
    opened.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
    return opened;
  };
  return {
    write: (text) => void open().write(text),
    get isTerminal() {
      return isTerminal(open());
    },
    get columns() {
      return open().columns || 80;
    },
    flush: (then) => (opened === undefined ? then() : void opened.write("", () => then())),
  };
}

const clock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", stop);
        resolve();
      }, ms);
      if (signal?.aborted) stop();
      else signal?.addEventListener("abort", stop, { once: true });
    }),
};

/** Aborted by the first signal, so that the command can leave things safe; the second one ends it. */
function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(exitCodes.interrupted);
      controller.abort(
        new MlshipError({ code: "interrupted", what: `interrupted by ${name}`, exit: "interrupted" }),
      );
    });
  }
  return controller.signal;
}

/** What signs and what opens is no other program's business. */
function withoutKeys({
  MLSHIP_SIGNING_KEY: _key,
  MLSHIP_KEY_PASSWORD: _password,
  MLSHIP_PROMETHEUS_TOKEN: _token,
  ...env
}: NodeJS.ProcessEnv) {
  return env;
}

/** Signal 0 asks whether a process is there; one of another user is. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

async function confirm(question: string, signal: AbortSignal): Promise<boolean> {
  const { createInterface } = await import("node:readline/promises");
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await lines.question(`${question} [y/N] `, { signal });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a number that has no name.
    return String(process.getuid?.() ?? "unknown");
  }
}
