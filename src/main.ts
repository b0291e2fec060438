// run(argv, shell) → exit code: the only place that catches everything and maps errors to exit codes.
import { CommanderError } from "commander";
import type { MlshipError } from "./errors.ts";
import { exitCodes } from "./errors.ts";
import { openShell } from "./host.ts";
import { makeProgram, type GlobalFlags } from "./program/program.ts";
import type { Shell } from "./shell.ts";
import { makeStyle, wantsColour } from "./ui/style.ts";

/**
 * Runs one command line.
 * @param argv arguments behind the program's name
 * @returns the exit code; nothing is thrown
 */
export async function run(argv: string[], shell: Shell): Promise<number> {
  let exit: number = exitCodes.done;
  const program = makeProgram(shell, (code) => {
    exit = code;
  });
  try {
    await program.parseAsync(argv.length === 0 ? ["help"] : argv, { from: "user" });
    return exit;
  } catch (error) {
    if (!(error instanceof CommanderError)) return await report(error, shell, program.opts());
    if (error.exitCode === 0) return exitCodes.done;
    // What was read of the flags when the command line turned out wrong may lack this one.
    const flags: GlobalFlags = { ...program.opts<GlobalFlags>(), json: argv.includes("--json") };
    const { usageError } = await import("./program/usage-error.ts");
    return await report(usageError(error, argv), shell, flags);
  }
}

async function report(cause: unknown, shell: Shell, flags: GlobalFlags): Promise<number> {
  const { asMlshipError, errorDocument, renderCauses, renderError } = await import("./ui/error.ts");
  const error: MlshipError = asMlshipError(cause);
  const colour = wantsColour(shell.env, shell.stderr.isTerminal, flags.color === false);
  const screen = { width: shell.stderr.columns, terminal: shell.stderr.isTerminal, style: makeStyle(colour) };
  if (flags.json) shell.stdout.write(`${JSON.stringify(errorDocument(error), null, 2)}\n`);
  else shell.stderr.write(renderError(error, screen));
  if (flags.verbose) shell.stderr.write(renderCauses(cause));
  return exitCodes[error.exit];
}

/** The binary's entry: runs the process's own command line and sets its exit code. */
export async function start(): Promise<void> {
  const { argv, shell, end } = openShell();
  end(await run(argv, shell));
}
