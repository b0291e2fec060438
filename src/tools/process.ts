// Runs programs to their end: argv arrays, captured output, never a shell.
import { MlshipError } from "../errors.ts";

/** Environment variables; a program gets these and no others. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** Where and how a program runs. */
export interface RunOptions {
  env: Variables;
  cwd?: string;
  /** Kills the program; the call then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** A program that ended by itself. */
export interface Ran {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/**
 * Runs a program and gives what it printed, whatever its exit code.
 * @param fix what to do when the program is not there.
 * @throws MlshipError `tool.missing` when it cannot be started, `tool.killed` when a signal ended
 *   it, `interrupted` when that signal was Ctrl-C; the signal's reason when it was aborted.
 */
export async function attempt(
  program: string,
  args: readonly string[],
  options: RunOptions,
  fix = `install ${program} and put it on PATH`,
): Promise<Ran> {
  options.signal?.throwIfAborted();
  const { execa } = await import("execa");
  const result = await execa(program, args, {
    env: options.env,
    extendEnv: false,
    stdin: "ignore",
    reject: false,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
  });
  options.signal?.throwIfAborted();
  const { exitCode, signal, stdout, stderr } = result;
  if (exitCode !== undefined) return { exitCode, stdout, stderr };
  if (signal !== undefined) throw killed(program, signal, stderr);
  throw new MlshipError({
    code: "tool.missing",
    what: `${program} could not be started`,
    ...(result.originalMessage === undefined ? {} : { why: result.originalMessage }),
    fix,
    exit: "unavailable",
    cause: result.cause,
  });
}

/** The last lines of a text, without the empty ones at its end. */
export function lastLines(text: string, count: number): string {
  return text.trimEnd().split("\n").slice(-count).join("\n");
}

/** What it means that a signal which mlship did not send ended a program. */
function killed(program: string, signal: string, stderr: string): MlshipError {
  if (signal === "SIGINT") {
    return new MlshipError({ code: "interrupted", what: "interrupted", exit: "interrupted" });
  }
  const memory =
    signal === "SIGKILL" ? "make sure that the machine has memory to spare, and run again" : undefined;
  return new MlshipError({
    code: "tool.killed",
    what: `${program} was ended by ${signal}`,
    ...(stderr.trim() === "" ? {} : { why: lastLines(stderr, 20) }),
    ...(memory === undefined ? {} : { fix: memory }),
    exit: "unavailable",
  });
}
