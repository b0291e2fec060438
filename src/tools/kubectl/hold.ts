// The leash's side: one program that lives no longer than a pipe, and the folder that goes with it.
import { spawn } from "node:child_process";
import { rm } from "node:fs/promises";
import type { Readable } from "node:stream";

/** Milliseconds that the program is given to end by itself. */
const grace = 2_000;
/** What a shell answers when a program cannot be started. */
const notStarted = 127;

export interface Held {
  program: string;
  args: readonly string[];
  /** Removed once the program has ended; empty for none. */
  folder: string;
  /** The program ends when this does: the other end is in the process that asked for it. */
  lifeline: Readable;
}

/** Runs the program to its end. @returns its exit code, 1 when a signal ended it. */
export async function hold({ program, args, folder, lifeline }: Held): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"] });
  child.once("error", () => resolve(notStarted));
  child.once("exit", (code) => resolve(code ?? 1));
  let last: NodeJS.Timeout | undefined;
  const end = () => {
    last ??= setTimeout(() => child.kill("SIGKILL"), grace);
    child.kill("SIGTERM");
  };
  lifeline.once("error", end).once("end", end).once("close", end).resume();
  const code = await promise;
  clearTimeout(last);
  lifeline.destroy();
  if (folder !== "") await rm(folder, { recursive: true, force: true });
  return code;
}
