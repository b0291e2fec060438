// Keras: what a configuration may name, what is refused in it, and what it says of inputs and task.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { bytesOf } from "../../../src/model/bytes.ts";
import { inspectModel } from "../../../src/model/inspect.ts";
import { requirementsOf } from "../../../src/model/requirements.ts";
import { scanModel } from "../../../src/model/scan.ts";
import { openZip } from "../../../src/model/zip.ts";
import { fileWith, fixtures } from "./folder.ts";
import { zipOf } from "./messages.ts";

type Json = Record<string, unknown>;

const weights = openZip(bytesOf(readFileSync(fixtures["keras-binary"] ?? ""))).read(
  "model.weights.h5",
  2 ** 20,
);
const layer = (name: string, config: Json = {}, module: string | null = "keras.layers"): Json => ({
  module,
  class_name: name,
  config,
  registered_name: null,
});
const input = layer("InputLayer", { batch_shape: [null, 3], dtype: "float32", name: "x" });
const sequence = (...layers: Json[]): Json => ({
  module: "keras",
  class_name: "Sequential",
  config: { layers: [input, ...layers] },
  registered_name: null,
});

function archive(config: unknown, more: Record<string, string> = {}): string {
  const text = (value: unknown) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
  return fileWith(
    "m.keras",
    zipOf([
      { name: "metadata.json", data: text({ keras_version: "3.15.1" }) },
      { name: "config.json", data: text(config) },
      { name: "model.weights.h5", data: weights },
      ...Object.entries(more).map(([name, data]) => ({ name, data: text(data) })),
    ]),
  );
}

const scan = async (config: unknown, trust: string[] = [], more: Record<string, string> = {}) =>
  (await scanModel(archive(config, more), { trust })).findings.map(
    ({ rule, global }) => `${rule} ${global ?? ""}`,
  );
const dense = (more: Json = {}) => layer("Dense", { units: 1, activation: "sigmoid", ...more });

