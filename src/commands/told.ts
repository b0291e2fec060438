// What a project's file says of its model, for those who open it.
import type { Config } from "../config/config.ts";
import type { Told } from "../model/open.ts";

/** The format, unless it is told by the content, and whether a handler works with the files. */
export function toldOf({ format, handler }: Config["model"]): Told {
  return { handler: handler !== null, ...(format === "auto" ? {} : { format }) };
}
