// What a Python that is started early imports: the loader, and what a scanned file names of Python.
import { expect, test } from "vitest";
import { modulesOf } from "../../../src/commands/start-early.ts";
import type { Model } from "../../../src/model/model.ts";

const model = (format: Model["format"], reaches: string[]): Model => ({
  format,
  entry: "model",
  digest: "sha256:00",
  files: [],
  size: 0,
  estimator: null,
  task: null,
  classes: null,
  featureNames: null,
  featureCount: null,
  libraries: {},
  reaches,
});

test.each<[string, Model, string | null, string[]]>([
  [
    "classes of a pickle, each module once",
    model("sklearn", ["numpy.dtype", "numpy.ndarray", "sklearn.tree._tree.Tree", "list"]),
    null,
    ["mlship_server.loaders.sklearn", "numpy", "sklearn.tree._tree"],
  ],
  [
    "the loader alone where names are operators",
    model("onnx", ["ai.onnx.ml.TreeEnsembleClassifier"]),
    null,
    ["mlship_server.loaders.onnx"],
  ],
  ["nothing of a handler's", model("sklearn", ["numpy.dtype"]), "handler.py", ["mlship_server.model"]],
])("imports %s", (_what, scanned, handler, modules) => {
  expect(modulesOf({ model: scanned, handler })).toEqual(modules);
});
