// scikit-learn estimators in a pickle or joblib file.
import { labelsOf, NdArray } from "../pickle/array.ts";
import { Instance, PyList, PyTuple, type Value } from "../pickle/values.ts";
import { walkPickle } from "../pickle/walk.ts";
import { factsOf } from "../sklearn/facts.ts";
import { withFrame } from "../sklearn/frame.ts";
import type { Part } from "../sklearn/part.ts";
import type { Reading } from "../reading.ts";
import type { Input } from "./input.ts";

/** Top-level packages that a pickle may need, and what PyPI calls them. */
const distributions = new Map([
  ["sklearn", "scikit-learn"],
  ["_loss", "scikit-learn"],
  ["numpy", "numpy"],
  ["scipy", "scipy"],
  ["joblib", "joblib"],
  ["pandas", "pandas"],
  ["lightgbm", "lightgbm"],
  ["xgboost", "xgboost"],
  ["catboost", "catboost"],
  ["imblearn", "imbalanced-learn"],
  ["category_encoders", "category-encoders"],
]);

/** Reads a pickle without loading it. */
export function readSklearn({ source, file, trust }: Input): Reading {
  const { root, findings, globals } = walkPickle(source, file, trust);
  const libraries = Object.fromEntries(
    [...globals.keys()]
      .flatMap((name) => distributions.get(name.slice(0, name.indexOf("."))) ?? [])
      .map((name) => [name, null]),
  );
  return { facts: withFrame(factsOf(partOf(root), libraries), globals.keys()), findings, globals };
}

function partOf(value: Value): Part {
  return {
    className: value instanceof Instance ? value.of : null,
    attribute(name) {
      const member = value instanceof Instance ? value.state.get(name) : undefined;
      return member === undefined || member === null ? null : partOf(member);
    },
    items() {
      return value instanceof PyList || value instanceof PyTuple
        ? value.items.map((item) => partOf(item))
        : null;
    },
    labels() {
      if (value instanceof NdArray) return value.labels();
      return value instanceof PyList ? labelsOf(value.items) : null;
    },
    scalar() {
      return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
        ? value
        : null;
    },
  };
}