describe("what a configuration names", () => {
  test("layers of Keras pass, with all that they hold", async () => {
    const initializer = layer("GlorotUniform", { seed: null }, "keras.initializers");
    expect(await scan(sequence(dense({ kernel_initializer: initializer })))).toEqual([]);
    expect(await scan(sequence(layer("Add", {}, "keras.src.ops.numpy")))).toEqual([]);
  });

  test.each<[string, Json, string]>([
    ["CVE-2024-3660: a Lambda", layer("Lambda", { function: {} }), "code keras.layers.Lambda"],
    [
      "a Lambda inside a wrapper",
      layer("TimeDistributed", { layer: layer("Lambda") }),
      "code keras.layers.Lambda",
    ],
    [
      "marshalled code",
      dense({ activation: { class_name: "__lambda__", config: { value: "4w" } } }),
      "code keras.__lambda__",
    ],
    [
      "CVE-2025-1550: a function of any module",
      dense({ activation: { class_name: "function", module: "os", config: "system" } }),
      "unknown-global os.system",
    ],
    [
      "CVE-2025-8747: a function of Keras itself",
      dense({ activation: { class_name: "function", module: "keras.utils", config: "get_file" } }),
      "unknown-global keras.utils.get_file",
    ],
    [
      "CVE-2025-9906: the switch of safe mode",
      dense({
        activation: {
          class_name: "function",
          module: "keras.config",
          config: "enable_unsafe_deserialization",
        },
      }),
      "unknown-global keras.config.enable_unsafe_deserialization",
    ],
    [
      "CVE-2026-1462: another model",
      layer("TFSMLayer", { filepath: "/tmp/x" }),
      "code keras.layers.TFSMLayer",
    ],
    ["a pickle", layer("TorchModuleWrapper", { module: "gASV" }), "code keras.layers.TorchModuleWrapper"],
    ["a class of another package", layer("Popen", {}, "subprocess"), "unknown-global subprocess.Popen"],
    [
      "a registered class",
      { ...dense(), registered_name: "acme>Dense" },
      "unknown-global keras.acme>Dense".replace("keras.", ""),
    ],
    ["a vocabulary on the disk", layer("StringLookup", { vocabulary: "/etc/passwd" }), "external-data "],
    ["a type of TensorFlow", layer("__typespec__", {}, "os"), "unknown-global os.__typespec__"],
    ["a name that is none", { class_name: 7, config: {} }, "unknown-global "],
    [
      "an operation under another module",
      layer("GetItem", {}, "keras.layers"),
      "unknown-global keras.layers.GetItem",
    ],
    [
      "a module that only looks like Keras",
      layer("Dense", {}, "keras_evil.layers"),
      "unknown-global keras_evil.layers.Dense",
    ],
    [
      "a loss of the user's, which trust lifts",
      {
        ...dense(),
        compile_config: {
          loss: { class_name: "function", module: "mine", config: "loss", registered_name: "loss" },
        },
      },
      "unknown-global mine.loss",
    ],
  ])("%s is refused", async (_name, bad, finding) => {
    expect(await scan(sequence(bad))).toContain(finding);
  });

  test("trust lifts names, never code", async () => {
    const custom = { ...layer("Swish2", {}, "acme"), registered_name: "acme>Swish2" };
    expect(await scan(sequence(custom), ["acme.Swish2"])).toEqual([]);
    expect(await scan(sequence(layer("Lambda")), ["keras.layers.Lambda"])).toEqual([
      "code keras.layers.Lambda",
    ]);
  });

  test.each(["../model.py", "assets/../x", "code.pkl", "model.weights.npz", "/etc/passwd"])(
    "a member %j is refused",
    async (name) => {
      const found = await scan(sequence(dense()), [], { [name]: "x" });
      expect(found.join()).toMatch(/unknown-member|damaged/);
    },
  );

  test("vocabularies among the assets pass", async () => {
    expect(await scan(sequence(dense()), [], { "assets/letters/vocabulary.txt": "a\nb" })).toEqual([]);
  });

  test("a key given twice, of which readers take different ones, is damage", async () => {
    expect(await scan('{"class_name":"Sequential","class_name":"Sequential","config":{}}')).toEqual([
      "damaged ",
    ]);
  });

  test("so it is in the metadata", async () => {
    const file = fileWith(
      "m.keras",
      zipOf([
        { name: "metadata.json", data: Buffer.from('{"keras_version":"3.15.1","keras_version":"2.13.0"}') },
        { name: "config.json", data: Buffer.from(JSON.stringify(sequence(dense()))) },
        { name: "model.weights.h5", data: weights },
      ]),
    );
    const { findings } = await scanModel(file, { trust: [] });
    expect(findings).toMatchObject([
      { rule: "damaged", message: 'its metadata.json has two members "keras_version"' },
    ]);
  });

  test("an archive whose weights lie elsewhere is refused", async () => {
    const config = Buffer.from(JSON.stringify(sequence(dense())));
    const outside = readFileSync(new URL("../../../fixtures/hdf5/external-storage.h5", import.meta.url));
    const file = fileWith(
      "m.keras",
      zipOf([
        { name: "metadata.json", data: Buffer.from("{}") },
        { name: "config.json", data: config },
        { name: "model.weights.h5", data: outside },
      ]),
    );
    const { findings } = await scanModel(file, { trust: [] });
    expect(findings).toMatchObject([{ rule: "external-data", file: "m.keras!model.weights.h5" }]);
  });
});

