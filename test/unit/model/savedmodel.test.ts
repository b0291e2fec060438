// SavedModels: operators of every graph and function are judged; only the saver may write.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { bytesOf } from "../../../src/model/bytes.ts";
import { kindOf } from "../../../src/model/format.ts";
import { inspectModel } from "../../../src/model/inspect.ts";
import { requirementsOf } from "../../../src/model/requirements.ts";
import { scanModel } from "../../../src/model/scan.ts";
import { fixtures, folderWith } from "./folder.ts";
import { count, field } from "./messages.ts";

/** A NodeDef as field `number` of what holds it. */
const node = (
  number: number,
  name: string,
  operator: string,
  inputs: string[] = [],
  calls: string[] = [],
): Buffer =>
  field(
    number,
    Buffer.concat([
      field(1, name),
      field(2, operator),
      ...inputs.map((each) => field(3, each)),
      ...calls.map((each) => field(5, Buffer.concat([field(1, "f"), field(2, field(10, field(1, each)))]))),
    ]),
  );
const fn = (name: string, ...nodes: Buffer[]): Buffer =>
  field(1, Buffer.concat([field(1, field(1, name)), ...nodes]));
const saver = field(3, Buffer.concat([field(1, "file:0"), field(2, "save:0"), field(3, "restore")]));
const tensor = (name: string, place: string, sizes: number[]): Buffer => {
  const shape = sizes.map((size) =>
    field(2, size < 0 ? Buffer.from([8, ...Array<number>(9).fill(255), 1]) : count(1, size)),
  );
  return Buffer.concat([
    field(1, name),
    field(2, Buffer.concat([field(1, place), count(2, 1), field(3, Buffer.concat(shape))])),
  ]);
};
const signature = (inputs: Buffer[], name = "serving_default"): Buffer =>
  field(
    5,
    Buffer.concat([
      field(1, name),
      field(
        2,
        Buffer.concat([...inputs.map((each) => field(1, each)), field(2, tensor("y", "out:0", [-1, 1]))]),
      ),
    ]),
  );

interface Parts {
  nodes?: Buffer[];
  functions?: Buffer[];
  more?: Buffer[];
  inputs?: Buffer[];
  tags?: string[];
}

function graph({
  nodes = [],
  functions = [],
  more = [],
  inputs = [tensor("x", "x:0", [-1, 2])],
  tags = ["serve"],
}: Parts): Buffer {
  const about = field(1, Buffer.concat([...tags.map((tag) => field(4, tag)), field(5, "2.21.0")]));
  const body = Buffer.concat([
    node(1, "x", "Placeholder"),
    node(1, "out", "StatefulPartitionedCall", ["x"], ["serve"]),
    ...nodes,
    field(2, Buffer.concat([fn("serve", node(3, "y", "Sigmoid")), ...functions])),
  ]);
  return field(2, Buffer.concat([about, field(2, body), saver, signature(inputs), ...more]));
}

const folder = (graphs: Buffer, more: Record<string, string> = {}): string =>
  folderWith({
    "saved_model.pb": Buffer.concat([count(1, 1), graphs]),
    "variables/variables.index": "i",
    "variables/variables.data-00000-of-00001": "tree\n",
    ...more,
  });
const scan = async (parts: Parts, trust: string[] = []) =>
  (await scanModel(folder(graph(parts)), { trust })).findings.map(
    ({ rule, global }) => `${rule} ${global ?? ""}`,
  );

