// Talks to a running program: JSON documents, one per line, and blocks of bytes that a line announces.
import { setTimeout as wait } from "node:timers/promises";
import type { Readable } from "node:stream";
import type { z } from "zod";
import { MlshipError } from "../../errors.ts";
import type { RunOptions } from "../process.ts";
import { Incoming } from "./incoming.ts";

/** A program that answers. */
export interface Conversation {
  /** Sends a line, and the blocks that it announces, which nobody changes any more. The program may have ended: then the next `hear` says so. */
  say(line: string, blocks?: readonly Uint8Array[]): void;
  /**
   * The next line, as what it must be.
   * @param timeoutMs after which the program is ended.
   * @param awaited what a person should read that mlship waited for.
   * @throws MlshipError `score.died`, `score.timeout` or `score.bad-reply`, exit 2, with the last
   *   lines that the program printed; `interrupted`; the signal's reason when it was aborted.
   */
  hear<T>(schema: z.ZodType<T>, timeoutMs: number, awaited: string): Promise<T>;
  /**
   * The next `count` bytes, at the start of a buffer of their own.
   * @throws as `hear`.
   */
  hearBytes(count: number, timeoutMs: number, awaited: string): Promise<Uint8Array<ArrayBuffer>>;
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
  const replies = new Incoming(child.stdout);
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

  /** What the program writes next; null is its end. */
  async function within<T>(next: Promise<T | null>, timeoutMs: number, awaited: string): Promise<T> {
    const timer = new AbortController();
    const late = wait(timeoutMs, "late" as const, { signal: timer.signal }).catch(() => "stopped" as const);
    const first = await Promise.race([next.then((heard) => ({ heard })), late]);
    timer.abort();
    if (typeof first === "string") {
      child.kill("SIGKILL");
      throw failed("score.timeout", `waited ${timeoutMs / 1000} s for ${awaited}`, printed);
    }
    if (first.heard === null) throw await ended(awaited);
    return first.heard;
  }

  return {
    say(line, blocks = []) {
      child.stdin.write(`${line}\n`);
      for (const block of blocks) child.stdin.write(block);
    },
    async hear(schema, timeoutMs, awaited) {
      const reply = schema.safeParse(parse(await within(replies.line(), timeoutMs, awaited)));
      if (reply.success) return reply.data;
      child.kill("SIGKILL");
      throw failed("score.bad-reply", `Python's answer is not what mlship expects of ${awaited}`, printed);
    },
    hearBytes: (count, timeoutMs, awaited) => within(replies.bytes(count), timeoutMs, awaited),
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
  const lines = new Incoming(stream);
  for (let line = await lines.line(); line !== null; line = await lines.line()) {
    kept.push(line.slice(0, 500));
    if (kept.length > keptLines) kept.shift();
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
