// A command line that cannot be understood, told as every other error is.
import type { CommanderError } from "commander";
import { MlshipError } from "../errors.ts";

/** @param argv what was typed, so that the hint leads to the help of the right verb */
export function usageError(error: CommanderError, argv: readonly string[]): MlshipError {
  const [said = "", hint] = error.message.replace(/^error: /, "").split("\n");
  const near = hint?.replace(/^\(Did you mean (.*)\?\)$/, "$1");
  const verb = argv.find((word) => /^[a-z]+$/.test(word));
  const help =
    error.code === "commander.unknownCommand" || verb === undefined || verb === "help"
      ? "mlship help"
      : `mlship help ${verb}`;
  const isVerbless = error.code === "commander.help";
  return new MlshipError({
    code: "usage.command-line",
    what: isVerbless ? `a verb is missing behind mlship ${argv.join(" ")}` : inOurWords(said),
    fix: near === undefined || near === "" ? `see ${help}` : `did you mean ${near}? See ${help}`,
    exit: "usage",
  });
}

/** mlship has verbs and flags where commander has commands and options. */
function inOurWords(said: string): string {
  return said
    .replace(/^unknown command/, "unknown verb")
    .replace(/^unknown option/, "unknown flag")
    .replace(/^option '(.*)' argument missing$/, "flag '$1' needs a value")
    .replace(/^option '/, "flag '")
    .replace(/^missing required argument '(.*)'$/, "the argument $1 is missing")
    .replace(
      /^command-argument value '(.*)' is invalid for argument '(.*)'\. Allowed choices are (.*)$/,
      "'$1' is no $2: choose one of $3",
    )
    .replace(
      /^too many arguments for '(.*)'\. Expected (\d+) arguments? but got \d+: (.*)$/,
      (_all, verb: string, most: string, got: string) =>
        most === "0"
          ? `${verb} takes no argument, but got ${got}`
          : `${verb} takes ${most} argument, but got ${got}`,
    )
    .replace(/\.$/, "");
}
