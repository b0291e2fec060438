// What is read from real trained models, and that nothing in them is refused.
import { cpSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { inspectModel } from "../../../src/model/inspect.ts";
import { requirementsOf } from "../../../src/model/requirements.ts";
import { scanModel, scanSchema } from "../../../src/model/scan.ts";
import { fixtures, fileWith, folderWith } from "./folder.ts";
import { global, pickle, proto, stackGlobal, text } from "./pickles.ts";

const cancer = ["mean_radius", "mean_texture", "mean_smoothness", "mean_concavity", "worst_area"];
const iris = ["sepal_length", "sepal_width", "petal_length", "petal_width"];
const diabetes = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"];
const sklearn = (name: string) => ({
  estimator: `sklearn.${name}`,
  libraries: expect.objectContaining({ "scikit-learn": "1.7.2", numpy: null }),
});

const torch = (estimator: string | null) => ({
  format: "pytorch",
  estimator,
  featureNames: null,
  classes: null,
  task: null,
});

const facts: Record<string, object> = {
  "catboost-binary-text": {
    format: "catboost",
    featureNames: ["age", "income", "country", "member", "remark"],
    classes: ["buys", "leaves"],
    task: "binary",
    libraries: { catboost: "1.2.10" },
  },
  "catboost-multiclass": {
    format: "catboost",
    featureNames: iris,
    classes: [0, 1, 2],
    task: "multiclass",
  },
  "catboost-regression": { format: "catboost", featureNames: diabetes, classes: null, task: "regression" },
  "mlflow-sklearn-multiclass": {
    format: "sklearn",
    entry: "model.pkl",
    featureNames: iris,
    classes: [0, 1, 2],
    libraries: { "scikit-learn": "1.9.1", numpy: "2.4.6", joblib: null },
  },
  "mlflow-xgboost-binary": {
    format: "xgboost",
    entry: "model.ubj",
    featureNames: cancer,
    classes: [0, 1],
    libraries: { xgboost: "3.2.0" },
  },
  "keras-binary": {
    format: "keras",
    estimator: "keras.Sequential",
    libraries: { keras: "3.15.1", tensorflow: null },
    featureNames: null,
    featureCount: 5,
    task: "binary",
  },
  "keras-h5-regression": { format: "keras", estimator: "keras.Functional", featureCount: 10, task: null },
  "keras-inputs-binary": {
    format: "keras",
    featureNames: ["age", "income", "country", "member"],
    task: "binary",
  },
  "python-handler-multiclass": { format: "python", entry: "model.txt", libraries: {}, reaches: [] },
  "pytorch-export-multiclass": { ...torch("torch.export.ExportedProgram"), featureCount: 4 },
  "pytorch-safetensors-multiclass": torch(null),
  "pytorch-script-binary": torch("torch.nn.modules.container.Sequential"),
  "pytorch-trace-regression": torch("torch.nn.modules.container.___torch_mangle_6.Sequential"),
  "pytorch-weights-multiclass": torch(null),
  "lightgbm-binary": {
    format: "lightgbm",
    featureNames: cancer,
    classes: [0, 1],
    task: "binary",
    libraries: { lightgbm: null },
  },
  "lightgbm-regression": { format: "lightgbm", featureNames: diabetes, classes: null, task: "regression" },
  "onnx-multiclass": {
    format: "onnx",
    estimator: "skl2onnx",
    featureNames: null,
    featureCount: 4,
    classes: ["setosa", "versicolor", "virginica"],
    task: "multiclass",
    libraries: { onnxruntime: null },
  },
  "onnx-regression": { format: "onnx", featureCount: 10, classes: null, task: "regression" },
  "onnx-zipmap-binary": { format: "onnx", featureCount: 5, classes: [0, 1], task: "binary" },
  "skops-multiclass": {
    format: "skops",
    ...sklearn("pipeline.Pipeline"),
    featureNames: ["alcohol", "flavanoids", "color_intensity", "proline"],
    classes: [0, 1, 2],
    task: "multiclass",
  },
  "sklearn-joblib-binary": {
    format: "sklearn",
    ...sklearn("pipeline.Pipeline"),
    featureNames: cancer,
    featureCount: 5,
    classes: [0, 1],
    task: "binary",
  },
  "savedmodel-inputs-binary": {
    format: "savedmodel",
    entry: "saved_model.pb",
    featureNames: ["age", "country", "income", "member"],
    libraries: { tensorflow: "2.21.0" },
    task: null,
  },
  "savedmodel-multiclass": { format: "savedmodel", featureNames: null, featureCount: 4, task: null },
  "sklearn-joblib-multiclass": {
    format: "sklearn",
    ...sklearn("ensemble._forest.RandomForestClassifier"),
    featureNames: iris,
    classes: ["setosa", "versicolor", "virginica"],
    task: "multiclass",
  },
  "sklearn-joblib-zlib": {
    format: "sklearn",
    featureNames: ["age", "income", "country", "member"],
    classes: ["buys", "leaves"],
    task: "binary",
  },
  "sklearn-pickle-regression": {
    format: "sklearn",
    ...sklearn("ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingRegressor"),
    featureNames: diabetes,
    classes: null,
    task: "regression",
  },
  "xgboost-json-binary": {
    format: "xgboost",
    featureNames: cancer,
    classes: [0, 1],
    task: "binary",
    libraries: { xgboost: "3.0.5" },
  },
  "xgboost-ubj-multiclass": {
    format: "xgboost",
    featureNames: iris,
    classes: [0, 1, 2],
    task: "multiclass",
    libraries: { xgboost: "3.0.5" },
  },
};

test("every fixture is listed here", () => {
  expect(Object.keys(facts).sort()).toEqual(Object.keys(fixtures).sort());
});

test.each(Object.entries(fixtures))("%s says what it is", async (name, path) => {
  const model = await inspectModel(path, { trust: [], handler: true });
  expect(model).toMatchObject(facts[name] ?? {});
  if (statSync(path).isDirectory()) return;
  expect(model.files).toHaveLength(1);
  expect(path.endsWith(model.entry)).toBe(true);
});

/** Files that only a handler makes a model of are told so when they are scanned, too. */
const scanned = Object.entries(fixtures).filter(([name]) => !name.startsWith("python-"));

test.each(scanned)("%s is safe", async (_name, path) => {
  const scan = await scanModel(path, { trust: [] });
  expect(scanSchema.parse(scan)).toMatchObject({ verdict: "safe", findings: [] });
  expect(await scanModel(path, { trust: [] })).toEqual(scan);
});

test("a file's ending does not matter, nor does a folder around it", async () => {
  const path = fixtures["onnx-regression"] ?? "";
  const folder = folderWith({ "notes.txt": "about the model", "handler.py": "def load(folder): ..." });
  cpSync(path, join(folder, "model.joblib"));
  expect(await inspectModel(folder, { trust: [], handler: true })).toMatchObject({
    format: "onnx",
    entry: "model.joblib",
  });
  expect(await inspectModel(join(folder, "model.joblib"), { format: "onnx", trust: [] })).toMatchObject({
    format: "onnx",
  });
});

test("a format that the user named must be the one found", async () => {
  const path = fixtures["sklearn-joblib-binary"] ?? "";
  await expect(inspectModel(path, { format: "onnx", trust: [] })).rejects.toMatchObject({
    code: "model.format-mismatch",
    exit: "usage",
  });
});

describe("a model that could run code", () => {
  const evil = pickle(proto(4), stackGlobal("posix", "system"), text("true"), "\x85R.");

  test("is refused with the name, the offset and what to do", async () => {
    const error = inspectModel(fileWith("model.joblib", evil), { trust: [] });
    await expect(error).rejects.toMatchObject({
      code: "model.unsafe",
      exit: "gate",
      fix: expect.stringContaining("model.trust"),
      problems: [{ what: "it imports posix.system (model.joblib, byte 17)" }],
    });
  });

  test("is described by a scan", async () => {
    const scan = await scanModel(fileWith("model.joblib", evil), { trust: [] });
    expect(scan).toMatchObject({
      verdict: "refused",
      findings: [{ file: "model.joblib", offset: 17, global: "posix.system", rule: "unknown-global" }],
      globals: [{ name: "posix.system", count: 1 }],
    });
  });

  test("is found without a mark of its format, and behind compression", async () => {
    const { deflateSync, gzipSync } = await import("node:zlib");
    for (const bytes of [
      pickle(global("posix", "system"), "(", "S'true'\n", "tR."),
      deflateSync(evil),
      gzipSync(evil),
    ]) {
      await expect(inspectModel(fileWith("m", bytes), { trust: [] })).rejects.toMatchObject({
        code: "model.unsafe",
      });
    }
  });

  test("stays refused when it breaks off after the payload", async () => {
    await expect(inspectModel(fileWith("m.pkl", evil.subarray(0, -1)), { trust: [] })).rejects.toMatchObject({
      code: "model.unsafe",
    });
  });
});

describe("requirements", () => {
  test("are pinned to what the model was saved with", async () => {
    const of = async (name: string) =>
      requirementsOf(await inspectModel(fixtures[name] ?? "", { trust: [] }), []);
    expect(await of("sklearn-joblib-binary")).toEqual(["joblib>=1.2,<2", "numpy", "scikit-learn==1.7.2"]);
    expect(await of("xgboost-ubj-multiclass")).toEqual([
      "xgboost-cpu==3.0.5; sys_platform == 'linux' and platform_machine == 'x86_64'",
      "xgboost==3.0.5; sys_platform != 'linux' or platform_machine != 'x86_64'",
    ]);
    expect(await of("lightgbm-binary")).toEqual(["lightgbm>=4,<5", "scikit-learn>=1.2,<2"]);
    expect(await of("onnx-regression")).toEqual(["onnxruntime>=1.18,<2"]);
    expect(await of("skops-multiclass")).toContain("scikit-learn==1.7.2");
  });

  test("hold pandas where the server hands the estimator a data frame", async () => {
    const compose = await inspectModel(fixtures["sklearn-joblib-zlib"] ?? "", { trust: [] });
    expect(requirementsOf(compose, [])).toContain("pandas");
    const plain = await inspectModel(fixtures["sklearn-joblib-binary"] ?? "", { trust: [] });
    expect(requirementsOf(plain, [{ type: "float64" }])).not.toContain("pandas");
    expect(requirementsOf(plain, [{ type: "string" }])).toContain("pandas");
    expect(requirementsOf({ ...plain, featureNames: null }, [{ type: "string" }])).not.toContain("pandas");
    const onnx = await inspectModel(fixtures["onnx-regression"] ?? "", { trust: [] });
    expect(requirementsOf(onnx, [{ type: "string" }])).not.toContain("pandas");
  });

  test("keep numpy below 2 for a scikit-learn that was built before it", () => {
    const lines = (version: string) =>
      requirementsOf({ format: "sklearn", libraries: { "scikit-learn": version }, featureNames: null }, []);
    expect(lines("1.2.1")).toContain("numpy<2");
    expect(lines("1.4.1.post1")).toContain("numpy<2");
    expect(lines("1.4.2").join()).not.toContain("numpy");
    expect(lines("1.10.0").join()).not.toContain("numpy");
  });

  test("take no text from the file but a version", () => {
    const libraries = {
      "scikit-learn": "1.0 ; os_name == 'x' --index-url http://example.invalid",
      xgboost: "2.0\n-r x",
    };
    expect(requirementsOf({ format: "sklearn", libraries, featureNames: null }, [])).toEqual([
      "joblib>=1.2,<2",
      "scikit-learn>=1.2,<2",
      "xgboost-cpu; sys_platform == 'linux' and platform_machine == 'x86_64'",
      "xgboost; sys_platform != 'linux' or platform_machine != 'x86_64'",
    ]);
  });
});
