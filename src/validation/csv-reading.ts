// How DuckDB is to read the fields of a CSV file: as the types that their bytes tell, or as it finds itself.
import { looks } from "./csv-scan.ts";
import type { CsvLooks } from "./csv-shape.ts";
import { literal } from "./stored.ts";

/** What stands for a missing value in a CSV file; what pandas reads as missing, without the numeric oddities. */
export const missing = ["", ..."NA N/A n/a #N/A <NA> NaN nan -NaN -nan NULL null None".split(" ")];

/** Options of DuckDB. It compares every field with every word, so only those are named that are there. */
const optionsOf = (words: readonly string[], types: string) =>
  `nullstr=[${words.map(literal).join()}], ${types}`;

/**
 * Looks at every value before a type is chosen, and so reads the file twice. Neither dates nor truth
 * values are guessed: 2020-01-01 and yes are text, as in most training code.
 */
export const guessing = optionsOf(
  missing,
  "sample_size=-1, auto_type_candidates=['BIGINT','DOUBLE','VARCHAR']",
);

/** Reads what {@link guessing} would, in one pass; null when the looks of a column do not tell its type. */
export function readingOf({ columns, words }: CsvLooks): string | null {
  const types = Array.from(columns, typeOf);
  if (!types.every((type) => type !== null)) return null;
  // An empty field is not noted among the words.
  const present = missing.filter((word) => word === "" || words.has(word));
  return optionsOf(present, `types=[${types.map(literal).join()}]`);
}

function typeOf(look: number): string | null {
  if (look === 0 || look & looks.text) return "VARCHAR";
  if (look & looks.odd) return null;
  return look & looks.real ? "DOUBLE" : "BIGINT";
}
