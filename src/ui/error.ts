// How an error is printed: what, where, why, and what to do now.
import { MlshipError, exitCodes, type Place } from "../errors.ts";
import type { Screen } from "./screen.ts";
import { wrap } from "./table.ts";
import { visible } from "./visible.ts";

/** `mlship.yaml:3:5`, as editors and terminals understand it. */
export function showPlace(place: Place): string {
  return [place.file, place.line, place.column].filter((part) => part !== undefined).join(":");
}

/** The text for a person. */
export function renderError(error: MlshipError, screen: Screen): string {
  const { style, width } = screen;
  const lines = [`${style("red", "error:")} ${style("bold", wrap(error.what, width, "       "))}`];
  if (error.at) lines.push(`   at: ${showPlace(error.at)}`);
  if (error.why) lines.push(`  why: ${wrap(error.why, width, "       ")}`);
  for (const problem of error.problems) {
    const place = problem.at ? `${showPlace(problem.at)}  ` : "";
    lines.push(`  - ${wrap(style("cyan", place) + problem.what, width, "    ")}`);
    if (problem.fix) lines.push(`    ${wrap(problem.fix, width, "    ")}`);
  }
  if (error.fix) lines.push(`${style("cyan", "  fix:")} ${wrap(error.fix, width, "       ")}`);
  return visible(`${lines.join("\n")}\n`, style);
}

/** The document that `--json` prints in place of a result. */
export function errorDocument(error: MlshipError) {
  const { code, what, why, fix, at, problems, exit } = error;
  return { schema: "mlship.error/v1", code, what, why, fix, at, problems, exit: exitCodes[exit] };
}

/** An unexpected error as an {@link MlshipError}: exit 1, and where to report it. */
export function asMlshipError(error: unknown): MlshipError {
  if (error instanceof MlshipError) return error;
  return new MlshipError({
    code: "internal",
    what: error instanceof Error ? error.message || error.name : String(error),
    why: "this is a fault in mlship, not in your project",
    fix: "run the command again with --verbose and report what it prints",
    exit: "internal",
    cause: error,
  });
}

/** Stack and causes, for `--verbose`. */
export function renderCauses(error: unknown): string {
  const lines: string[] = [];
  for (
    let cause: unknown = error, depth = 0;
    cause instanceof Error && depth < 8;
    cause = cause.cause, depth++
  ) {
    lines.push(cause.stack ?? String(cause));
  }
  return visible(`${lines.join("\ncaused by: ")}\n`);
}
