// The keys of `deploy.canary.prometheus`: queries that are watched while a canary has a share.
import { z } from "zod";

/** What stands between the braces of a query, and what it becomes. */
const placeholders = ["canary", "stable", "namespace"] as const;

const known: ReadonlySet<string> = new Set(placeholders);

/** Whether every pair of double braces is a placeholder that is known. */
function isFillable(query: string): boolean {
  const names = [...query.matchAll(/\{\{([^{}]*)\}\}/g)].map(([, name]) => name ?? "");
  const rest = query.replaceAll(/\{\{[^{}]*\}\}/g, "");
  return names.every((name) => known.has(name)) && !rest.includes("{{") && !rest.includes("}}");
}

function isPlainUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) return false;
  return url.username === "" && url.password === "" && url.search === "" && url.hash === "";
}

const bound = z.number();

const query = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/i, "must be a name such as error-rate")
      .describe("What the value is called in messages."),
    query: z
      .string()
      .min(1)
      .max(4000)
      .regex(/^[\P{Cc}\n\t]+$/u, "must be a query without control characters")
      .refine(isFillable, {
        error: `may hold no other double braces than ${placeholders.map((name) => `{{${name}}}`).join(", ")}`,
      })
      .describe(
        "PromQL that gives one number. {{canary}} and {{stable}} become the ids of both revisions, {{namespace}} becomes deploy.namespace.",
      ),
    max: bound.describe("The largest value that is well.").optional(),
    min: bound.describe("The smallest value that is well.").optional(),
  })
  .refine(({ max, min }) => max !== undefined || min !== undefined, {
    error: "must have max, min or both",
  })
  .refine(({ max, min }) => max === undefined || min === undefined || min <= max, {
    path: ["min"],
    error: "must not be above max",
  });

/** `deploy.canary.prometheus`. */
export const prometheus = z
  .strictObject({
    url: z
      .string()
      .refine(isPlainUrl, { error: "must be an http or https URL without user, password and query" })
      .describe("Address of Prometheus, as http://prometheus:9090."),
    queries: z
      .array(query)
      .min(1)
      .max(10)
      .refine((queries) => new Set(queries.map(({ name }) => name)).size === queries.length, {
        error: "must have different names",
      })
      .describe("Queries that each give one number, and the bounds that it must keep."),
  })
  .describe("Values of Prometheus that take the canary back when they leave their bounds.");
