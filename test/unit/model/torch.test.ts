// PyTorch's files: what is refused in archives, code and graphs that were made to deceive, and what a handler must give.
import { describe, expect, test } from "vitest";
import { inspectModel } from "../../../src/model/inspect.ts";
import { requirementsOf } from "../../../src/model/requirements.ts";
import { scanModel } from "../../../src/model/scan.ts";
import { readProgram } from "../../../src/model/torch/program.ts";
import { definitionsIn, judgeScript } from "../../../src/model/torch/script.ts";
import { fileWith, fixtures } from "./folder.ts";
import { zipOf } from "./messages.ts";
import { global, pickle, proto, stackGlobal, text } from "./pickles.ts";

const torchZip = (members: Record<string, string | Buffer>): Buffer =>
  zipOf(Object.entries(members).map(([name, data]) => ({ name: `m/${name}`, data: Buffer.from(data) })));
const rulesOf = async (members: Record<string, string | Buffer>, trust: string[] = []): Promise<string[]> =>
  (await scanModel(fileWith("m.pt", torchZip(members)), { trust })).findings.map(({ rule }) => rule);

const nothing = pickle(proto(2), "N.");
const evil = pickle(proto(4), stackGlobal("posix", "system"), text("true"), "\x85R.");

/** `torch._utils._rebuild_tensor_v2(storage, 0, (2,), (1,), False, hooks)`, with parts to replace. */
const tensor = (storage: string, hooks = ")R"): Buffer =>
  pickle(
    proto(2),
    global("torch._utils", "_rebuild_tensor_v2"),
    "(",
    storage,
    "K\0K\x02\x85K\x01\x85\x89",
    global("collections", "OrderedDict"),
    hooks,
    "tR.",
  );
const storage = (key = "0", device = "cpu", type = global("torch", "FloatStorage")): string =>
  pickle("(", text("storage"), type, text(key), text(device), "K\x02tQ").toString("latin1");

describe("weights", () => {
  test("a tensor over a storage of the archive passes", async () => {
    expect(await rulesOf({ "data.pkl": tensor(storage()), "data/0": "12345678", version: "3\n" })).toEqual(
      [],
    );
  });

  test.each<[string, Buffer, string[]]>([
    ["code", evil, ["unknown-global"]],
    ["a storage with a path", tensor(storage("../../x")), ["persistent-id"]],
    ["a storage on an odd device", tensor(storage("0", "cpu; rm")), ["persistent-id"]],
    [
      "a storage of another type",
      tensor(storage("0", "cpu", global("builtins", "eval"))),
      ["unknown-global", "persistent-id"],
    ],
    ["a persistent id that is a text", pickle(proto(2), text("0"), "Q."), ["persistent-id"]],
    ["hooks", tensor(storage(), pickle(")R", text("k"), "Ns").toString("latin1")), ["call"]],
    [
      "a class of torch, whose state would be set",
      pickle(proto(2), global("torch.nn.modules.linear", "Linear"), ")\x81}b."),
      ["unknown-global"],
    ],
    [
      "a class of TorchScript where Python would import it",
      pickle(proto(2), global("__torch__", "os"), ")\x81."),
      ["unknown-global"],
    ],
    [
      "a tensor of a class that is called",
      pickle(proto(2), global("torch._tensor", "_rebuild_from_type_v2"), "(NN)tR."),
      ["unknown-global"],
    ],
    [
      "a joblib array in disguise",
      pickle(proto(2), global("joblib.numpy_pickle", "NumpyArrayWrapper"), ")\x81."),
      ["unknown-global"],
    ],
  ])("%s is refused", async (_name, data, rules) => {
    expect(await rulesOf({ "data.pkl": data, "data/0": "12345678" })).toEqual(rules);
  });

  test("need a handler, with or without a safetensors header", async () => {
    for (const name of ["pytorch-weights-multiclass", "pytorch-safetensors-multiclass"]) {
      const path = fixtures[name] ?? "";
      await expect(inspectModel(path, { trust: [] })).rejects.toMatchObject({
        code: "model.needs-handler",
        exit: "usage",
        fix: expect.stringContaining("load(folder)"),
      });
      expect(await inspectModel(path, { trust: [], handler: true })).toMatchObject({ format: "pytorch" });
    }
  });
});

