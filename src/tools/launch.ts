// Processes of this machine: the gateway, which outlives this one, and servers, which do not.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { closeSync, mkdirSync, openSync, statSync } from "node:fs";
import { readFile, readdir, readlink } from "node:fs/promises";
import { hostname } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Readable } from "node:stream";
import { execa } from "execa";
import { MlshipError } from "../errors.ts";
import type { Daemons, ProcessIdentity, Processes, ServerProcess, Servers } from "../targets/local/ports.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Bytes after which what the gateway printed before is dropped. */
const daemonLogBytes = 1024 * 1024;
/** Characters after which a line of a server is handed over although it goes on. */
const lineLength = 64 * 1024;
/** Milliseconds after a server's end in which its last output is awaited: a child of its own may hold the pipe. */
const lastWords = 500;
/** Milliseconds that `ps` and `lsof` may take. */
const toolTimeout = 5_000;
/** All that a child gets of the environment: nothing in it can be a secret. */
const passed = ["PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"];

/** Servers as children of this process. @param env of this process; a few names of it are passed on. */
export function localServers(env: Env): Servers {
  const childEnv = {
    ...pick(env),
    // The gateway runs one server per replica; threads of each would compete for the same cores.
    OMP_NUM_THREADS: "1",
    OPENBLAS_NUM_THREADS: "1",
    MKL_NUM_THREADS: "1",
    PYTHONUNBUFFERED: "1",
    PYTHONDONTWRITEBYTECODE: "1",
    PYTHONNOUSERSITE: "1",
    // A file in the bundle must not stand in for a library of the same name.
    PYTHONSAFEPATH: "1",
  };
  return {
    start(program, args, folder, output): ServerProcess {
      let child;
      try {
        // Own group: Ctrl-C in a terminal that started the gateway reaches none of the servers.
        child = spawn(program, args, { cwd: folder, env: childEnv, detached: true, stdio: "pipe" });
      } catch (cause) {
        return neverStarted(cause);
      }
      // The pipe is only there to be closed; a server that is gone already needs no telling.
      child.stdin.on("error", () => undefined);
      const read = Promise.all([lines(child.stdout, output.stdout), lines(child.stderr, output.stderr)]);
      return {
        pid: child.pid ?? -1,
        ended: ended(child).then(async (how) => {
          await Promise.race([read, sleep(lastWords)]);
          return how;
        }),
        terminate() {
          child.kill("SIGTERM");
          child.stdin.end();
        },
        kill: () => void child.kill("SIGKILL"),
      };
    },
  };
}

/** A server that the system would not start: a program for another machine, one that is being written. */
function neverStarted(cause: unknown): ServerProcess {
  const why = cause instanceof Error ? cause.message : String(cause);
  return { pid: -1, ended: Promise.resolve(why), terminate: () => {}, kill: () => {} };
}

/** Starts the gateway's entry file with this Node. @param node the interpreter's path. */
export function localDaemons(node: string, entry: string, env: Env): Daemons {
  return {
    async start(argument, folder, logFile, timeoutMs) {
      mkdirSync(folder, { recursive: true });
      const log = openSync(logFile, sizeOf(logFile) > daemonLogBytes ? "w" : "a", 0o600);
      const child = spawn(node, [entry, argument], {
        cwd: folder,
        env: pick(env),
        detached: true,
        stdio: ["ignore", log, log, "ipc"],
      });
      closeSync(log);
      const answer = Promise.withResolvers<unknown>();
      child.once("message", answer.resolve);
      void ended(child).then(() => answer.resolve(null));
      const timer = setTimeout(() => answer.reject(silent(timeoutMs, logFile)), timeoutMs);
      try {
        return { message: await answer.promise, pid: child.pid ?? -1 };
      } catch (cause) {
        child.kill("SIGKILL");
        throw cause;
      } finally {
        clearTimeout(timer);
        if (child.connected) child.disconnect();
        child.unref();
      }
    },
  };
}

/** The processes of this machine, read from /proc, or by `ps` and `lsof` where there is none. */
export function localProcesses(): Processes {
  return {
    host: hostname(),
    monotonic: () => Number(process.hrtime.bigint() / 1_000_000n),
    identify,
    listener: async (port) => (await listenerByLsof(port)) ?? (await listenerByProc(port)),
  };
}

async function identify(pid: number): Promise<ProcessIdentity | null> {
  const began = (await beganByProc(pid)) ?? (await beganByPs(pid));
  return began === null ? null : { pid, began };
}

/** Clock ticks since boot, with the boot's own id: field 22 of /proc/PID/stat, see proc(5). */
async function beganByProc(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
    // The second field is the program's name in brackets, and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state] = fields;
    if (state === "Z" || state === "X") return null;
    return `${boot.trim()}/${fields[19]}`;
  } catch {
    // No such process, or no /proc: `ps` knows which.
    return null;
  }
}

async function beganByPs(pid: number): Promise<string | null> {
  const line = (await run("ps", ["-o", "stat=,lstart=", "-p", String(pid)])).trim();
  if (line === "" || line.startsWith("Z")) return null;
  return line.replace(/^\S+\s+/, "");
}

async function listenerByLsof(port: number): Promise<string | null> {
  const stdout = await run("lsof", ["-nP", `-iTCP:${port}`, "-sTCP:LISTEN", "-Fpc"]);
  const pid = /^p(\d+)$/m.exec(stdout)?.[1];
  const name = /^c(.+)$/m.exec(stdout)?.[1];
  return pid === undefined ? null : `${name ?? "a process"}, pid ${pid},`;
}

/** Finds the listening socket's inode, then the process that has it open. */
async function listenerByProc(port: number): Promise<string | null> {
  const inodes = new Set<string>();
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    const text = await readFile(table, "utf8").catch(() => "");
    for (const row of text.split("\n")) {
      const [, local, , state, , , , , , inode] = row.trim().split(/\s+/);
      if (state === "0A" && local?.endsWith(`:${hex}`) && inode !== undefined)
        inodes.add(`socket:[${inode}]`);
    }
  }
  if (inodes.size === 0) return null;
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const folder = path.join("/proc", pid, "fd");
    for (const fd of await readdir(folder).catch(() => [])) {
      if (!inodes.has(await readlink(path.join(folder, fd)).catch(() => ""))) continue;
      const name = await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "a process");
      return `${name.trim()}, pid ${pid},`;
    }
  }
  return null;
}

/** Runs a tool that may be missing: its output, empty when it fails. */
async function run(tool: string, args: string[]): Promise<string> {
  const { stdout } = await execa(tool, args, { reject: false, timeout: toolTimeout, stdin: "ignore" });
  return stdout ?? "";
}

async function ended(child: ChildProcess): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  child.once("error", (cause) => resolve(cause.message));
  child.once("exit", (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  return promise;
}

/** Hands over each line until the stream ends. A line without end is cut, so that it cannot fill memory. */
async function lines(stream: Readable, take: (line: string) => void): Promise<void> {
  let rest = "";
  stream.setEncoding("utf8");
  for await (const chunk of stream) {
    const parts = (rest + String(chunk)).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) take(line);
    if (rest.length > lineLength) {
      take(rest);
      rest = "";
    }
  }
  if (rest !== "") take(rest);
}

function pick(env: Env): Record<string, string> {
  return Object.fromEntries(passed.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function silent(timeoutMs: number, logFile: string): MlshipError {
  return new MlshipError({
    code: "gateway.silent",
    what: `the gateway did not come up within ${timeoutMs / 1000} s`,
    fix: `look into ${logFile}, then run the command again`,
    exit: "unavailable",
  });
}
