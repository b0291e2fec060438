// What the command line stands on: streams, environment, and the way to a host. Made by host.ts.
import type { Host } from "./commands/host.ts";

/** A stream that text is written to. */
export interface Sink {
  write(text: string): void;
  readonly isTerminal: boolean;
  /** Columns of the terminal, or 80. */
  readonly columns: number;
}

/** The flags that every verb takes. */
export interface GlobalOptions {
  json: boolean;
  quiet: boolean;
  verbose: boolean;
  colour: boolean;
  directory: string | undefined;
  environment: string | undefined;
  set: string[];
}

/** The process as the command line sees it. */
export interface Shell {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** The outside world for one command. Called once, after the command line is understood. */
  host(options: GlobalOptions): Promise<Host>;
}
