// The flags of verbs that list things, newest first.
import type { NewestOptions } from "../../commands/newest.ts";
import type { Values, Verb } from "../verb.ts";

export const listing: NonNullable<Verb["flags"]> = [
  { flags: "--limit <count>", about: "show so many of the newest; 20 by default" },
  { flags: "--all", about: "show all" },
];

/** Their values. */
export function newest(values: Values): NewestOptions {
  return { limit: values.text("limit"), all: values.flag("all") };
}
