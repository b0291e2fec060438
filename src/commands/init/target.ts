// Guesses which column of the data holds the true value.
import { MlshipError } from "../../errors.ts";

/** Names that people give to the column of true values. */
const usual = ["target", "label", "class", "y"];

/**
 * The column that is not a feature of the model; among several, or when the model does not name
 * its features, the one with a usual name.
 * @param featureNames null when the model does not say.
 * @throws MlshipError `init.target-unclear`, exit 2, that names `--target`.
 */
export function guessTarget(columns: readonly string[], featureNames: readonly string[] | null): string {
  const features = new Set(featureNames);
  const others = columns.filter((column) => !features.has(column));
  if (featureNames !== null && others.length === 1 && others[0] !== undefined) return others[0];
  const [named, second] = others.filter((column) => usual.includes(column.toLowerCase()));
  if (named !== undefined && second === undefined) return named;
  throw new MlshipError({
    code: "init.target-unclear",
    what: "it is not clear which column of the data holds the true value",
    why: reason(columns, others, second !== undefined),
    fix: "name the column with --target COLUMN",
    exit: "usage",
  });
}

function reason(columns: readonly string[], others: readonly string[], several: boolean): string {
  if (columns.length === 0) return "the data has no columns";
  if (others.length === 0) return "every column of the data is an input of the model";
  if (several)
    return `more than one column has a usual name: ${listed(others.filter((column) => usual.includes(column.toLowerCase())))}`;
  return `none of the columns is called ${usual.join(", ")}: ${listed(others)}`;
}

function listed(names: readonly string[]): string {
  const shown = names
    .slice(0, 8)
    .map((name) => JSON.stringify(name.length > 40 ? `${name.slice(0, 39)}…` : name));
  return names.length > shown.length
    ? `${shown.join(", ")} and ${names.length - shown.length} more`
    : shown.join(", ");
}
