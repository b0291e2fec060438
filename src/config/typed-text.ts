// Values that arrive as text, in a flag or a variable, read as the schema's type wants them.
import { z } from "zod";
import { readYaml } from "./yaml.ts";

/**
 * The value that a text stands for. Where the schema wants a text it is taken as it is, so that
 * `1.10` stays `1.10`; a list may be written `5,25,50` or `[5, 25, 50]`; all else is read as YAML.
 * What cannot be read stays text, for the schema to refuse.
 */
export function readTyped(schema: z.core.$ZodType, text: string): unknown {
  if (schema instanceof z.ZodString || schema instanceof z.ZodEnum) return text;
  if (schema instanceof z.ZodArray && !text.trimStart().startsWith("[")) {
    const items = text.trim() === "" ? [] : text.split(",");
    return items.map((item) => readTyped(schema.element, item.trim()));
  }
  if (schema instanceof z.ZodUnion && isTextOrMore(schema) && !/^\s*[[{]/.test(text)) return text;
  const { value, problems } = readYaml(text, "");
  return value === undefined || value === null || problems.length > 0 ? text : value;
}

/** Whether a value may be a text, or a list or mapping; where a number may stand, too, the text is read. */
function isTextOrMore({ options }: z.ZodUnion): boolean {
  const scalar = options.some((form) => form instanceof z.ZodNumber || form instanceof z.ZodBoolean);
  return !scalar && options.some((form) => form instanceof z.ZodString);
}
