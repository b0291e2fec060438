// What the local target needs from the outside world: processes of this machine, and what a release needs to start.
import type { Digest } from "../../digest.ts";

/** How a release becomes something that can be started. */
export interface Materials {
  /** A folder that holds the release's bundle, and the interpreter of its environment. */
  materialise(release: Digest): Promise<{ bundleFolder: string; python: string }>;
}

/** Who a process is: a pid alone is given to another process after a while. */
export interface ProcessIdentity {
  pid: number;
  /** When the process began, in the operating system's own words; equal only for the same process. */
  began: string;
}

/** Looks at the processes of this machine. */
export interface Processes {
  /** Name of this machine, as lock holders give it. */
  readonly host: string;
  /** Milliseconds since this machine started: one clock for all its processes, never set back. */
  monotonic(): number;
  /** The process that has this pid now, or null when there is none. */
  identify(pid: number): Promise<ProcessIdentity | null>;
  /** The process that listens on a TCP port, for people (`python3, pid 4711,`); null when it cannot be known. */
  listener(port: number): Promise<string | null>;
}

/** What the gateway says once, when it serves or when it cannot. */
interface DaemonAnswer {
  /** `gatewayAnswerSchema`. Null when the process ended without a word. */
  message: unknown;
  pid: number;
}

/** Starts the gateway, a process that outlives this one. */
export interface Daemons {
  /**
   * Starts the gateway with one argument and waits for its first message. What it prints goes to `logFile`.
   * @throws MlshipError `gateway.silent`, exit 5, when it says nothing within `timeoutMs`; it is then killed.
   */
  start(argument: string, folder: string, logFile: string, timeoutMs: number): Promise<DaemonAnswer>;
}

/** A running server process. */
export interface ServerProcess {
  readonly pid: number;
  /** Resolves when the process has ended and its output is read; says how it ended, for people. */
  readonly ended: Promise<string>;
  /** Asks the server to drain and exit: SIGTERM and end of its input. */
  terminate(): void;
  kill(): void;
}

/** Where a server's output goes, line by line. */
interface ServerOutput {
  stdout: (line: string) => void;
  stderr: (line: string) => void;
}

/** Starts server processes, which end when this process ends, however it ends. */
export interface Servers {
  /** Never throws: a program that cannot be started ends at once and says why. */
  start(program: string, args: string[], folder: string, output: ServerOutput): ServerProcess;
}
