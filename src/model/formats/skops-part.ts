// A node of a skops schema, looked at as a part of an estimator.
import { labelsOf, NdArray } from "../pickle/array.ts";
import { Dtype } from "../pickle/dtype.ts";
import { PyBytes, PyTuple } from "../pickle/values.ts";
import { bytesOf } from "../bytes.ts";
import { Unreadable } from "../unreadable.ts";
import type { Part } from "../sklearn/part.ts";
import type { Label } from "../model.ts";
import type { Zip } from "../zip.ts";

/** Arrays longer than this are weights, not labels. */
const largestArray = 2 ** 22;

/** The node as a part; arrays are read from the archive when they are asked for. */
export function partOfNode(node: unknown, zip: Zip): Part {
  const loader = member(node, "__loader__");
  const content = member(node, "content");
  const isObject = loader === "ObjectNode" || loader === "TreeNode";
  return {
    className: isObject ? `${String(member(node, "__module__"))}.${String(member(node, "__class__"))}` : null,
    attribute(name) {
      const found = isObject ? member(member(content, "content"), name) : undefined;
      if (found === undefined || (member(found, "__loader__") === "JsonNode" && jsonOf(found) === null))
        return null;
      return partOfNode(found, zip);
    },
    items() {
      const sequence = loader === "ListNode" || loader === "TupleNode";
      return sequence && Array.isArray(content) ? content.map((item) => partOfNode(item, zip)) : null;
    },
    labels() {
      if (loader === "NdArrayNode" && member(node, "type") === "numpy")
        return readNpy(String(member(node, "file")), zip);
      if (loader === "JsonNode") return labelList(jsonOf(node));
      return Array.isArray(content) ? labelList(content.map(jsonOf)) : null;
    },
    scalar() {
      return labelList([jsonOf(node)])?.[0] ?? null;
    },
  };
}

/** An own member of a JSON object, whatever it is called. */
function member(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}

function jsonOf(node: unknown): unknown {
  const content = member(node, "content");
  if (member(node, "__loader__") !== "JsonNode" || typeof content !== "string") return null;
  try {
    return JSON.parse(content);
  } catch {
    throw new Unreadable(0, "a value in its schema is not JSON");
  }
}

function labelList(values: unknown): Label[] | null {
  const isLabel = (value: unknown): value is Label =>
    typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  return Array.isArray(values) && values.every(isLabel) ? labelsOf(values) : null;
}

/** A one-dimensional array in numpy's file format, version 1. */
function readNpy(name: string, zip: Zip): Label[] | null {
  const bytes = zip.read(name, largestArray);
  if (bytes.length < 10 || bytes.toString("latin1", 0, 8) !== "\x93NUMPY\x01\0") return null;
  const start = 10 + bytes.readUInt16LE(8);
  const header = bytes.toString("latin1", 10, start);
  const [, order, code] = /'descr': '([<>|])([biufUS]\d{1,6})'/.exec(header) ?? [];
  const [, count] = /'shape': \((\d{1,9}),\)/.exec(header) ?? [];
  if (code === undefined || count === undefined) return null;
  const dtype = Dtype.called([code, false, true]);
  if (dtype === null || start + Number(count) * dtype.itemsize !== bytes.length) return null;
  dtype.littleEndian = order !== ">";
  const data = new PyBytes(bytesOf(bytes), start, bytes.length - start);
  return NdArray.of(dtype, new PyTuple([Number(count)]), data).labels();
}