describe("archives", () => {
  test("a member of no known place is refused", async () => {
    expect(await rulesOf({ "data.pkl": nothing, "lib/custom.so": "\x7fELF" })).toEqual(["unknown-member"]);
    const exported = { archive_format: "pt2", "models/model.json": "{}" };
    expect(await rulesOf({ ...exported, "data/aotinductor/model/m.so": "\x7fELF" })).toEqual([
      "unknown-member",
    ]);
    // Objects that are no tensors are pickled, and loaded without any list.
    expect(await rulesOf({ ...exported, "data/constants/opaque_obj_0": evil })).toEqual(["unknown-member"]);
  });

  test("two kinds at once, no kind, and members outside the folder are damage", async () => {
    expect(await rulesOf({ "data.pkl": nothing, archive_format: "pt2" })).toEqual(["damaged"]);
    expect(await rulesOf({ "x/data.pkl": nothing, version: "3" })).toEqual(["damaged"]);
    const outside = zipOf([
      { name: "m/data.pkl", data: nothing },
      { name: "n/data.pkl", data: evil },
    ]);
    const scan = await scanModel(fileWith("m.pt", outside), { trust: [] });
    expect(scan.findings).toMatchObject([{ rule: "damaged" }]);
  });

  test("every pickle of TorchScript is read, debug records too", async () => {
    const base = { "data.pkl": nothing, "constants.pkl": nothing, "code/__torch__.py": "" };
    expect(await rulesOf(base)).toEqual([]);
    for (const name of ["data.pkl", "constants.pkl", "code/__torch__.py.debug_pkl", "traced_inputs.pkl"])
      expect(await rulesOf({ ...base, [name]: evil })).toEqual(["unknown-global"]);
  });

  test("an archive inside an exported program is read like any", async () => {
    const inner = (data: Buffer): Buffer => torchZip({ "data.pkl": data });
    const exported = { archive_format: "pt2", "models/model.json": "{}" };
    expect(await rulesOf({ ...exported, "data/sample_inputs/model.pt": inner(nothing) })).toEqual([]);
    expect(await rulesOf({ ...exported, "data/sample_inputs/model.pt": inner(evil) })).toEqual([
      "unknown-global",
    ]);
    expect(await rulesOf({ ...exported, "data/weights/weight_0": "\0\0\0\0" })).toEqual([]);
  });
});

describe("TorchScript's code", () => {
  const judge = (code: string): string[] =>
    judgeScript(code, new Set(definitionsIn(code))).map(({ rule, name }) => `${rule} ${name}`);

  test("what compilers write passes", () => {
    expect(
      judge(`class Net(Module):
  __parameters__ = ["weight", ]
  weight : Tensor
  __annotations__["0"] = __torch__.torch.nn.modules.linear.Linear
  def save_up(self: __torch__.Net, x: Tensor) -> Tensor:
    _0 = getattr(self, "0")
    _1 = "a.save(b) is only a text"
    if torch.__is__(x, None):
      ops.prim.RaiseException(_1)
    else:
      pass
    y = torch.add(torch.linear(x, self.weight, None), CONSTANTS.c0)
    return (_0).forward(self.save_up(torch.softmax(y, 1)), )
`),
    ).toEqual([]);
  });

  test.each<[string, string]>([
    ['torch.save(x, "/tmp/x")', "operator aten::save"],
    ['x.save("/tmp/x")', "operator aten::save"],
    ['(x).save("/tmp/x")', "operator aten::save"],
    ['f = x.save\nf("/tmp/x")', "operator aten::save"],
    ['getattr(x, "save")("/tmp/x")', "operator aten::save"],
    ['torch . save (x, "y")', "operator aten::save"],
    ['torch.from_file("/etc/passwd", False, 10)', "operator aten::from_file"],
    ['"/etc/passwd".from_file(False, 10)', "operator aten::from_file"],
    ['ops.aten.save(x, "y")', "operator aten::save"],
    ["ops.prim.rpc_sync(x)", "operator prim::rpc_sync"],
    ["ops.prim.PythonOp(x)", "operator prim::PythonOp"],
    ["torch.jit.fork(x)", "operator aten::jit"],
    ["ops.acme.run(x)", "custom-operator acme"],
    ["a : __torch__.torch.classes.acme.Shell", "custom-class __torch__.torch.classes.acme.Shell"],
    ['x.load_state("y")', "operator aten::load_state"],
  ])("%s is refused", (code, fault) => {
    expect(judge(code)).toEqual([fault]);
  });

  test("bytes that no compiler writes are damage", () => {
    for (const code of ["x = `y`", 'x = "never closed', "x = é"])
      expect(() => judge(code)).toThrow(expect.objectContaining({ name: "Unreadable" }));
  });

  test("an operator of one's own is allowed by its namespace", async () => {
    const members = { "data.pkl": nothing, "constants.pkl": nothing, "code/a.py": "y = ops.acme.run(x)\n" };
    expect(await rulesOf(members)).toEqual(["custom-operator"]);
    expect(await rulesOf(members, ["acme"])).toEqual([]);
    // What reaches files stays refused, whoever is trusted.
    expect(
      await rulesOf({ ...members, "code/a.py": "torch.save(x, 'y')\n" }, ["aten", "aten::save"]),
    ).toEqual(["operator"]);
  });
});