describe("operators", () => {
  test("those that compute pass, and calls of functions", async () => {
    expect(
      await scan({
        functions: [fn("__inner_1", node(3, "a", "MatMul")), fn("b", node(3, "c", "__inner_1"))],
      }),
    ).toEqual([]);
  });

  test.each([
    "ReadFile",
    "WriteFile",
    "MatchingFiles",
    "PyFunc",
    "EagerPyFunc",
    "PyFuncStateless",
    "SaveV2",
    "RestoreV2",
    "ImmutableConst",
    "PrintV2",
    "DatasetFromGraph",
    "TFRecordDataset",
    "TextLineReaderV2",
    "DebugIdentityV2",
    "XlaCallModule",
  ])(
    "%s is refused in the graph and in a function that nothing calls, whoever is trusted",
    async (operator) => {
      expect(await scan({ nodes: [node(1, "n", operator)] }, [operator])).toEqual([`operator ${operator}`]);
      expect(await scan({ functions: [fn("idle", node(3, "n", operator))] }, [operator])).toEqual([
        `operator ${operator}`,
      ]);
    },
  );

  test("one that is not known is refused unless it is trusted", async () => {
    const nodes = [node(1, "n", "AcmeMine")];
    expect(await scan({ nodes })).toEqual(["custom-operator AcmeMine"]);
    expect(await scan({ nodes }, ["AcmeMine"])).toEqual([]);
    expect(await scan({ nodes: [node(1, "n", "InitializeTableFromTextFileV2")] })).toEqual([
      "custom-operator InitializeTableFromTextFileV2",
    ]);
  });

  test("a function that is called like an operator does not excuse it", async () => {
    expect(
      await scan({ functions: [fn("ReadFile", node(3, "a", "Add"))], nodes: [node(1, "n", "ReadFile")] }),
    ).toEqual(["operator ReadFile"]);
  });

  test("a second graph is judged like the first", async () => {
    const both = Buffer.concat([graph({}), graph({ tags: ["train"], nodes: [node(1, "n", "WriteFile")] })]);
    const { findings } = await scanModel(folder(both), { trust: [] });
    expect(findings).toMatchObject([{ rule: "operator", global: "WriteFile" }]);
  });
});

describe("the saver", () => {
  const saving = [
    node(1, "save", "StatefulPartitionedCall", ["file"], ["store"]),
    node(1, "file", "Placeholder"),
  ];
  const store = fn(
    "store",
    node(3, "a", "SaveV2"),
    node(3, "b", "MergeV2Checkpoints"),
    node(3, "c", "ShardedFilename"),
  );
  const restoring = [node(1, "restore", "StatefulPartitionedCall", ["file"], ["fetch"])];

  test("may save and restore", async () => {
    expect(
      await scan({
        nodes: [...saving, ...restoring],
        functions: [store, fn("fetch", node(3, "a", "RestoreV2"))],
      }),
    ).toEqual([]);
  });

  test("may not write while it restores, nor read or write anything else", async () => {
    expect(await scan({ nodes: restoring, functions: [fn("fetch", node(3, "a", "SaveV2"))] })).toEqual([
      "operator SaveV2",
    ]);
    expect(await scan({ nodes: saving, functions: [fn("store", node(3, "a", "WriteFile"))] })).toEqual([
      "operator WriteFile",
    ]);
  });

  test.each<[string, Parts]>([
    [
      "a signature",
      {
        nodes: [node(1, "other", "Identity", ["save"])],
        functions: [fn("deep", node(3, "s", "PartitionedCall", [], ["store"]))],
        more: [
          field(5, Buffer.concat([field(1, "other"), field(2, field(2, tensor("y", "other:0", [-1])))])),
        ],
      },
    ],
    [
      "what loading runs",
      {
        more: [
          field(4, Buffer.concat([field(1, "saved_model_main_op"), field(2, field(1, field(1, "save")))])),
        ],
      },
    ],
    [
      "a method of an object",
      { more: [field(7, field(2, Buffer.concat([field(1, "store"), field(2, "")])))] },
    ],
  ])("is no excuse for what %s reaches", async (_what, { nodes = [], functions = [], more = [] }) => {
    expect(await scan({ nodes: [...saving, ...nodes], functions: [store, ...functions], more })).toContain(
      "operator SaveV2",
    );
  });
});

