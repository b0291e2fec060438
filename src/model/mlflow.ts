// Reads the MLmodel file of a folder that MLflow wrote: which of its files is the model, and what it says of its inputs.
import { parse } from "yaml";
import { z } from "zod";
import { MlshipError } from "../errors.ts";
import { quote, type Facts } from "./reading.ts";
import { librariesOf } from "./requirements.ts";
import { Unreadable } from "./unreadable.ts";
import type { ByteSource } from "./bytes.ts";
import type { ModelFile, ModelFormat } from "./model.ts";

/** What mlship takes from MLflow. */
export interface Mlflow {
  /** The native flavour: `sklearn`. */
  flavour: string;
  /** The file or folder of it, relative to the model's folder. */
  data: string;
  /** Distribution → version that the folder's requirements.txt pins, without what follows a `+`. */
  pins: ReadonlyMap<string, string>;
  /** Names of the inputs by the signature; null when it does not name every one. */
  featureNames: string[] | null;
  /** How many numbers a row has by the signature; null when it does not say. */
  featureCount: number | null;
}

export const mlflowFile = "MLmodel";

/** Bytes; signatures of thousands of columns stay below it. */
const longest = 16 * 2 ** 20;

/** Native flavours, the most exact first, and the keys under which each names its data. */
const flavours: readonly (readonly [string, readonly string[]])[] = [
  ["onnx", ["data"]],
  ["xgboost", ["data"]],
  ["lightgbm", ["data"]],
  ["catboost", ["data"]],
  ["sklearn", ["pickled_model"]],
  ["pytorch", ["model_data"]],
  ["keras", ["data"]],
  ["tensorflow", ["saved_model_dir", "data"]],
];

/** What reads the files of older versions, and is not safe in those: the pin stays behind. */
const floating = new Set(["torch"]);

const document = z.object({
  flavors: z.record(z.string(), z.record(z.string(), z.unknown())),
  signature: z.object({ inputs: z.string().nullish() }).nullish(),
});
const signatureInputs = z.array(
  z.object({
    type: z.string().optional(),
    name: z.string().optional(),
    "tensor-spec": z.object({ shape: z.array(z.number().int()) }).optional(),
  }),
);

/**
 * Reads the folder's MLmodel.
 * @throws MlshipError `model.mlflow-flavour`, exit "usage", when it has no flavour that mlship loads;
 *   Unreadable when it is no MLmodel or names files that are not there.
 */
export function readMlflow(
  path: string,
  files: readonly ModelFile[],
  open: (file: string) => ByteSource,
): Mlflow {
  const { flavors, signature } = readDocument(textOf(open(mlflowFile)));
  const known = flavours.find(([name]) => Object.hasOwn(flavors, name));
  if (known === undefined) throw noFlavour(path, Object.keys(flavors));
  const [flavour, keys] = known;
  const named = keys.map((key) => flavors[flavour]?.[key]).find((value) => typeof value === "string");
  const data = String(named ?? "").replace(/\/+$/, "");
  if (!files.some((file) => file.path === data || file.path.startsWith(`${data}/`)))
    throw new Unreadable(0, `its ${mlflowFile} names ${quote(data)}, which is not in the folder`);
  const pinned = files.some((file) => file.path === "requirements.txt");
  return {
    flavour,
    data,
    pins: pinned ? pinsOf(textOf(open("requirements.txt"))) : new Map(),
    ...inputsOf(signature?.inputs ?? null),
  };
}

/** The facts of a model with what MLflow knows beyond them: names of inputs, versions of libraries. */
export function withMlflow(facts: Facts, mlflow: Mlflow, format: ModelFormat): Facts {
  const libraries = { ...facts.libraries };
  for (const name of [...librariesOf(format), ...Object.keys(facts.libraries)])
    libraries[name] = facts.libraries[name] ?? (floating.has(name) ? null : (mlflow.pins.get(name) ?? null));
  return {
    ...facts,
    libraries,
    featureNames: facts.featureNames ?? mlflow.featureNames,
    featureCount: facts.featureCount ?? mlflow.featureCount,
  };
}

function textOf(source: ByteSource): string {
  if (source.size > longest) throw new Unreadable(0, `its ${mlflowFile} or requirements.txt is too long`);
  return source.read(0, source.size).toString("utf8");
}

function readDocument(text: string): z.infer<typeof document> {
  const read = document.safeParse(attempt(() => parse(text, { maxAliasCount: 0 })));
  if (!read.success) throw new Unreadable(0, `its ${mlflowFile} is not one that MLflow writes`);
  return read.data;
}

/** Columns have a name and a type each; a tensor has a shape, and a name only beside others. */
function inputsOf(text: string | null): Pick<Mlflow, "featureNames" | "featureCount"> {
  const unknown = { featureNames: null, featureCount: null };
  if (text === null) return unknown;
  const read = signatureInputs.safeParse(attempt(() => JSON.parse(text)));
  if (!read.success)
    throw new Unreadable(0, `the signature in its ${mlflowFile} is not one that MLflow writes`);
  const [first] = read.data;
  const shape = first?.["tensor-spec"]?.shape;
  if (shape !== undefined) {
    const width = shape.at(-1) ?? -1;
    return read.data.length === 1 && shape.length === 2 && width > 0
      ? { featureNames: null, featureCount: width }
      : unknown;
  }
  const names = read.data.flatMap(({ name }) => name ?? []);
  const complete = names.length === read.data.length && new Set(names).size === names.length;
  return complete && names.length > 0 ? { featureNames: names, featureCount: names.length } : unknown;
}

/** `name==version` lines; what else stands there is not a pin. */
function pinsOf(text: string): Map<string, string> {
  const pins = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const [, name, version] = /^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;+]+)/.exec(line.trim()) ?? [];
    if (name !== undefined && version !== undefined)
      pins.set(name.toLowerCase().replaceAll(/[._-]+/g, "-"), version);
  }
  return pins;
}

/** What `read` gives; undefined for a text that is not of its language. */
function attempt(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function noFlavour(path: string, found: readonly string[]): MlshipError {
  return new MlshipError({
    code: "model.mlflow-flavour",
    what: `the MLflow model in ${path} has no flavour that mlship loads`,
    why: `it has ${found.slice(0, 10).map(quote).join(", ") || "none"}: a python_function runs Python of its own when it is loaded`,
    fix: "log it with a native flavour (mlflow.sklearn, mlflow.xgboost, mlflow.onnx …), or write a handler that loads it and set model.format to python",
    exit: "usage",
  });
}