describe("exported programs", () => {
  const judge = (value: object): string[] =>
    readProgram(Buffer.from(JSON.stringify(value)), "it").faults.map(({ rule, name }) => `${rule} ${name}`);

  test("operators and arithmetic on sizes pass", () => {
    const nodes = ["torch.ops.aten.linear.default", "_operator.getitem", "math.floor", "torch.sym_max"];
    expect(judge({ graph: { nodes: nodes.map((target) => ({ target })) } })).toEqual([]);
  });

  test.each([
    "torch.load",
    "torch.hub.load",
    "torch.utils.cpp_extension.load",
    "torch.os.system",
    "torch.ops.aten.from_file.default",
    "torch.ops.aten.save.default",
    "torch.ops.prim.rpc_sync.default",
    "torch.ops.load_library",
    "torch.ops.aten.__class__.mro",
    "torch.ops.aten.add.__class__",
    "torch.ops.aten._dir.clear",
    "_operator.attrgetter",
    "_operator.methodcaller",
    "_operator.call",
    "math.__loader__.load_module",
    "os.system",
    "#acme:run",
    "__proto__",
  ])("the target %s is refused", (target) => {
    expect(judge({ target })).toEqual([`operator ${target}`]);
  });

  test("a custom operator is named by its namespace", () => {
    expect(judge({ target: "torch.ops.acme.run.default" })).toEqual(["custom-operator acme"]);
  });

  test.each([
    "Symbol('s31', positive=True, integer=True)",
    "2*Max(1, Symbol('s0', positive=True, integer=True)) + FloorDiv(Symbol('u3', integer=True), 2) - 1.5e3",
  ])("the size %s passes", (expression) => {
    expect(judge({ expr_str: expression, range: { min_val: 0 } })).toEqual([]);
  });

  test.each([
    "__import__('os').system('true')",
    "Symbol('s0').__class__",
    "Symbol('s0').func",
    "(lambda: 1)()",
    "exec('1')",
    "[x for x in ()]",
    "Symbol('s0')\n.func",
    "1 .real",
    "s0 if True else open",
    'Symbol("s0")',
  ])("the size %j is refused", (expression) => {
    expect(judge({ expr_str: expression })).toEqual([`expression ${expression}`]);
  });

  test("guards, which are code, are refused", () => {
    expect(judge({ guards_code: ["L['x'].shape[0] > 1"] })).toEqual(["expression guards_code"]);
    expect(judge({ guards_code: [] })).toEqual([]);
  });

  test("inputs structured by other types than containers are refused", () => {
    const spec = (type: string | null, context: string | null = null): string =>
      JSON.stringify([
        1,
        { type, context, children_spec: [{ type: null, context: null, children_spec: [] }] },
      ]);
    expect(
      judge({ in_spec: spec("builtins.dict", '["a"]'), out_spec: spec("builtins.tuple", "null") }),
    ).toEqual([]);
    expect(judge({ in_spec: spec("collections.defaultdict", '{"default_factory_module": "os"}') })).toEqual([
      "structure collections.defaultdict",
    ]);
    const chosen = '[{"__enum__": true, "fqn": "os:system", "name": "x"}]';
    expect(judge({ out_spec: spec("builtins.dict", chosen) })).toEqual(["structure builtins.dict"]);
    expect(judge({ custom_obj_values: { a: { class_fqn: "acme.Shell" } } })).toEqual([
      "structure custom_obj_values",
    ]);
  });

  test("JSON that two readers could take differently is damage", () => {
    for (const json of ['{"target": "torch.add", "target": "torch.load"}', "{", '{"in_spec": "{"}'])
      expect(() => readProgram(Buffer.from(json), "it")).toThrow(
        expect.objectContaining({ name: "Unreadable" }),
      );
  });
});

test("PyTorch is required without the holes in its weights_only loader, whatever the file says", () => {
  const model = { format: "pytorch" as const, libraries: { torch: null }, featureNames: null };
  expect(requirementsOf(model, [])).toEqual(["safetensors>=0.4,<1", "torch>=2.10,<3"]);
});

test("a file of the time before 1.6 says how to save it again", async () => {
  const legacy = Buffer.concat([Buffer.from("80028a0a6cfc9c46f9206aa850192e", "hex"), nothing]);
  await expect(inspectModel(fileWith("m.pt", legacy), { trust: [], handler: false })).rejects.toMatchObject({
    code: "model.unknown-format",
    message: expect.stringContaining("torch.save"),
  });
});

test("a whole module in a pickle is refused, with what to save instead", async () => {
  const whole = torchZip({
    "data.pkl": pickle(proto(2), global("torch.nn.modules.linear", "Linear"), ")\x81."),
  });
  await expect(inspectModel(fileWith("m.pt", whole), { trust: [], handler: true })).rejects.toMatchObject({
    code: "model.unsafe",
    fix: expect.stringContaining("state_dict"),
  });
});