describe("the folder", () => {
  const asset = (name: string): Buffer => field(6, field(2, name));

  test.each(["../../etc/passwd", "/etc/passwd", "missing.txt", ""])(
    "an asset %j is refused",
    async (name) => {
      const { findings } = await scanModel(
        folder(graph({ more: [asset(name)] }), { "assets/words.txt": "a" }),
        { trust: [] },
      );
      expect(findings).toMatchObject([{ rule: "external-data" }]);
    },
  );

  test("an asset of its own passes", async () => {
    const { findings } = await scanModel(
      folder(graph({ more: [asset("words.txt")] }), { "assets/words.txt": "a" }),
      { trust: [] },
    );
    expect(findings).toEqual([]);
  });

  test.each(["saved_model.pbtxt", "saved_model.cpb"])("a second graph in %s is refused", async (name) => {
    const { findings } = await scanModel(folder(graph({}), { [name]: "x" }), { trust: [] });
    expect(findings).toMatchObject([{ rule: "two-faces" }]);
  });

  test("variables that begin like another model are no second model", async () => {
    expect(await inspectModel(folder(graph({})), { trust: [] })).toMatchObject({
      format: "savedmodel",
      featureCount: 2,
    });
  });

  test("the graph alone asks for its folder", async () => {
    const file = join(fixtures["savedmodel-multiclass"] ?? "", "saved_model.pb");
    await expect(inspectModel(file, { trust: [] })).rejects.toMatchObject({
      code: "model.needs-handler",
      what: expect.stringContaining("the folder that holds saved_model.pb"),
    });
  });

  test("one without the signature that is served asks for a handler", async () => {
    const path = folder(graph({ tags: ["train"] }));
    await expect(inspectModel(path, { trust: [] })).rejects.toMatchObject({ code: "model.needs-handler" });
  });
});

describe("the signature", () => {
  const facts = (inputs: Buffer[]) => inspectModel(folder(graph({ inputs })), { trust: [] });

  test("several inputs of one column are features by name, sorted", async () => {
    expect(await facts([tensor("b", "b:0", [-1]), tensor("a", "a:0", [-1, 1])])).toMatchObject({
      featureNames: ["a", "b"],
      featureCount: 2,
    });
  });

  test.each([
    [[-1, 7], 7],
    [[-1], 1],
    [[-1, -1], null],
    [[-1, 28, 28], null],
  ])("one input of shape %j", async (shape, width) => {
    expect(await facts([tensor("x", "x:0", shape)])).toMatchObject({
      featureNames: null,
      featureCount: width,
    });
  });
});

describe("real ones", () => {
  test.each(["savedmodel-multiclass", "savedmodel-inputs-binary"])(
    "%s is safe, and later versions may read it",
    async (name) => {
      const model = await inspectModel(fixtures[name] ?? "", { trust: [] });
      expect(requirementsOf(model, [])).toEqual([
        expect.stringMatching(/^tensorflow-cpu>=2\.21\.0,<3; /),
        expect.stringMatching(/^tensorflow>=2\.21\.0,<3; /),
      ]);
    },
  );

  test("cut short, they are damaged or unknown", async () => {
    const whole = readFileSync(join(fixtures["savedmodel-multiclass"] ?? "", "saved_model.pb"));
    for (let size = 1; size < whole.length; size += 997)
      expect(kindOf(bytesOf(whole.subarray(0, size)))).not.toEqual({ format: "onnx" });
    const copy = mkdtempSync(join(tmpdir(), "mlship-savedmodel-"));
    onTestFinished(() => rmSync(copy, { recursive: true }));
    cpSync(fixtures["savedmodel-multiclass"] ?? "", copy, { recursive: true });
    writeFileSync(join(copy, "saved_model.pb"), whole.subarray(0, 20_000));
    await expect(inspectModel(copy, { trust: [] })).rejects.toMatchObject({ exit: "usage" });
  });
});
