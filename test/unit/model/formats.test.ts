// ONNX, skops, zip, UBJSON, XGBoost and LightGBM: what is refused in files that were made to deceive.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { bytesOf } from "../../../src/model/bytes.ts";
import { parseUbjson } from "../../../src/model/formats/ubjson.ts";
import { inspectModel } from "../../../src/model/inspect.ts";
import { scanModel } from "../../../src/model/scan.ts";
import { openZip } from "../../../src/model/zip.ts";
import { fileWith, fixtures, folderWith } from "./folder.ts";
import { count, externalTensor, field, node, onnxModel, zipOf } from "./messages.ts";

const rulesOf = async (path: string, trust: string[] = []): Promise<string[]> =>
  (await scanModel(path, { trust })).findings.map(({ rule }) => rule);

describe("onnx", () => {
  const onnx = (graph: Buffer[], trust: string[] = [], ...more: Buffer[]) =>
    rulesOf(fileWith("m.onnx", onnxModel(graph, ...more)), trust);
  const graph = (content: Buffer): Buffer =>
    Buffer.concat([field(1, "then"), count(20, 5), field(6, content)]);

  test("plain operators pass", async () => {
    expect(await onnx([node("Gemm"), node("Scaler", "ai.onnx.ml")])).toEqual([]);
  });

  test("a custom operator is refused unless its domain is trusted or the model defines it", async () => {
    expect(await onnx([node("Run", "acme")])).toEqual(["custom-operator"]);
    expect(await onnx([node("Run", "acme")], ["acme"])).toEqual([]);
    const own = field(
      25,
      Buffer.concat([field(1, "Run"), field(7, Buffer.concat([field(4, "Relu")])), field(10, "acme")]),
    );
    expect(await onnx([node("Run", "acme")], [], own)).toEqual([]);
  });

  test("a custom operator inside a branch or a function is found", async () => {
    expect(await onnx([node("If", "", graph(node("Run", "acme")))])).toEqual(["custom-operator"]);
    const hidden = field(25, Buffer.concat([field(1, "F"), field(7, field(4, "Run")), field(10, "own")]));
    expect(await onnx([node("F", "own")], [], hidden)).toEqual([]);
    const evil = field(
      25,
      Buffer.concat([field(7, Buffer.concat([field(4, "R"), field(7, "acme")])), field(10, "own")]),
    );
    expect(await onnx([node("F", "own")], [], evil)).toEqual(["custom-operator"]);
  });

  test("operators that run Python or load files are refused, whoever is trusted", async () => {
    expect(await onnx([node("PythonOp", "com.microsoft")], ["com.microsoft"])).toEqual(["operator"]);
    expect(await onnx([node("EPContext", "com.microsoft")])).toEqual(["operator"]);
  });

  test.each([
    "/etc/passwd",
    "../weights.bin",
    "a/../../weights.bin",
    "a/../weights.bin",
    "C:\\weights.bin",
    "..\\weights.bin",
    "",
    "missing.bin",
    "weights.bin\0.txt",
    "__proto__",
  ])("weights in %j are refused", async (location) => {
    const folder = folderWith({
      "m.onnx": onnxModel([node("Gemm"), field(5, externalTensor(location))]),
      "weights.bin": "12345678",
    });
    expect(await rulesOf(folder)).toEqual(["external-data"]);
  });

  test("weights in a file of the model pass, when they lie inside it", async () => {
    const files = (more: Record<string, string>) => ({
      "m.onnx": onnxModel([node("Gemm"), field(5, externalTensor("data/weights.bin", more))]),
      "data/weights.bin": "12345678",
    });
    expect(await rulesOf(folderWith(files({ offset: "0", length: "8" })))).toEqual([]);
    expect(await rulesOf(folderWith(files({ offset: "4", length: "8" })))).toEqual(["external-data"]);
    expect(await rulesOf(folderWith(files({ offset: "-1", length: "1" })))).toEqual(["external-data"]);
  });

  test("weights elsewhere are found in attributes and sparse tensors", async () => {
    const tensor = externalTensor("/etc/passwd");
    expect(await onnx([node("Constant", "", field(5, tensor))])).toEqual(["external-data"]);
    expect(await onnx([field(15, field(1, tensor))])).toEqual(["external-data"]);
  });

  test("graphs nested without end are damage", async () => {
    let deep: Buffer = node("Relu");
    for (let depth = 0; depth < 100; depth += 1) deep = node("If", "", graph(deep));
    expect(await onnx([deep])).toEqual(["damaged"]);
  });

  test("several inputs of one column are features by name; initializers are not", async () => {
    const column = (name: string) => {
      const shape = Buffer.concat([field(1, field(2, "N")), field(1, count(1, 1))]);
      return field(
        11,
        Buffer.concat([field(1, name), field(2, field(1, Buffer.concat([count(1, 1), field(2, shape)])))]),
      );
    };
    const bytes = onnxModel([column("__proto__"), column('a"b'), field(5, field(8, "X"))]);
    const model = await inspectModel(fileWith("m.onnx", bytes), { trust: [] });
    expect(model.featureNames).toEqual(["__proto__", 'a"b']);
    expect(model.task).toBe("regression");
  });
});

