// Columns in another order than in training, given to a model that goes by their place.
import type { Finding } from "../sanity.ts";

/**
 * A model without names for its features takes the columns of the data in their order. When the training
 * data have the same columns in another order, it answers nonsense without any error.
 * @param model with the names of its features, or null.
 * @param inputs what the model is given, in the order of the data.
 * @param trained all columns of the training data, in their order.
 */
export function inspectOrder(
  model: { featureNames: readonly string[] | null },
  inputs: readonly string[],
  trained: readonly string[],
): Finding[] {
  if (model.featureNames !== null) return [];
  const given = new Set(inputs);
  const order = trained.filter((name) => given.has(name));
  const place = inputs.findIndex((name, at) => order[at] !== name);
  if (place === -1) return [];
  const [is, was] = [inputs[place] ?? "", order[place] ?? ""].map((name) => JSON.stringify(name));
  return [
    {
      code: "data.column-order",
      severity: "fail",
      what: `the model names no features and takes columns by their place, but the training data have them in another order: column ${place + 1} was ${was}, here it is ${is}`,
      fix: "give validate.data the order of the training data, or train on a data frame so that the model keeps the names",
    },
  ];
}
