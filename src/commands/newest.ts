// How many of the newest things a listing shows.
import { MlshipError } from "../errors.ts";

/** The flags of a listing. */
export interface NewestOptions {
  /** A number as it was typed. */
  limit: string | undefined;
  all: boolean;
}

/** So many are shown unless more are asked for. */
const usual = 20;

/** Infinity for all. @throws MlshipError `usage.limit`, exit 2 */
export function countOf({ limit, all }: NewestOptions): number {
  if (all) return Infinity;
  if (limit === undefined) return usual;
  if (/^[1-9]\d{0,8}$/.test(limit)) return Number(limit);
  throw new MlshipError({
    code: "usage.limit",
    what: `--limit ${limit} is not a number of lines`,
    fix: "give a whole number above 0, or --all",
    exit: "usage",
  });
}