describe("zip", () => {
  const data = Buffer.from("{}");
  const open = (bytes: Buffer) => openZip(bytesOf(bytes)).read("a", 100);

  test("one that all read alike", () => {
    expect(open(zipOf([{ name: "a", data }])).toString()).toBe("{}");
  });

  test.each<[string, Buffer]>([
    ["another name in the header", zipOf([{ name: "a", localName: "b", data }])],
    ["encryption", zipOf([{ name: "a", data, flags: 0x1 }])],
    ["a patch", zipOf([{ name: "a", data, flags: 0x20 }])],
    ["strong encryption", zipOf([{ name: "a", data, flags: 0x40 }])],
    ["sizes behind the data", zipOf([{ name: "a", data, flags: 0x8 }])],
    ["a wrong checksum", zipOf([{ name: "a", data, crc: 1 }])],
    [
      "two members of one name",
      zipOf([
        { name: "a", data },
        { name: "a", data: Buffer.from("[]") },
      ]),
    ],
    ["something before it", zipOf([{ name: "a", data }], { before: "#!/bin/sh\n" })],
    ["something behind it", zipOf([{ name: "a", data }], { after: "\0" })],
    ["no such member", zipOf([{ name: "b", data }])],
    ["a member that is too large", zipOf([{ name: "a", data: Buffer.alloc(101) }])],
  ])("%s is refused", (_name, bytes) => {
    expect(() => open(bytes)).toThrow(expect.objectContaining({ name: "Unreadable" }));
  });
});

