// Talks to a running program: one JSON document per line in, one per line out.
import { setTimeout as wait } from "node:timers/promises";
import type { Readable } from "node:stream";
import type { z } from "zod";
import { MlshipError } from "../../errors.ts";
import type { RunOptions } from "../process.ts";

/** A program that answers. */
export interface Conversation {
  /** Sends a line. The program may have ended: then the next `hear` says so. */
  say(line: string): void;
  /**
   * The next line, as what it must be.
   * @param timeoutMs after which the program is ended.
   * @param awaited what a person should read that mlship waited for.
   * @throws MlshipError `score.died`, `score.timeout` or `score.bad-reply`, exit 2, with the last
   *   lines that the program printed; `interrupted`; the signal's reason when it was aborted.
   */
  hear<T>(schema: z.ZodType<T>, timeoutMs: number, awaited: string): Promise<T>;
  /** The last lines that the program printed for people. */
  printed(): string;
  /** Ends the program: no more input, then, after the grace time, by force. */
  end(graceMs: number): Promise<void>;
}

const keptLines = 20;

/** Starts the program. That it cannot be started shows at the first `hear`. */
export async function startConversation(
  program: string,
  args: readonly string[],
  options: RunOptions,
): Promise<Conversation> {
  options.signal?.throwIfAborted();
  const { execa } = await import("execa");
  const child = execa(program, args, {
    env: options.env,
    extendEnv: false,
    buffer: false,
    reject: false,
    stdin: "pipe",
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
  });
  const printed: string[] = [];
  const heardAll = keepLast(child.stderr, printed);
  const replies = linesOf(child.stdout);
  // A broken pipe also shows as the end of the program's output, where it is reported.
  child.stdin.on("error", () => null);

  async function ended(awaited: string): Promise<MlshipError> {
    const [result] = await Promise.all([child, heardAll]);
    options.signal?.throwIfAborted();
    if (result.signal === "SIGINT" || result.exitCode === 130) {
      return new MlshipError({ code: "interrupted", what: "interrupted", exit: "interrupted" });
    }
    const how =
      result.signal === undefined ? `exit code ${result.exitCode ?? "unknown"}` : `signal ${result.signal}`;
    return failed("score.died", `Python ended (${how}) while mlship waited for ${awaited}`, [
      ...(result.exitCode === undefined && result.signal === undefined
        ? [String(result.originalMessage)]
        : []),
      ...printed,
    ]);
  }

  return {
    say: (line) => void child.stdin.write(`${line}\n`),
    async hear(schema, timeoutMs, awaited) {
      const timer = new AbortController();
      const late = wait(timeoutMs, "late" as const, { signal: timer.signal }).catch(() => "stopped" as const);
      const next = await Promise.race([replies.next(), late]);
      timer.abort();
      if (typeof next === "string") {
        child.kill("SIGKILL");
        throw failed("score.timeout", `waited ${timeoutMs / 1000} s for ${awaited}`, printed);
      }
      if (next.done === true) throw await ended(awaited);
      const reply = schema.safeParse(parse(next.value));
      if (reply.success) return reply.data;
      child.kill("SIGKILL");
      throw failed("score.bad-reply", `Python's answer is not what mlship expects of ${awaited}`, printed);
    },
    printed: () => printed.join("\n"),
    async end(graceMs) {
      child.stdin.end();
      const timer = new AbortController();
      const late = wait(graceMs, "late" as const, { signal: timer.signal }).catch(() => "stopped" as const);
      if ((await Promise.race([child, late])) === "late") child.kill("SIGKILL");
      timer.abort();
      await child;
    },
  };
}

function failed(code: string, what: string, printed: readonly string[]): MlshipError {
  const why = printed.join("\n").trim();
  return new MlshipError({ code, what, ...(why === "" ? {} : { why }), exit: "usage" });
}

async function keepLast(stream: Readable, kept: string[]): Promise<void> {
  for await (const line of linesOf(stream)) {
    kept.push(line.slice(0, 500));
    if (kept.length > keptLines) kept.shift();
  }
}

/** Lines ended by \n alone: JSON may hold the other characters that end a line for readline. */
async function* linesOf(stream: Readable): AsyncGenerator<string, void> {
  let pieces: string[] = [];
  for await (const chunk of stream.setEncoding("utf8")) {
    const [first = "", ...rest] = String(chunk).split("\n");
    pieces.push(first);
    for (const piece of rest) {
      yield pieces.join("");
      pieces = [piece];
    }
  }
  const unfinished = pieces.join("");
  if (unfinished !== "") yield unfinished;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
