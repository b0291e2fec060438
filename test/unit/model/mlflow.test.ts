// Folders that MLflow wrote: which file is the model, what its signature and pins add, what is refused.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { inspectModel } from "../../../src/model/inspect.ts";
import { requirementsOf } from "../../../src/model/requirements.ts";
import { fixtures, folderWith } from "./folder.ts";
import { pickle, proto, stackGlobal, text } from "./pickles.ts";

const read = (name: string, file: string): Buffer => readFileSync(join(fixtures[name] ?? "", file));
const mlmodel = (name: string): string => read(name, "MLmodel").toString();
const sklearn = "mlflow-sklearn-multiclass";
const xgboost = "mlflow-xgboost-binary";

const inspect = (
  files: Record<string, string | Buffer>,
  more: Partial<Parameters<typeof inspectModel>[1]> = {},
) => inspectModel(folderWith(files), { trust: [], ...more });

const folder = (changes: Record<string, string | Buffer> = {}): Record<string, string | Buffer> => ({
  MLmodel: mlmodel(sklearn),
  "model.pkl": read(sklearn, "model.pkl"),
  ...changes,
});

describe("a folder of MLflow's", () => {
  test("is read by its native flavour; the signature names the features", async () => {
    const model = await inspect(folder(), { format: "mlflow" });
    expect(model).toMatchObject({
      format: "sklearn",
      entry: "model.pkl",
      featureNames: ["sepal_length", "sepal_width", "petal_length", "petal_width"],
    });
    expect(model.files.map(({ path }) => path)).toEqual(["MLmodel", "model.pkl"]);
  });

  test("keeps the versions of the libraries that load it, and of no others", async () => {
    const pins =
      "mlflow==3.4.0\n# numpy==1.0\nnumpy==2.2.6 ; python_version > '3'\nScikit_Learn==1.7.2+local\npandas>=2\n";
    const model = await inspect(folder({ "requirements.txt": pins }));
    expect(model.libraries).toEqual({ "scikit-learn": "1.9.1", numpy: "2.2.6", joblib: null });
    const lines = requirementsOf(model, []);
    expect(lines).toContain("numpy==2.2.6");
    expect(lines.join()).not.toContain("mlflow");
    const booster = { MLmodel: mlmodel(xgboost), "model.ubj": read(xgboost, "model.ubj") };
    // The file's own word goes before the pin.
    const other = await inspect({ ...booster, "requirements.txt": "xgboost==1.0.0\n" });
    expect(other.libraries).toEqual({ xgboost: "3.2.0" });
  });

  test("text that is no version reaches no requirement", async () => {
    const model = await inspect(folder({ "requirements.txt": "numpy==2.0@http://x\n" }));
    expect(requirementsOf(model, [])).toContain("numpy");
  });

  test("a tensor's width counts, its name does not", async () => {
    const inputs = '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 4]}}]';
    const without = mlmodel(sklearn).replace(/inputs: '.*'/, `inputs: '${inputs}'`);
    expect(await inspect(folder({ MLmodel: without }))).toMatchObject({
      featureNames: null,
      featureCount: 4,
    });
    const none = mlmodel(sklearn).replace(/signature:[^]*(?=utc_time)/, "");
    expect(await inspect(folder({ MLmodel: none }))).toMatchObject({ featureNames: null, featureCount: 4 });
  });

  test("other models beside its own are no models", async () => {
    const beside = { "input_example/model.ubj": read(xgboost, "model.ubj") };
    expect(await inspect(folder(beside))).toMatchObject({ entry: "model.pkl" });
  });

  test("its pickle is judged like any", async () => {
    const evil = pickle(proto(4), stackGlobal("posix", "system"), text("true"), "\x85R.");
    await expect(inspect(folder({ "model.pkl": evil }))).rejects.toMatchObject({
      code: "model.unsafe",
      exit: "gate",
    });
  });
});

describe("what is refused", () => {
  test("a model of python_function alone, unless a handler loads it", async () => {
    const own =
      "flavors:\n  python_function:\n    loader_module: mlflow.pyfunc.model\n    python_model: python_model.pkl\n";
    const files = { MLmodel: own, "python_model.pkl": pickle(proto(4), "N.") };
    await expect(inspect(files)).rejects.toMatchObject({
      code: "model.mlflow-flavour",
      exit: "usage",
      why: expect.stringContaining("python_function"),
      fix: expect.stringContaining("model.format to python"),
    });
    expect(await inspect(files, { format: "python", handler: true })).toMatchObject({
      format: "python",
      entry: ".",
    });
  });

  test.each([["../model.pkl"], ["/etc/passwd"], ["missing.pkl"], [""], ["MLmodel/../model.pkl"]])(
    "data in %j",
    async (data) => {
      const moved = mlmodel(sklearn).replaceAll("pickled_model: model.pkl", `pickled_model: "${data}"`);
      await expect(inspect(folder({ MLmodel: moved }))).rejects.toMatchObject({ code: "model.damaged" });
    },
  );

  test.each([
    ["no YAML", "{"],
    ["a list", "- a"],
    ["no flavours", "artifact_path: x"],
    [
      "aliases without end",
      `a: &a [x]\nb: [${"*a,".repeat(100)}]\nflavors: {sklearn: {pickled_model: model.pkl}}`,
    ],
    ["a signature that is none", mlmodel(sklearn).replace(/inputs: '.*'/, "inputs: '{'")],
  ])("an MLmodel with %s", async (_name, content) => {
    await expect(inspect(folder({ MLmodel: content }))).rejects.toMatchObject({
      code: "model.damaged",
      exit: "usage",
    });
  });

  test("format mlflow for what MLflow did not write, and another format than its flavour's", async () => {
    await expect(
      inspect({ "model.pkl": read(sklearn, "model.pkl") }, { format: "mlflow" }),
    ).rejects.toMatchObject({
      code: "model.format-mismatch",
    });
    await expect(inspect(folder(), { format: "onnx" })).rejects.toMatchObject({
      code: "model.format-mismatch",
    });
  });
});

describe("files that only a handler can load", () => {
  test("are a model with a handler, and none without", async () => {
    const files = { "centres.csv": "1,2\n", "notes.txt": "how they were made" };
    await expect(inspect(files)).rejects.toMatchObject({
      code: "model.unknown-format",
      fix: expect.stringContaining("model.handler"),
    });
    const model = await inspect(files, { handler: true });
    expect(model).toMatchObject({ format: "python", entry: ".", libraries: {}, estimator: null });
    expect(requirementsOf(model, [])).toEqual([]);
  });

  test("two models of known formats go to the handler only when the user says so", async () => {
    const bytes = read(xgboost, "model.ubj");
    const files = { "a.ubj": bytes, "b.ubj": bytes };
    await expect(inspect(files, { handler: true })).rejects.toMatchObject({
      code: "model.ambiguous",
      fix: expect.stringContaining("model.format to python"),
    });
    expect(await inspect(files, { handler: true, format: "python" })).toMatchObject({ format: "python" });
  });

  test("a pickle among them is judged all the same", async () => {
    const evil = pickle(proto(4), stackGlobal("posix", "system"), text("true"), "\x85R.");
    const files = { "centres.csv": "1,2\n", "cache.bin": evil };
    await expect(inspect(files, { handler: true, format: "python" })).rejects.toMatchObject({
      code: "model.unsafe",
    });
  });
});