describe("what an HDF5 file's configuration names", () => {
  const whole = readFileSync(fixtures["keras-h5-regression"] ?? "").toString("latin1");

  /** The fixture with a text of its configuration replaced, spaces where the new one is shorter. */
  async function changed(from: string, to: string, trust: string[] = []): Promise<string[]> {
    expect(whole.split(from).length).toBeGreaterThan(1);
    const bytes = Buffer.from(whole.replaceAll(from, to.padEnd(from.length)), "latin1");
    expect(bytes.length).toBe(whole.length);
    const { findings } = await scanModel(fileWith("m.h5", bytes), { trust });
    return findings.map(({ rule, global, message }) => `${rule} ${global ?? message}`);
  }

  test.each<[string, string, string, string]>([
    [
      "CVE-2025-9905: a Lambda, which no safe mode stops in an HDF5 file",
      '"class_name": "Rescaling"',
      '"class_name": "Lambda"',
      "code keras.Lambda",
    ],
    [
      "a class of another module",
      '"module": "keras.initializers"',
      '"module": "os"',
      "unknown-global os.GlorotUniform",
    ],
    ["a registered class", '"registered_name": null', '"registered_name":"a>B"', "unknown-global a>B"],
    ["a key given twice", '"units":', '"dtype":', 'damaged its model_config has two members "dtype"'],
  ])("%s is refused", async (_name, from, to, finding) => {
    expect((await changed(from, to)).join()).toContain(finding);
  });

  test("no trust lifts a Lambda", async () => {
    const found = await changed('"class_name": "Rescaling"', '"class_name": "Lambda"', ["keras.Lambda"]);
    expect(found).toContain("code keras.Lambda");
  });
});

describe("what a configuration says", () => {
  const facts = async (config: unknown) => inspectModel(archive(config), { trust: [] });
  const functional = (inputs: Json[], places: unknown): Json => ({
    module: "keras",
    class_name: "Functional",
    config: {
      layers: [...inputs.map((each, at) => ({ ...each, name: `i${at}` })), { ...dense(), name: "out" }],
      input_layers: places,
      output_layers: ["out", 0, 0],
    },
  });
  const one = layer("InputLayer", { batch_shape: [null, 1] });

  test("one dense input has a width and no names", async () => {
    expect(await facts(sequence(dense()))).toMatchObject({
      featureCount: 3,
      featureNames: null,
      task: "binary",
      estimator: "keras.Sequential",
    });
  });

  test.each([
    [
      "a list",
      [
        ["i1", 0, 0],
        ["i0", 0, 0],
      ],
      ["i1", "i0"],
    ],
    ["a mapping", { b: ["i1", 0, 0], a: ["i0", 0, 0] }, ["i1", "i0"]],
  ])("several inputs as %s are features by name", async (_kind, places, names) => {
    expect(await facts(functional([one, one], places))).toMatchObject({
      featureNames: names,
      featureCount: 2,
    });
  });

  test("inputs wider than a column are left to the loader", async () => {
    expect(
      await facts(
        functional(
          [one, input],
          [
            ["i0", 0, 0],
            ["i1", 0, 0],
          ],
        ),
      ),
    ).toMatchObject({ featureNames: null, featureCount: null });
  });

  test.each([
    [{ units: 4, activation: "softmax" }, null, "multiclass"],
    [{ units: 2, activation: "softmax" }, null, "binary"],
    [{ units: 1, activation: "linear" }, "mse", "regression"],
    [
      { units: 1, activation: "linear" },
      { class_name: "MeanSquaredError", module: "keras.losses", config: {} },
      "regression",
    ],
    [{ units: 3, activation: "linear" }, "sparse_categorical_crossentropy", null],
  ])("%j trained with %j", async (config, loss, task) => {
    expect((await facts({ ...sequence(layer("Dense", config)), compile_config: { loss } })).task).toBe(task);
  });

  test("an HDF5 file of weights needs a handler", async () => {
    const file = fileWith("w.h5", weights);
    await expect(inspectModel(file, { trust: [] })).rejects.toMatchObject({
      code: "model.needs-handler",
      exit: "usage",
    });
  });

  test("the saved version is pinned, on the build of TensorFlow without GPU libraries", async () => {
    const model = await inspectModel(fixtures["keras-h5-regression"] ?? "", { trust: [] });
    const lines = requirementsOf(model, []);
    expect(lines).toContain("keras==3.15.1");
    expect(lines.filter((line) => line.startsWith("tensorflow"))).toEqual([
      expect.stringMatching(/^tensorflow-cpu>=.*x86_64'$/),
      expect.stringMatching(/^tensorflow>=.*x86_64'$/),
    ]);
  });
});
