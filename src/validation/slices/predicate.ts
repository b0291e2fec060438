// Checks that a person's predicate is one condition over the columns of a row, before it runs.
import type { DuckDBConnection } from "@duckdb/node-api";
import { z } from "zod";

/** What DuckDB makes of a text, as far as a condition may be judged by it. */
const parsedSchema = z.object({
  error: z.boolean(),
  error_message: z.string().optional(),
  statements: z
    .array(
      z.object({ node: z.looseObject({ type: z.string(), select_list: z.array(z.unknown()).optional() }) }),
    )
    .optional(),
});

/**
 * Why a text is no condition that can choose rows; null when it is one. It has to be one expression that
 * is true or false of a row, and says the same tomorrow: no query inside, no clock, no chance.
 * @param view the quoted name of the view whose columns it may name.
 */
export async function faultOf(
  connection: DuckDBConnection,
  view: string,
  where: string,
): Promise<string | null> {
  // In brackets and without: `true) or (true` is an expression only in brackets, `true limit 1` only without.
  const parsed = await parse(connection, `select (${where}\n)`);
  const fault = parsed.fault ?? (await parse(connection, `select ${where}\n`)).fault;
  if (fault !== null) return fault;
  if (parsed.expressions.length !== 1) return "it is more than one expression";
  const inside = namesIn(parsed.expressions);
  if (inside.hasQuery) return "it holds a query of its own";
  const [fickle] = await fickleAmong(connection, inside.functions);
  if (fickle !== undefined) return `${fickle}() does not give the same on every run`;
  return await typeFault(connection, view, where);
}

async function parse(
  connection: DuckDBConnection,
  sql: string,
): Promise<{ fault: string | null; expressions: unknown[] }> {
  const read = await connection.runAndReadAll(`select json_serialize_sql(${quoteText(sql)})`);
  const {
    error,
    error_message,
    statements = [],
  } = parsedSchema.parse(JSON.parse(String(read.getRows()[0]?.[0])));
  if (error) return { fault: error_message ?? "it cannot be read", expressions: [] };
  const [statement] = statements;
  const plain = statements.length === 1 && statement?.node.type === "SELECT_NODE" && isPlain(statement.node);
  if (!plain) return { fault: "it is more than one expression", expressions: [] };
  return { fault: null, expressions: statement.node.select_list ?? [] };
}

/** A select that has a list of expressions and nothing else. */
function isPlain(node: Record<string, unknown>): boolean {
  const isNothing = (value: unknown) =>
    value === null || value === undefined || (Array.isArray(value) && value.length === 0);
  const from = z.object({ type: z.literal("EMPTY") }).safeParse(node["from_table"]);
  const parts = ["modifiers", "where_clause", "group_expressions", "having", "qualify", "sample"];
  return from.success && parts.every((part) => isNothing(node[part]));
}

function namesIn(tree: unknown): { functions: string[]; hasQuery: boolean } {
  const functions = new Set<string>();
  let hasQuery = false;
  const walk = (node: unknown) => {
    if (Array.isArray(node)) return node.forEach(walk);
    if (typeof node !== "object" || node === null) return;
    if ("class" in node && node.class === "SUBQUERY") hasQuery = true;
    if ("function_name" in node && typeof node.function_name === "string") functions.add(node.function_name);
    Object.values(node).forEach(walk);
  };
  walk(tree);
  return { functions: [...functions], hasQuery };
}

/** The functions that may give another value for the same row: `random`, `now`, `current_date`. */
async function fickleAmong(connection: DuckDBConnection, functions: readonly string[]): Promise<string[]> {
  if (functions.length === 0) return [];
  const names = functions.map((name) => quoteText(name.toLowerCase())).join();
  const read = await connection.runAndReadAll(
    `select distinct function_name from duckdb_functions() where stability <> 'CONSISTENT' and function_name in (${names}) order by 1`,
  );
  return read.getRows().map(([name]) => String(name));
}

async function typeFault(connection: DuckDBConnection, view: string, where: string): Promise<string | null> {
  try {
    const described = await connection.runAndReadAll(`describe select (${where}\n) from ${view}`);
    const types = described.getRows().map((row) => String(row[1]));
    if (types.length !== 1) return "it stands for more than one column";
    if (types[0] !== "BOOLEAN") return `it is not true or false, but a value of type ${types[0]}`;
    // What stands in a select need not be allowed in a where: a sum over all rows.
    await connection.runAndReadAll(`describe select 1 from ${view} where (${where}\n)`);
    return null;
  } catch (cause) {
    return reasonOf(cause);
  }
}

/** DuckDB's reason in one line, without its picture of the statement. */
export function reasonOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  const [first = "", ...rest] = text.split("\n").map((line) => line.trim());
  const candidates = rest.find((line) => line.startsWith("Candidate bindings:"));
  const reason = first.replace(/^\w+( \w+)? Error: /, "").replace(/ in FROM clause!?$/, "");
  return candidates === undefined
    ? reason
    : `${reason}; there is ${candidates.slice("Candidate bindings: ".length)}`;
}

/** A text as an SQL literal. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A name as an SQL identifier. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
