// skops archives: a zip with schema.json, a tree of nodes that say how each object is made.
import { z } from "zod";
import { parseJson } from "../json.ts";
import { judgeContent } from "../nested.ts";
import { permissionOf } from "../pickle/allowed.ts";
import { Budget } from "../pickle/ledger.ts";
import { isSklearnClass } from "../pickle/sklearn-classes.ts";
import { quote, noFacts, type Finding, type Reading } from "../reading.ts";
import { factsOf } from "../sklearn/facts.ts";
import { withFrame } from "../sklearn/frame.ts";
import { Unreadable } from "../unreadable.ts";
import { openZip } from "../zip.ts";
import { partOfNode } from "./skops-part.ts";
import type { Input } from "./input.ts";

export const schemaFile = "schema.json";
/** Bytes; the schema of a forest of 500 trees has 5 MB. */
const largestSchema = 256 * 2 ** 20;
/** Bytes of an array when unpacked. */
const largestMember = 2 ** 31 - 1;
const mostNodes = 5_000_000;

const header = z.object({ protocol: z.number().int(), _skops_version: z.string() });
const node = z.object({ __class__: z.string(), __module__: z.string(), __loader__: z.string() });

const identified = z.object({ __id__: z.union([z.number(), z.string()]).optional() });

type Judge = (module: string, name: string) => boolean;
const only =
  (...names: string[]): Judge =>
  (module, name) =>
    names.includes(`${module}.${name}`);
const reference: Judge = (module, name) => permissionOf(module, name) === "value";
const container = only(
  ...["OrderedDict", "defaultdict", "Counter"].map((name) => `collections.${name}`),
  ...["set", "frozenset", "bytes", "bytearray", "complex"].map((name) => `builtins.${name}`),
);
const type: Judge = (module, name) =>
  reference(module, name) || container(module, name) || permissionOf(module, name) === "class";

/** What each of skops's loaders may make. Those that look up methods or call anything are missing. */
const loaders: ReadonlyMap<string, Judge> = new Map([
  ["DictNode", only("builtins.dict", "collections.OrderedDict", "sklearn.utils._bunch.Bunch")],
  ["DefaultDictNode", only("collections.defaultdict")],
  ["ListNode", only("builtins.list")],
  ["TupleNode", only("builtins.tuple", "sklearn.impute._iterative._ImputerTriplet")],
  ["SetNode", only("builtins.set", "builtins.frozenset")],
  ["SliceNode", only("builtins.slice")],
  ["BytesNode", only("builtins.bytes")],
  ["BytearrayNode", only("builtins.bytearray")],
  ["JsonNode", (module) => module === "builtins"],
  ["NdArrayNode", (module, name) => module === "numpy" && reference(module, name)],
  ["MaskedArrayNode", only("numpy.ma.MaskedArray", "numpy.ma.core.MaskedArray")],
  ["RandomStateNode", only("numpy.random.mtrand.RandomState")],
  ["RandomGeneratorNode", only("numpy.random._generator.Generator")],
  ["DTypeNode", (module) => module === "numpy" || module === "numpy.dtypes"],
  ["SparseMatrixNode", (module, name) => module.startsWith("scipy.sparse") && type(module, name)],
  ["ObjectNode", (module, name) => permissionOf(module, name) === "class"],
  ["ConstructorFromReduceNode", isSklearnClass],
  ["TreeNode", isSklearnClass],
  ["LossNode", isSklearnClass],
  ["SGDNode", isSklearnClass],
  ["FunctionNode", reference],
  ["TypeNode", type],
  ["CachedNode", () => true],
]);

/** Reads a skops file without making any of its objects. @throws Unreadable when it is damaged. */
export function readSkops({ source, file, trust }: Input): Reading {
  const zip = openZip(source);
  const schema = parseJson(zip.read(schemaFile, largestSchema), `its ${schemaFile}`);
  const { protocol, _skops_version: version } = readAs(header, schema);
  const findings: Finding[] = [];
  const globals = new Map<string, number>();
  const report = (rule: string, message: string, global: string | null): void => {
    findings.push({ file: `${file}!${schemaFile}`, offset: null, global, rule, message });
  };
  // Older protocols have nodes of their own, some with known holes, and choosing them is up to the file.
  if (protocol < 1) report("old-protocol", `it asks for skops protocol ${protocol}`, null);
  judge(schema, new Set(trust), globals, report);
  // Arrays of numbers are all that skops keeps beside its schema; older versions would unpickle others.
  const budget = new Budget();
  for (const name of zip.names.filter((member) => member !== schemaFile)) {
    const place = { path: `${file}!${name}`, trust, budget, depth: 1 };
    findings.push(...(judgeContent(zip.open(name, largestMember), place)?.findings ?? []));
  }
  const libraries = { skops: version, "scikit-learn": null, numpy: null, scipy: null };
  const facts =
    findings.length > 0 ? noFacts : withFrame(factsOf(partOfNode(schema, zip), libraries), globals.keys());
  return { facts, findings, globals };
}

/** Goes through every node, also those that no loader would reach. */
function judge(
  schema: unknown,
  trust: ReadonlySet<string>,
  globals: Map<string, number>,
  report: (rule: string, message: string, global: string | null) => void,
): void {
  const open: unknown[] = [schema];
  const ids = new Map<number | string, string>();
  const reported = new Set<string>();
  let count = 0;
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    count += 1;
    if (count > mostNodes) throw new Unreadable(0, `its schema has more than ${mostNodes} nodes`);
    if (typeof value !== "object" || value === null) continue;
    for (const member of Array.isArray(value) ? value : Object.values(value)) {
      if (typeof member === "object" && member !== null) open.push(member);
    }
    if (Array.isArray(value) || !looksLikeNode(value)) continue;
    const { __class__: name, __module__: module, __loader__: loader } = readAs(node, value);
    const shown = /^[\w.]{1,300}$/.test(`${module}.${name}`)
      ? `${module}.${name}`
      : quote(`${module}.${name}`);
    globals.set(shown, (globals.get(shown) ?? 0) + 1);
    const allowed = loaders.get(loader);
    const safe =
      !name.includes(".") &&
      (allowed?.(module, name) === true || (allowed !== undefined && trust.has(shown)));
    const message = allowed === undefined ? `it uses the loader ${quote(loader)}` : `it makes ${shown}`;
    if (!safe && !reported.has(message)) {
      reported.add(message);
      if (reported.size <= 200)
        report(allowed === undefined ? "unknown-loader" : "unknown-global", message, shown);
    }
    const { __id__: id } = readAs(identified, value);
    const kind = `${loader} ${shown}`;
    if (loader === "CachedNode" || id === undefined) continue;
    if (ids.has(id) && ids.get(id) !== kind) report("two-faces", "two different nodes share one id", shown);
    ids.set(id, kind);
  }
}

function looksLikeNode(value: object): boolean {
  return "__loader__" in value || "__class__" in value || "__module__" in value;
}

function readAs<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (!result.success) throw new Unreadable(0, `its ${schemaFile} is not one that skops writes`);
  return result.data;
}
