// An instruction's argument as what its opcode says it is.
import type { Argument } from "./decode.ts";
import type { Value } from "./values.ts";

/** A line or text. */
export function text(argument: Argument): string {
  return typeof argument === "string" ? argument : "";
}

/** Two lines: module and name. */
export function pair(argument: Argument): readonly [string, string] {
  return isPair(argument) ? argument : ["", ""];
}

function isPair(argument: Argument): argument is readonly [string, string] {
  return Array.isArray(argument);
}

/** The value that an opcode pushes as it is. */
export function literal(argument: Argument): Value {
  return isPair(argument) ? null : argument;
}
