// torch.export's JSON: a graph that PyTorch turns back into calls, expressions that it evaluates, and the
// structure of inputs and outputs. Source: torch/_export/serde/serialize.py and torch/utils/_pytree.py.
import { computes } from "./operators.ts";
import { parseJson } from "../json.ts";
import { Unreadable } from "../unreadable.ts";

/** A reason not to load the program. */
export interface ProgramFault {
  rule: "operator" | "custom-operator" | "expression" | "structure";
  /** What the file holds there. */
  name: string;
}

/** What an exported program says of itself. */
export interface Program {
  faults: ProgramFault[];
  /** Numbers per row, where the program takes one matrix of rows; else null. */
  width: number | null;
  /** The release of PyTorch that wrote it; null for a build between releases. */
  version: string | null;
}

/** More parts than any model's JSON has. */
const mostParts = 20_000_000;
const mostFaults = 100;

/** Arithmetic on sizes of tensors, in Python's own operator and math modules. */
const arithmetic =
  /^(_operator\.(add|sub|mul|floordiv|truediv|mod|pow|neg|pos|eq|ne|lt|le|gt|ge|getitem|and_|or_|not_)|math\.(ceil|floor|trunc|sqrt)|torch\.sym_(int|float|max|min|not|ite|sqrt|sum))$/;
const bitwise = /^__i?(and|or|xor|lshift|rshift)__$/;
/** What such a size is written with: symbols, numbers and functions of them. Python evaluates it. */
const symbols = new Set(
  (
    "Symbol Integer Float Rational Max Min Mod PythonMod FloorDiv CleanDiv CeilDiv ModularIndexing Where Pow Add Mul " +
    "Eq Ne Lt Le Gt Ge And Or Not True False integer positive nonnegative nonzero negative evaluate int_oo oo " +
    "ToFloat TruncToInt CeilToInt FloorToInt RoundToInt FloatTrueDiv IntTrueDiv PowByNatural FloatPow"
  ).split(" "),
);
const sized = /^[suz]f?\d{1,9}$/;
/** Containers that inputs and outputs may be structured by. */
const containers = new Set(["builtins.tuple", "builtins.list", "builtins.dict", "collections.OrderedDict"]);

/** Judges the JSON of a program. @throws Unreadable when it is none. */
export function readProgram(bytes: Uint8Array, name: string): Program {
  const value = parseJson(bytes, name);
  const faults = new Map<string, ProgramFault>();
  const report = (fault: ProgramFault): void => {
    if (faults.size < mostFaults) faults.set(`${fault.rule} ${fault.name}`, fault);
  };
  const open: unknown[] = [value];
  for (let parts = 0; open.length > 0; parts += 1) {
    if (parts > mostParts) throw new Unreadable(0, `${name} has more parts than any model`);
    const part = open.pop();
    if (typeof part !== "object" || part === null) continue;
    for (const [key, member] of Object.entries(part)) {
      judgeMember(key, member, report);
      if (typeof member === "object" && member !== null) open.push(member);
    }
  }
  return { faults: [...faults.values()], width: widthOf(value), version: versionOf(value) };
}

/** A local part such as `+cpu` says for which machine it was built, and is left out. */
function versionOf(program: unknown): string | null {
  const text = at(program, "torch_version");
  return typeof text === "string" ? (/^(\d+(?:\.\d+){1,3})(\+[\w.]+)?$/.exec(text)?.[1] ?? null) : null;
}

function judgeMember(key: string, member: unknown, report: (fault: ProgramFault) => void): void {
  if (key === "guards_code" && !isEmpty(member)) report({ rule: "expression", name: "guards_code" });
  if (key === "treespec_namedtuple_fields" && !isEmpty(member)) report({ rule: "structure", name: key });
  if (key === "custom_obj_values" && !isEmpty(member)) report({ rule: "structure", name: key });
  if (typeof member !== "string") return;
  if (key === "target") judgeTarget(member, report);
  if (key === "expr_str" || key === "as_expr") {
    if (!isExpression(member)) report({ rule: "expression", name: member });
  }
  if (key === "in_spec" || key === "out_spec") judgeStructure(member, report);
}

/** A call's target is looked up by attributes from the module torch on: only operators may be reached so. */
function judgeTarget(target: string, report: (fault: ProgramFault) => void): void {
  if (arithmetic.test(target)) return;
  const [, namespace = "", name = ""] = /^torch\.ops\.(\w+)\.(\w+)\.[A-Za-z]\w*$/.exec(target) ?? [];
  // Attributes that Python's own objects for namespaces and operators have beside operators.
  const isAttribute = name === "_dir" || (name.startsWith("__") && !bitwise.test(name));
  if (namespace !== "prim" && !isAttribute && computes(namespace, name)) return;
  const custom = namespace !== "" && !["aten", "prim", "prims", "quantized"].includes(namespace);
  report({ rule: custom ? "custom-operator" : "operator", name: custom ? namespace : target });
}

function isExpression(text: string): boolean {
  if (text.length > 10_000 || !/^[\w\s+\-*/%(),<>=!&|'.]*$/.test(text)) return false;
  // A dot belongs to a number: nothing is looked up in anything. Double underscores reach into Python.
  if (/\.(?!\d)|[A-Za-z_)']\s*\.|__/.test(text)) return false;
  const words = text.match(/[A-Za-z_]\w*/g) ?? [];
  return words.every((word) => symbols.has(word) || sized.test(word) || /^e\d+$/.test(word));
}

/** JSON in a text: containers and leaves. Other types are found by importing what the file names. */
function judgeStructure(text: string, report: (fault: ProgramFault) => void): void {
  const open: unknown[] = [parseJson(Buffer.from(text), "the structure of its inputs")];
  while (open.length > 0) {
    const part = open.pop();
    if (Array.isArray(part)) open.push(...part);
    if (typeof part !== "object" || part === null || Array.isArray(part)) continue;
    const {
      type = null,
      context = null,
      children_spec: children = [],
    }: Record<string, unknown> = { ...part };
    const known = type === null || (typeof type === "string" && containers.has(type));
    // The context of a dict is the list of its keys, as JSON.
    const plain = context === null || (typeof context === "string" && !context.includes("{"));
    if (!known || !plain) report({ rule: "structure", name: String(type) });
    open.push(children);
  }
}

function isEmpty(value: unknown): boolean {
  return value === null || (typeof value === "object" && Object.keys(value).length === 0);
}

/** The second size of the only input that the caller gives. */
function widthOf(program: unknown): number | null {
  const module = at(program, "graph_module");
  const specs = at(module, "signature", "input_specs");
  const inputs = (Array.isArray(specs) ? specs : []).flatMap((spec) => {
    const name = at(spec, "user_input", "arg", "as_tensor", "name");
    return typeof name === "string" ? [name] : [];
  });
  const sizes = at(module, "graph", "tensor_values", inputs[0] ?? "", "sizes");
  const width = Array.isArray(sizes) && sizes.length === 2 ? at(sizes[1], "as_int") : null;
  return inputs.length === 1 && typeof width === "number" && width > 0 ? width : null;
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (part, key) =>
      typeof part === "object" && part !== null ? Object.getOwnPropertyDescriptor(part, key)?.value : null,
    value,
  );
}
