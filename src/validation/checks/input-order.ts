// Columns in another order, or under other names, than before, given to a model that goes by their place.
import type { Finding } from "../sanity.ts";

/**
 * A model without names for its features takes the columns of the data in their order. When the training
 * data have the same columns in another order, it answers nonsense without any error. A handler that names
 * the columns which moved may well put them back, so this warns then.
 * @param model with the names of its features, or null.
 * @param inputs what the model is given, in the order of the data.
 * @param trained all columns of the training data, in their order.
 * @param handler the handler's code, or null.
 */
export function inspectOrder(
  model: { featureNames: readonly string[] | null },
  inputs: readonly string[],
  trained: readonly string[],
  handler: string | null,
): Finding[] {
  if (model.featureNames !== null) return [];
  const given = new Set(inputs);
  const order = trained.filter((name) => given.has(name));
  const place = inputs.findIndex((name, at) => order[at] !== name);
  if (place === -1) return [];
  const [is, was] = [inputs[place] ?? "", order[place] ?? ""].map((name) => JSON.stringify(name));
  const moved = inputs.filter((name, at) => order[at] !== name);
  if (handler !== null && moved.every((name) => namesColumn(handler, name))) {
    return [
      {
        code: "data.column-order",
        severity: "warn",
        what: `the model names no features, and the training data have its columns in another order: column ${place + 1} was ${was}, here it is ${is}. The handler names the columns that moved`,
        fix: "check that the handler gives the model its columns in the order of the training data",
      },
    ];
  }
  return [
    {
      code: "data.column-order",
      severity: "fail",
      what: `the model names no features and takes columns by their place, but the training data have them in another order: column ${place + 1} was ${was}, here it is ${is}`,
      fix: "give validate.data the order of the training data, or train on a data frame so that the model keeps the names",
    },
  ];
}

/** Whether Python code has a column's name in quotes; what it does with it is not known. */
function namesColumn(code: string, name: string): boolean {
  return [`"${name}"`, `'${name}'`].some((quoted) => code.includes(quoted));
}

/** The version in production, whose inputs users send today. */
export interface Released {
  version: string;
  /** Names of its inputs in their order. */
  inputs: readonly string[];
}

/**
 * Without training data, the version in production is the only witness of the order that a model goes by.
 * It may have been trained otherwise, so this warns: of the same names in another order, and of columns
 * that stand in the same place under another name.
 */
export function inspectReleased(inputs: readonly string[], released: Released): Finding[] {
  const { version, inputs: before } = released;
  if (before.length !== inputs.length) return [];
  const quoted = (name: string | undefined) => JSON.stringify(name ?? "");
  const [now, then] = [new Set(inputs), new Set(before)];
  const places = inputs.flatMap((name, place) => (before[place] === name ? [] : [place]));
  const renamed = places.filter((place) => !then.has(inputs[place] ?? "") && !now.has(before[place] ?? ""));
  const moved = places.find((place) => then.has(inputs[place] ?? ""));
  const findings: Finding[] = [];
  if (moved !== undefined) {
    findings.push({
      code: "data.column-order",
      severity: "warn",
      what: `the model names no features and takes columns by their place, but version ${version}, now in production, takes them in another order: column ${moved + 1} is ${quoted(before[moved])} there, here it is ${quoted(inputs[moved])}`,
      fix: "check that the columns of validate.data stand as in training: name validate.train, or train on a data frame so that the model keeps the names",
    });
  }
  const [first] = renamed;
  if (first !== undefined) {
    const more = renamed.length > 1 ? `, and ${renamed.length - 1} more` : "";
    findings.push({
      code: "data.renamed-columns",
      severity: "warn",
      what: `columns have other names than in version ${version}, now in production: column ${first + 1} is ${quoted(before[first])} there, here it is ${quoted(inputs[first])}${more}`,
      fix: "keep the names that users send, or tell them: requests with the old ones will be refused",
    });
  }
  return findings;
}
