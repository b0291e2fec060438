// Labels as a data file writes them, matched with the classes that a model knows.
import { MlshipError } from "../errors.ts";
import type { Label } from "../model/model.ts";
import type { Places, Series } from "./series.ts";

/** Shows a label as it would be written in YAML: text in quotes, so that "1" and 1 differ. */
export function showLabel(label: Label): string {
  return typeof label === "string" ? JSON.stringify(label) : String(label);
}

/** Shows labels for a message, the first `most` of them. */
export function showLabels(labels: readonly Label[], most = 5): string {
  const shown = labels.slice(0, most).map(showLabel).join(", ");
  return labels.length > most ? `${shown} and ${labels.length - most} more` : shown;
}

/** Distinct labels: numbers by value, then booleans, then text by code unit. */
export function distinctLabels(labels: Iterable<Label>): Label[] {
  const rank = (label: Label) => ["number", "boolean", "string"].indexOf(typeof label);
  return [...new Set(labels)].toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0));
}

/**
 * Finds the place of a label among the classes, -1 when the model does not know it. A file has no
 * types to speak of, so a label matches a class that is written alike: `1` the text "1", and true the
 * text "True". As in Python, true equals 1 and false equals 0.
 */
export function classFinder(classes: readonly Label[]): (label: Label) => number {
  const places = new Map<string, number>();
  for (const [place, name] of classes.entries()) {
    places.set(written(name), place);
    if (typeof name === "string" && /^(true|false)$/i.test(name)) places.set(name.toLowerCase(), place);
    if (typeof name === "boolean") places.set(String(Number(name)), place);
    if ((name === 0 || name === 1) && !places.has(String(Boolean(name)))) {
      places.set(String(Boolean(name)), place);
    }
  }
  return (label) => places.get(written(label)) ?? -1;
}

const written = (label: Label) => String(label === 0 ? 0 : label);

/**
 * Turns labels into places among the classes.
 * @param source who holds the labels, for the message: `column "target" of test.csv`.
 * @throws MlshipError `data.unknown-label` that names the labels that the model does not know.
 */
export function encodeLabels(labels: Series, classes: readonly Label[], source: string): Places {
  const find = classFinder(classes);
  const places = labels.encode(find, classes.length);
  if (!places.includes(-1)) return places;
  const unknown = distinctLabels(labels.distinct()).filter((label) => find(label) === -1);
  throw new MlshipError({
    code: "data.unknown-label",
    what: `${source} holds labels that the model does not know: ${showLabels(unknown)}`,
    why: `the classes of the model are ${showLabels(classes, 10)}`,
    fix: "write the target with the labels that the model was trained on, or check validate.target",
    exit: "usage",
  });
}
