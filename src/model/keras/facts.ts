// What the configuration of a Keras model says about inputs, outputs and task.
import { objectOf, type Json } from "./judge.ts";
import type { Facts } from "../reading.ts";
import type { Task } from "../model.ts";

const regressions =
  /^(mse|mae|mape|msle|mean_.*error|log_?cosh|huber.*|poisson|Mean\w+Error|LogCosh|Huber|Poisson)$/;

/**
 * Facts of a model. A single input of n columns has no names, only a count; several inputs of one
 * column each are the features by name.
 * @param loss what the model was trained with, where the file says so.
 */
export function factsOfKeras(model: Json, version: string | null, loss: unknown): Facts {
  const inputs = inputsOf(model);
  const columns =
    inputs.length > 1 &&
    inputs.every(({ shape }) => shape.length === 1 || (shape.length === 2 && shape[1] === 1));
  const [only] = inputs;
  const width = inputs.length === 1 && only?.shape.length === 2 ? only.shape[1] : null;
  const name = model["class_name"];
  return {
    estimator: typeof name === "string" ? `keras.${name}` : null,
    libraries: { keras: version, tensorflow: null },
    featureNames: columns ? inputs.map((input) => input.name) : null,
    featureCount: columns ? inputs.length : typeof width === "number" ? width : null,
    classes: null,
    task: taskOf(model, loss),
  };
}

interface NamedInput {
  name: string;
  /** Rows first; null for any number. */
  shape: unknown[];
}

function inputsOf(model: Json): NamedInput[] {
  const layers = layersOf(model);
  const asked = placesOf(settingsOf(model)["input_layers"]);
  const isSequence = model["class_name"] === "Sequential";
  const named = asked.map((name) => layers.find((layer) => nameOf(layer) === name));
  const found = (isSequence ? layers.slice(0, 1) : named).filter((layer) => layer !== undefined);
  return found.flatMap((layer) => {
    const settings = settingsOf(layer);
    const built = isSequence ? settingsOf(model)["build_input_shape"] : null;
    const shape = settings["batch_shape"] ?? settings["batch_input_shape"] ?? built;
    const name = nameOf(layer);
    return Array.isArray(shape) && name !== null ? [{ name, shape }] : [];
  });
}

/** The names in `input_layers` or `output_layers`: `[name, 0, 0]`, a list or a mapping of these. */
function placesOf(value: unknown): string[] {
  if (
    Array.isArray(value) &&
    typeof value[0] === "string" &&
    value.slice(1).every((part) => typeof part === "number")
  )
    return [value[0]];
  const parts: unknown[] = Array.isArray(value) ? value : Object.values(objectOf(value) ?? {});
  return parts.flatMap((part) =>
    typeof part === "object" && part !== null ? placesOf(part).slice(0, 1) : [],
  );
}

function layersOf(model: Json): Json[] {
  const { layers } = settingsOf(model);
  const all: unknown[] = Array.isArray(layers) ? layers : [];
  return all.map(objectOf).filter((layer) => layer !== null);
}

function settingsOf(layer: Json): Json {
  return objectOf(layer["config"]) ?? {};
}

function nameOf(layer: Json): string | null {
  const name = layer["name"] ?? settingsOf(layer)["name"];
  return typeof name === "string" ? name : null;
}

/** A sigmoid over one unit tells two classes apart, a softmax as many as it has units. */
function taskOf(model: Json, loss: unknown): Task | null {
  const layers = layersOf(model);
  const outputs = placesOf(settingsOf(model)["output_layers"]);
  const last =
    model["class_name"] === "Sequential"
      ? layers.at(-1)
      : layers.find((layer) => nameOf(layer) === outputs[0]);
  if (last === undefined || outputs.length > 1) return null;
  const { units, activation } = settingsOf(last);
  const act = objectOf(activation)?.["config"] ?? activation;
  if (act === "sigmoid" && units === 1) return "binary";
  if (act === "softmax" && typeof units === "number" && units > 1)
    return units === 2 ? "binary" : "multiclass";
  const named = objectOf(loss);
  const trained =
    named === null ? loss : named["class_name"] === "function" ? named["config"] : named["class_name"];
  return typeof trained === "string" && regressions.test(trained) ? "regression" : null;
}
