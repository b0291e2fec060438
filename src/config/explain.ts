// Turns what a schema found wrong into problems that say what was expected, what was found, and the fix.
import { z } from "zod";
import type { Place, Problem } from "../errors.ts";
import { keysAt, leavesOf, schemaAt } from "./keys.ts";
import { suggest } from "./suggest.ts";
import { isMapping, showPath, valueAt, type Path } from "./tree.ts";

/** Where the values of one layer of configuration came from. */
export interface Whereabouts {
  /** Place of a value in a file. */
  valueAt(path: Path): Place | undefined;
  /** Place of a key in a file. */
  keyAt(path: Path): Place | undefined;
  /** What else set the value: `MLSHIP_SERVE_PORT`, `--set serve.port=0`. */
  setBy(path: Path): string | undefined;
}

/** A problem, and the path of the key that it is about. */
export interface Finding extends Problem {
  path: Path;
  /** The key that was probably meant. */
  meant?: string;
  /** A required key is not there. */
  missing?: boolean;
}

interface Complaint {
  what: string;
  fix?: string;
}

/** @param value what was parsed with `schema` and gave `issues`. */
export function explain(
  issues: readonly z.core.$ZodIssue[],
  schema: z.core.$ZodType,
  value: unknown,
  where: Whereabouts,
): Finding[] {
  return issues.flatMap((issue) => {
    const inner = insideUnion(issue, value);
    if (inner) return explain(inner, schema, value, where);
    const path = issue.path.filter((step) => typeof step !== "symbol");
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => unknownKey(schema, path, key, where));
    }
    if (issue.code === "invalid_key") return [located({ path, ...badKey(issue, path) }, where.keyAt(path))];
    const found = valueAt(value, path);
    const by = where.setBy(path);
    const name = `${showPath(path) || "the file"}${by === undefined ? "" : ` (set by ${by})`}`;
    if (found === undefined) {
      const above = path.slice(0, -1);
      const at = above.length > 0 ? where.keyAt(above) : fileOf(where);
      return [located({ path, what: `${name} is missing`, fix: `add ${showPath(path)}`, missing: true }, at)];
    }
    const { what, fix } = complain(issue, found, path, schemaAt(schema, path));
    return [
      located({ path, what: `${name} ${what}`, ...(fix === undefined ? {} : { fix }) }, where.valueAt(path)),
    ];
  });
}

/**
 * What is wrong with a list or a mapping that may also be written in another form: the issues of the
 * form that it was meant in. Null for all else.
 */
function insideUnion(issue: z.core.$ZodIssue, value: unknown): z.core.$ZodIssue[] | null {
  if (issue.code !== "invalid_union") return null;
  const path = issue.path.filter((step) => typeof step !== "symbol");
  const found = valueAt(value, path);
  if (!Array.isArray(found) && !isMapping(found)) return null;
  // The wrong form is refused as a whole; the right one is read, and what is wrong lies within.
  const meant = issue.errors.find((form) =>
    form.every((one) => one.code !== "invalid_type" || one.path.length > 0),
  );
  return meant?.map((one) => ({ ...one, path: [...issue.path, ...one.path] })) ?? null;
}

/** The finding for a key that the schema does not know. */
export function unknownKey(schema: z.core.$ZodType, path: Path, key: string, where: Whereabouts): Finding {
  const full = [...path, key];
  const by = where.setBy(full);
  const known = keysAt(schema, path);
  const near = suggest(key, known);
  const meant = near === null ? leafCalled(schema, path, key) : showPath([...path, near]);
  const choice = known.length > 0 ? `known here: ${known.join(", ")}` : "remove it";
  const fix = meant === undefined ? choice : `did you mean ${meant}?`;
  const what = `${showPath(full)} is not a key of mlship.yaml${by === undefined ? "" : ` (set by ${by})`}`;
  return located({ path: full, what, fix, ...(meant === undefined ? {} : { meant }) }, where.keyAt(full));
}

/** Where a key belongs that was written at the top: `port` → `serve.port`. */
function leafCalled(schema: z.core.$ZodType, path: Path, key: string): string | undefined {
  if (path.length > 0) return undefined;
  const leaf = leavesOf(schema).find((candidate) => candidate.path.at(-1) === key);
  return leaf && showPath(leaf.path);
}

function complain(
  issue: z.core.$ZodIssue,
  found: unknown,
  path: Path,
  schema: z.core.$ZodType | null,
): Complaint {
  if (found === null) return { what: "has no value", fix: "write a value, or remove the key" };
  switch (issue.code) {
    case "invalid_type":
      if (
        issue.expected === "string" &&
        schema &&
        (typeof found === "number" || typeof found === "boolean")
      ) {
        return unquoted(found, String(path.at(-1)), schema);
      }
      return { what: `must be ${kinds[issue.expected] ?? issue.expected}, not ${describe(found)}` };
    case "invalid_value": {
      const values = issue.values.map(String);
      const near = typeof found === "string" ? suggest(found, values) : null;
      return {
        what: `must be ${list(values)}, not ${describe(found)}`,
        ...(near === null ? {} : { fix: `did you mean ${near}?` }),
      };
    }
    case "too_small":
      if (typeof found !== "number") return { what: "must not be empty" };
      return {
        what: `must be ${issue.inclusive === false ? "above" : "at least"} ${issue.minimum}, not ${found}`,
      };
    case "too_big":
      return { what: `must be at most ${issue.maximum}, not ${describe(found)}` };
    case "invalid_union":
      return { what: `must be ${formsOf(issue)}, not ${describe(found)}` };
    case "invalid_format":
      return { what: `${issue.message}, not ${describe(found)}` };
    default:
      return { what: issue.message };
  }
}

/** What a value may be that has several forms: a text or a mapping of keys. */
function formsOf({ errors }: z.core.$ZodIssueInvalidUnion): string {
  const names = errors.flatMap(([first]) =>
    first?.code === "invalid_type" && first.path.length === 0
      ? [kinds[first.expected] ?? first.expected]
      : [],
  );
  return list([...new Set(names)]);
}

/** YAML reads `3.12` as a number: quotes may be all that is missing. */
function unquoted(found: number | boolean, key: string, schema: z.core.$ZodType): Complaint {
  const result = z.safeParse(schema, String(found));
  if (result.success)
    return { what: `must be a text, not ${describe(found)}`, fix: `write ${key}: "${found}"` };
  const [issue] = result.error.issues;
  return { what: `${issue?.message ?? "must be a text"}, not ${describe(found)}` };
}

function badKey(issue: z.core.$ZodIssueInvalidKey, path: Path): Problem {
  return { what: `${showPath(path)} ${issue.issues[0]?.message ?? "is not a valid name"}` };
}

const kinds: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping of keys",
  record: "a mapping of names",
};

/** A value in a few words, safe to print. */
function describe(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (isMapping(value)) return "a mapping of keys";
  if (typeof value === "string")
    return `the text ${JSON.stringify(value.length > 60 ? `${value.slice(0, 59)}…` : value)}`;
  return typeof value === "number" ? `the number ${value}` : String(value);
}

function list(values: string[]): string {
  return values.length < 2 ? values.join("") : `${values.slice(0, -1).join(", ")} or ${values.at(-1)}`;
}

function located(finding: Finding, at: Place | undefined): Finding {
  return at === undefined ? finding : { ...finding, at };
}

function fileOf(where: Whereabouts): Place | undefined {
  const top = where.keyAt([]);
  return top && { file: top.file };
}
