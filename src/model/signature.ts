// The named inputs of a model: its own feature names matched with the columns of a table.
import { MlshipError } from "../errors.ts";
import { quote } from "./reading.ts";
import type { InputColumn, Model } from "./model.ts";

/** The inputs in the model's order, and the columns of the table that it does not use. */
export interface Signature {
  inputs: InputColumn[];
  ignored: string[];
}

/** Names that one error lists. */
const mostNamed = 8;

/**
 * Matches columns with the model's features: by exact name where the model has names, else in the
 * order of the table.
 * @param columns the table's columns without the target.
 * @throws MlshipError `model.missing-features` or `model.feature-count`, exit "usage".
 */
export function signatureOf(
  model: Pick<Model, "featureNames" | "featureCount">,
  columns: readonly InputColumn[],
): Signature {
  if (model.featureNames === null) return byOrder(model.featureCount, columns);
  const byName = new Map(columns.map((column) => [column.name, column]));
  const missing = model.featureNames.filter((name) => !byName.has(name));
  if (missing.length > 0) throw missingFeatures(missing, new Set(model.featureNames), columns);
  const used = new Set(model.featureNames);
  return {
    inputs: model.featureNames.flatMap((name) => byName.get(name) ?? []),
    ignored: columns.filter(({ name }) => !used.has(name)).map(({ name }) => name),
  };
}

function byOrder(count: number | null, columns: readonly InputColumn[]): Signature {
  if (count === null || count === columns.length) return { inputs: [...columns], ignored: [] };
  throw new MlshipError({
    code: "model.feature-count",
    what: `the model takes ${count} features, but the data have ${columns.length} columns besides the target`,
    why: "the model does not name its features, so every column must be one, in the model's order",
    fix: "remove the columns that are not features, or train on a DataFrame so that the model keeps their names",
    exit: "usage",
    problems: columns.slice(0, mostNamed).map(({ name }) => ({ what: `column ${quote(name)}` })),
  });
}

function missingFeatures(
  missing: readonly string[],
  wanted: ReadonlySet<string>,
  columns: readonly InputColumn[],
): MlshipError {
  const spare = columns.map(({ name }) => name).filter((name) => !wanted.has(name));
  const problems = missing.slice(0, mostNamed).map((name) => {
    const close = closest(name, spare);
    const what = `feature ${quote(name)} is not among the columns`;
    return close === null ? { what } : { what, fix: `rename the column ${quote(close)}, if that is the one` };
  });
  const more = missing.length - mostNamed;
  return new MlshipError({
    code: "model.missing-features",
    what: `the data lack ${missing.length} of the ${wanted.size} features that the model was trained on`,
    fix: "give the data the columns that the model names, spelt as it spells them",
    exit: "usage",
    problems: more > 0 ? [...problems, { what: `and ${more} more` }] : problems,
  });
}

/** The name that differs least, if it differs by at most a third of its letters. */
function closest(name: string, candidates: readonly string[]): string | null {
  let best: string | null = null;
  let least = Math.floor(name.length / 3) + 1;
  for (const candidate of candidates.slice(0, 2_000)) {
    const distance = plain(candidate) === plain(name) ? 0 : editDistance(name, candidate, least);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, "");
}

/** Levenshtein's distance; anything from `limit` on is `limit`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit || a.length > 200) return limit;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const swap = (row[j - 1] ?? limit) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? limit) + 1, (next[j - 1] ?? limit) + 1));
    }
    row = next;
  }
  return Math.min(row.at(-1) ?? limit, limit);
}
