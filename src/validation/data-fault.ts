// What is wrong with a data file, as errors.
import { basename } from "node:path";
import { MlshipError } from "../errors.ts";

/** @throws MlshipError `data.duplicate-column` when two columns have the same name. */
export function rejectDuplicates(file: string, names: string[]): void {
  const seen = new Set<string>();
  const twice = names.find((name) => seen.size === seen.add(name).size);
  if (twice === undefined) return;
  throw duplicate(
    file,
    twice === ""
      ? "more than one column has no name"
      : `more than one column is named ${JSON.stringify(twice)}`,
  );
}

/** The error for columns that share a name. */
export function duplicate(file: string, why: string): MlshipError {
  return new MlshipError({
    code: "data.duplicate-column",
    what: `the columns of ${file} cannot be told apart`,
    why,
    fix: "give every column a name of its own",
    exit: "usage",
    at: { file, line: 1 },
  });
}

/** The error for a file without content. */
export function empty(file: string): MlshipError {
  return new MlshipError({
    code: "data.empty",
    what: `the data file ${file} is empty`,
    fix: "write labelled rows into it: a header line and one line per row",
    exit: "usage",
    at: { file },
  });
}

const forms = "data must be csv with a header line, parquet, or jsonl with one object per line, in UTF-8";
const plainer = "save it with one kind of line end and of quotes, or as parquet";

/** The error for a file whose bytes are not what they should be. */
export function unreadable(
  file: string,
  why: string,
  known: { line?: number; fix?: string; cause?: unknown } = {},
): MlshipError {
  return new MlshipError({
    code: "data.unreadable",
    what: `the data file ${file} cannot be read`,
    why,
    fix: known.fix ?? forms,
    exit: "usage",
    at: known.line === undefined ? { file } : { file, line: known.line },
    ...(known.cause === undefined ? {} : { cause: known.cause }),
  });
}

/** The error for a file that DuckDB refused. */
export function refused(file: string, cause: unknown): MlshipError {
  const said = cause instanceof Error ? cause.message : String(cause);
  // The shape of a CSV file was checked before: what the sniffer cannot make out is a matter of form.
  if (said.includes("Error when sniffing file")) {
    return unreadable(file, "its line ends or quotes are mixed in a way that the reader does not know", {
      fix: plainer,
      cause,
    });
  }
  const line = /CSV Error on Line: (\d+)/.exec(said)?.[1];
  return unreadable(file, shorten(said), line === undefined ? { cause } : { line: Number(line), cause });
}

/** What DuckDB says of a file, without the row itself and without its advice on options. */
function shorten(said: string): string {
  const lines = said.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("Original Line:"));
  const stop = lines.findIndex((line) => /^(Possible|LINE \d|\s+file|The search space)/.test(line));
  return lines
    .slice(0, stop === -1 ? 3 : Math.max(stop, 1))
    .join("; ")
    .replace(/^(Invalid Input|Conversion|IO|Binder|Parser|Out of Range) Error: /, "");
}

/**
 * The error for a number that no server could be sent.
 * @param row counts from 0; null when it is not known.
 */
export function badNumber(file: string, name: string, value: number, row: number | null): MlshipError {
  return new MlshipError({
    code: "data.number",
    what: `column ${JSON.stringify(name)} of ${basename(file)} holds a number that cannot be given to a model: ${value}${row === null ? "" : ` in row ${row + 1}`}`,
    why: Number.isFinite(value) ? "whole numbers are exact up to 2^53 only" : "infinity has no JSON form",
    fix: "leave the column out of the model's inputs, or write it as text or within range",
    exit: "usage",
    at: { file },
  });
}
