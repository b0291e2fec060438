// Walks a schema: which keys stand where, and the same keys when each may be left out.
import { z } from "zod";
import { isMapping, type Path } from "./tree.ts";

/** The schema inside `.optional()`, `.default()` and `.prefault()`. */
function bare(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return bare(schema.unwrap());
  }
  return schema;
}

/** The section that a schema describes, or null when it describes a single value. */
function sectionOf(schema: z.core.$ZodType): z.ZodObject | null {
  const inner = bare(schema);
  return inner instanceof z.ZodObject ? inner : null;
}

/** The same keys and descriptions, all optional, without defaults and without rules across keys. */
export function partially(schema: z.core.$ZodType): z.core.$ZodType {
  const inner = bare(schema);
  if (inner instanceof z.ZodRecord) return z.record(inner.keyType, partially(inner.valueType));
  if (inner instanceof z.ZodUnion) {
    const forms = z.union(inner.options.map(partially));
    return inner.description === undefined ? forms : forms.describe(inner.description);
  }
  if (!(inner instanceof z.ZodObject)) return inner;
  const keys = Object.entries(inner.shape).map(
    ([key, value]) => [key, z.optional(partially(value))] as const,
  );
  const part = z.strictObject(Object.fromEntries(keys));
  return inner.description === undefined ? part : part.describe(inner.description);
}

/** A key that holds a value rather than further keys. */
export interface Leaf {
  path: string[];
  schema: z.core.$ZodType;
}

/** All keys below a schema that hold values. Keys that the user names are not among them. */
export function leavesOf(schema: z.core.$ZodType, path: string[] = []): Leaf[] {
  const section = sectionOf(schema);
  if (section)
    return Object.entries(section.shape).flatMap(([key, inner]) => leavesOf(inner, [...path, key]));
  const inner = bare(schema);
  return inner instanceof z.ZodRecord ? [] : [{ path, schema: inner }];
}

/** The keys that may stand at a path: of a section, or none for a value. */
export function keysAt(schema: z.core.$ZodType, path: Path): string[] {
  const at = schemaAt(schema, path);
  const forms = at instanceof z.ZodUnion ? at.options : at === null ? [] : [at];
  return forms.flatMap((form) => Object.keys(sectionOf(form)?.shape ?? {}));
}

/** The schema of the value at a path, or null where the schema knows no such key. */
export function schemaAt(schema: z.core.$ZodType, path: Path): z.core.$ZodType | null {
  const inner = bare(schema);
  const [key, ...rest] = path;
  if (key === undefined) return inner;
  if (inner instanceof z.ZodUnion) {
    return inner.options.map((form) => schemaAt(form, path)).find((found) => found !== null) ?? null;
  }
  if (inner instanceof z.ZodArray) return typeof key === "number" ? schemaAt(inner.element, rest) : null;
  if (inner instanceof z.ZodRecord) return schemaAt(inner.valueType, rest);
  if (!(inner instanceof z.ZodObject) || !Object.hasOwn(inner.shape, key)) return null;
  const next = inner.shape[key];
  return next ? schemaAt(next, rest) : null;
}

/** Gives an empty section for each one that is written without keys (`serve:`). */
export function openSections(schema: z.core.$ZodType, value: unknown): unknown {
  const section = sectionOf(schema);
  if (section && value === null) return {};
  if (!isMapping(value)) return value;
  const entries = Object.entries(value).map(([key, below]) => {
    const inner = schemaAt(schema, [key]);
    return [key, inner ? openSections(inner, below) : below];
  });
  return Object.fromEntries(entries);
}