describe("skops", () => {
  const skops = (schema: object, trust: string[] = []) => {
    const data = Buffer.from(JSON.stringify({ protocol: 2, _skops_version: "0.16.0", ...schema }));
    return rulesOf(fileWith("m.skops", zipOf([{ name: "schema.json", data }])), trust);
  };
  const of = (loader: string, module: string, name: string, content: unknown = null, id?: number) => ({
    __class__: name,
    __module__: module,
    __loader__: loader,
    content,
    ...(id === undefined ? {} : { __id__: id }),
  });

  test("an unknown type is refused by its name, unless trusted", async () => {
    const scan = await scanModel(
      fileWith(
        "m.skops",
        zipOf([
          {
            name: "schema.json",
            data: Buffer.from(
              JSON.stringify({ protocol: 2, _skops_version: "0.16.0", ...of("ObjectNode", "acme", "Model") }),
            ),
          },
        ]),
      ),
      { trust: [] },
    );
    expect(scan.findings).toMatchObject([{ rule: "unknown-global", global: "acme.Model" }]);
    expect(await skops(of("ObjectNode", "acme", "Model"), ["acme.Model"])).toEqual([]);
  });

  test.each(["MethodNode", "OperatorFuncNode", "PartialNode", "constructor", "__proto__"])(
    "the loader %s is refused",
    async (loader) => {
      expect(await skops(of(loader, "sklearn.svm._classes", "SVC"), ["sklearn.svm._classes.SVC"])).toEqual([
        "unknown-loader",
      ]);
    },
  );

  test("a type is refused where its loader would make something else of it", async () => {
    expect(await skops(of("ListNode", "os", "system"))).toEqual(["unknown-global"]);
    expect(await skops(of("FunctionNode", "os", "system"))).toEqual(["unknown-global"]);
    expect(await skops(of("TypeNode", "builtins", "eval"))).toEqual(["unknown-global"]);
    expect(await skops(of("NdArrayNode", "subprocess", "Popen"))).toEqual(["unknown-global"]);
    expect(await skops(of("ConstructorFromReduceNode", "builtins", "eval"))).toEqual(["unknown-global"]);
  });

  test("a node hidden where no loader looks is found", async () => {
    expect(
      await skops({ ...of("ListNode", "builtins", "list", []), extra: [of("ObjectNode", "os", "x")] }),
    ).toEqual(["unknown-global"]);
  });

  test("two nodes with one id, an old protocol", async () => {
    const list = [of("JsonNode", "builtins", "str", '"a"', 1), of("TypeNode", "builtins", "int", null, 1)];
    expect(await skops(of("ListNode", "builtins", "list", list))).toEqual(["two-faces"]);
    expect(await skops({ ...of("ListNode", "builtins", "list", []), protocol: 0 })).toEqual(["old-protocol"]);
  });

  test("a type that only makes a container may be referred to", async () => {
    expect(await skops(of("TypeNode", "collections", "OrderedDict"))).toEqual([]);
    expect(await skops(of("TypeNode", "types", "FunctionType"))).toEqual(["unknown-global"]);
  });

  test("a schema with one key twice", async () => {
    const data = Buffer.from('{"protocol": 2, "_skops_version": "0.16.0", "protocol": 0}');
    expect(await rulesOf(fileWith("m", zipOf([{ name: "schema.json", data }])))).toEqual(["damaged"]);
  });

  test("a pickle beside the schema is read, whatever refers to it", async () => {
    const schema = { protocol: 2, _skops_version: "0.16.0", ...of("ListNode", "builtins", "list", []) };
    const scan = await scanModel(
      fileWith(
        "m.skops",
        zipOf([
          { name: "schema.json", data: Buffer.from(JSON.stringify(schema)) },
          { name: "140.npy", data: Buffer.from("\x80\x04cposix\nsystem\n)R.", "latin1") },
        ]),
      ),
      { trust: [] },
    );
    expect(scan.findings).toMatchObject([{ global: "posix.system", file: "m.skops!140.npy" }]);
  });

  test("a schema that is none", async () => {
    expect(await rulesOf(fileWith("m", zipOf([{ name: "schema.json", data: Buffer.from("{") }])))).toEqual([
      "damaged",
    ]);
    expect(await rulesOf(fileWith("m", zipOf([{ name: "schema.json", data: Buffer.from("[]") }])))).toEqual([
      "damaged",
    ]);
    expect(await skops({ __loader__: 1 })).toEqual(["damaged"]);
  });
});

describe("xgboost and lightgbm", () => {
  test("UBJSON that is nested, endless or promises too much is refused", () => {
    for (const text of [
      "[".repeat(100_000),
      "{U\x01a".repeat(1_000),
      "[#l\x7f\xff\xff\xff",
      "[$d#l\x7f\xff\xff\xff",
      "[$Z#l\x7f\xff\xff\xff",
      "SD\0",
      "x",
      "ZZ",
      "",
    ]) {
      expect(() => parseUbjson(bytesOf(Buffer.from(text, "latin1")))).toThrow(
        expect.objectContaining({ name: "Unreadable" }),
      );
    }
    expect(parseUbjson(bytesOf(Buffer.from("{U\x09__proto__T}", "latin1")))).toEqual(
      JSON.parse('{"__proto__": true}'),
    );
  });

  test("JSON that is nested deeply or lacks a part is damaged", async () => {
    const deep = `{"learner": ${"[".repeat(200_000)}`;
    for (const text of [
      deep,
      `${deep}${"]".repeat(200_000)}}`,
      '{"learner": {}}',
      '{"version": [1, 2, 3]}',
    ]) {
      await expect(inspectModel(fileWith("m.json", text), { trust: [] })).rejects.toMatchObject({
        code: "model.damaged",
      });
    }
  });

  test("features called __proto__ stay features", async () => {
    const text = readFileSync(fixtures["xgboost-json-binary"] ?? "", "utf8").replace(
      '"mean_radius"',
      '"__proto__"',
    );
    const model = await inspectModel(fileWith("m.json", text), { trust: [] });
    expect(model.featureNames?.[0]).toBe("__proto__");
  });

  test("a LightGBM model that was edited is damaged", async () => {
    const text = readFileSync(fixtures["lightgbm-binary"] ?? "", "utf8");
    for (const edited of [
      text.replace("num_leaves=7", "num_leaves=77"),
      text.replace("max_feature_idx=4", "max_feature_idx=9"),
      text.replace("max_feature_idx=4", "max_feature_idx=x"),
    ]) {
      await expect(inspectModel(fileWith("m.txt", edited), { trust: [] })).rejects.toMatchObject({
        code: "model.damaged",
      });
    }
  });
});
